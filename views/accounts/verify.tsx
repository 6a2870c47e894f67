import type { Html } from '../html.ts'
import { Meta } from '../ui/index.tsx'

interface Told {
  /** What is signed and sent: a post, or a message about an event. */
  of: 'post' | 'message'
  /** What is to be known of the signature beyond its form. */
  also?: string
  /** Which answer ends it, and what becomes of the others. */
  answer: string
}

/** Standard Webhooks in three lines. Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export function VerifySteps({ of, also, answer }: Told): Html {
  return (
    <>
      <p class="block-note">
        {of === 'post' ? 'Deliveries' : 'Messages'} follow{' '}
        <a href="https://www.standardwebhooks.com" rel="noreferrer">
          Standard Webhooks
        </a>
        ; its libraries check them in one call.
      </p>
      <Meta
        items={[
          { term: 'webhook-id', value: `The same for every try of one ${of}: drop what you have seen.` },
          {
            term: 'webhook-timestamp',
            value: 'Seconds since 1970; refuse what is more than five minutes off.',
          },
          {
            term: 'webhook-signature',
            value: `v1, and the base64 of HMAC-SHA256 over “id.timestamp.body”, keyed with the bytes after whsec_.${also ? ` ${also}` : ''}`,
          },
          { term: 'Answer', value: answer },
        ]}
      />
    </>
  )
}

/** The same for the posts of a webhook account. */
export const VerifyPosts = (): Html => (
  <VerifySteps of="post" answer="2xx within a few seconds. Anything else is sent again later." />
)
