import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Platform } from '../../src/platforms/platform.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { Block, Columns, PageHead } from '../ui/index.tsx'
import { LimitsList } from './limits.tsx'
import { SettingsForm } from './settings.tsx'

/** Connecting one platform: what it asks for, and what it takes. */
export function ConnectPage({
  frame,
  platform,
  form,
}: {
  frame: Frame
  platform: Platform
  form?: Rejected | undefined
}): Html {
  const base = `/w/${frame.workspace.slug}/accounts`
  return (
    <Layout {...frame} title={`Connect ${platform.name}`}>
      <PageHead title={`Connect ${platform.name}`} back={{ href: base, label: 'Accounts' }} />
      <Columns
        aside={
          <Block title="What it takes">
            <LimitsList limits={platform.limits} />
          </Block>
        }
      >
        <div class="block">
          <p class="block-note">{platform.about}</p>
          <SettingsForm
            platform={platform}
            action={`${base}/connect/${platform.id}`}
            submit={`Connect ${platform.name}`}
            form={form}
          />
        </div>
      </Columns>
    </Layout>
  )
}
