import type { SocialAccount } from '../../src/accounts/find.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { Block, Buttons, CopyField, LinkButton, Notice, PageHead } from '../ui/index.tsx'
import { VerifyPosts } from './verify.tsx'

/** Right after connecting a webhook: its signing secret, this once. */
export function RevealPage({
  frame,
  account,
  secrets,
}: {
  frame: Frame
  account: SocialAccount
  secrets: Readonly<Record<string, string>>
}): Html {
  const base = `/w/${frame.workspace.slug}/accounts`
  return (
    <Layout {...frame} title="Signing secret">
      <PageHead title={account.name} back={{ href: base, label: 'Accounts' }} note="Connected" />
      <div class="column">
        <Notice kind="warn" title="Copy the signing secret now">
          It is shown this once and kept sealed. If it is lost, reconnect the webhook: it then gets a new one.
        </Notice>
        <div class="form">
          {Object.entries(secrets).map(([name, value]) => (
            <CopyField
              id={`reveal-${name}`}
              label="Signing secret"
              value={value}
              hint="Give it to the receiver. Whoever has it can sign as this workspace."
            />
          ))}
          <Buttons>
            <LinkButton href={`${base}/${account.id}`} variant="main">
              I have copied it
            </LinkButton>
          </Buttons>
        </div>
        <Block title="How the receiver checks a delivery">
          <VerifyPosts />
        </Block>
      </div>
    </Layout>
  )
}
