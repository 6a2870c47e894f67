import type { Html } from '../html.ts'
import { Meta } from '../ui/index.tsx'

/** Standard Webhooks in three lines. Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export function VerifySteps(): Html {
  return (
    <>
      <p class="block-note">
        Deliveries follow{' '}
        <a href="https://www.standardwebhooks.com" rel="noreferrer">
          Standard Webhooks
        </a>
        ; its libraries check them in one call.
      </p>
      <Meta
        items={[
          { term: 'webhook-id', value: 'The same for every try of one post: drop what you have seen.' },
          {
            term: 'webhook-timestamp',
            value: 'Seconds since 1970; refuse what is more than five minutes off.',
          },
          {
            term: 'webhook-signature',
            value:
              'v1, and the base64 of HMAC-SHA256 over “id.timestamp.body”, keyed with the bytes after whsec_.',
          },
          { term: 'Answer', value: '2xx within a few seconds. Anything else is sent again later.' },
        ]}
      />
    </>
  )
}
