import { VerifySteps } from '../accounts/verify.tsx'
import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Block, CopyField, Notice } from '../ui/index.tsx'

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

/** How a receiver knows that a message is ours. */
export function VerifyMessage(): Html {
  return (
    <Block title="How the receiver checks a message">
      <VerifySteps
        of="message"
        also="For a day after a new secret there are two, separated by a space."
        answer="2xx within 20 seconds. 410 ends it for good; anything else is sent again, ten times over three days."
      />
    </Block>
  )
}
