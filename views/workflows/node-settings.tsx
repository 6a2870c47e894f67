import type { Html } from '../html.ts'
import { Block, Meta, Raw } from '../ui/index.tsx'
import { verifySnippet } from './snippet.ts'

/** What the Webhook node in n8n has to say, word for word. */
export function NodeSettings({ path }: { path?: string | undefined }): Html {
  return (
    <Block
      title="In n8n"
      note="Begin the flow with a Webhook node, set it like this, and publish (activate) the flow."
    >
      <Meta
        items={[
          { term: 'HTTP Method', value: 'POST' },
          {
            term: 'Path',
            value: path ? <code>{path}</code> : 'a name of your choice; give the same one here',
          },
          { term: 'Authentication', value: 'None: the signature proves the sender' },
          { term: 'Respond', value: 'Immediately, or When Last Node Finishes to have the answer kept here' },
          { term: 'Options', value: 'Add Option, Raw Body, on: the signature covers the bytes as sent' },
        ]}
      />
    </Block>
  )
}

/** The Code node that lets only our calls through. Without `secret` it leaves a place for it. */
export function VerifySnippet({
  secret,
  open = false,
}: {
  secret?: string | undefined
  open?: boolean | undefined
}): Html {
  return (
    <Raw label="Code node that checks the signature (JavaScript, after the Webhook node)" open={open}>
      {verifySnippet(secret ?? 'whsec_…')}
    </Raw>
  )
}
