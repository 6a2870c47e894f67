import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Block, CopyField, Meta, Notice } from '../ui/index.tsx'

/** A signing secret, the one time that it is shown. */
export function NewSecret({ secret, children }: { secret: string; children?: Child }): Html {
  return (
    <>
      <Notice kind="warn" title="Copy the signing secret now">
        {children}
      </Notice>
      <CopyField
        id="secret"
        label="Signing secret"
        value={secret}
        hint="Every message is signed with it, in the Standard Webhooks form."
      />
    </>
  )
}

/** How a receiver knows that a message is ours. Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export function VerifyMessage(): Html {
  return (
    <Block title="How the receiver checks a message">
      <p class="block-note">
        Messages follow{' '}
        <a href="https://www.standardwebhooks.com" rel="noreferrer">
          Standard Webhooks
        </a>
        ; its libraries check them in one call.
      </p>
      <Meta
        items={[
          { term: 'webhook-id', value: 'The same for every try of one message: drop what you have seen.' },
          {
            term: 'webhook-timestamp',
            value: 'Seconds since 1970; refuse what is more than five minutes off.',
          },
          {
            term: 'webhook-signature',
            value:
              'v1, and the base64 of HMAC-SHA256 over “id.timestamp.body”, keyed with the bytes after whsec_. For a day after a new secret there are two, separated by a space.',
          },
          {
            term: 'Answer',
            value:
              '2xx within 20 seconds. 410 ends it for good; anything else is sent again, ten times over three days.',
          },
        ]}
      />
    </Block>
  )
}
