import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Webhook } from '../../src/webhooks/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  ActionButton,
  Block,
  Columns,
  EmptyState,
  Line,
  PageHead,
  Row,
  Rows,
  StateMark,
  Time,
} from '../ui/index.tsx'
import { WebhookForm } from './form.tsx'
import { NewSecret, VerifyMessage } from './secret.tsx'

/** Every event webhook of the workspace and how it fares, and the way to make one. */
export function WebhooksPage({
  frame,
  webhooks,
  form,
  made,
}: {
  frame: Frame
  webhooks: readonly Webhook[]
  form?: Rejected | undefined
  /** The one just made, with its secret, which no other page shows. */
  made?: (Webhook & { secret: string }) | undefined
}): Html {
  const settings = `/w/${frame.workspace.slug}/settings`
  const here = `${settings}/webhooks`
  return (
    <Layout {...frame} title="Event webhooks">
      <PageHead
        title="Event webhooks"
        note="programs of yours that are told what happens here"
        back={{ href: settings, label: 'Settings' }}
      />
      <Columns
        aside={<WebhookForm title="New event webhook" action={here} button="Make it" form={form} />}
        asideFirst={form !== undefined}
      >
        {made && (
          <Block title={`${hostOf(made)} is told from now on`} id="made">
            <div class="form">
              <NewSecret secret={made.secret}>
                It is shown this once. Whoever has it can send messages that look like ours; if it is lost,
                make a new one on the webhook’s page.
              </NewSecret>
              <div class="buttons">
                <ActionButton action={`${here}/${made.id}/test`} icon="zap" variant="main">
                  Send a test
                </ActionButton>
                <a class="btn btn-quiet" href={`${here}/${made.id}`}>
                  Open the webhook
                </a>
              </div>
            </div>
          </Block>
        )}
        {webhooks.length > 0 && (
          <Rows label="Event webhooks">
            {webhooks.map(webhook => (
              <WebhookRow webhook={webhook} href={`${here}/${webhook.id}`} zone={frame.workspace.zone} />
            ))}
          </Rows>
        )}
        {webhooks.length === 0 && (
          <EmptyState icon="webhook" title="Nobody is told yet">
            Give the address of a program that takes a POST: a chat, a dashboard, a script. It gets a signed
            message for each thing that happens, and gets it again until it answers. Posts themselves go to an
            address by a webhook account, under Accounts.
          </EmptyState>
        )}
        <VerifyMessage />
      </Columns>
    </Layout>
  )
}

export const hostOf = ({ url }: { url: string }): string => new URL(url).host

function WebhookRow({ webhook, href, zone }: { webhook: Webhook; href: string; zone: string }): Html {
  const { url, events, failing, waiting } = webhook
  return (
    <Row
      href={href}
      title={hostOf(webhook)}
      meta={
        <Line
          parts={[
            new URL(url).pathname,
            events.length === 0
              ? 'every event'
              : `${events.length} ${events.length === 1 ? 'event' : 'events'}`,
            waiting > 0 && `${waiting} waiting`,
            failing && (
              <>
                failing since <Time at={failing.since} zone={zone} />
              </>
            ),
          ]}
        />
      }
      mark={<WebhookMark webhook={webhook} />}
    />
  )
}

/** Whether it is on, and whether its receiver takes what is sent. */
export function WebhookMark({ webhook: { state, failing } }: { webhook: Webhook }): Html {
  if (state === 'disabled') return <StateMark state="held">Off</StateMark>
  return failing ? <StateMark state="failed">Failing</StateMark> : <StateMark state="connected">On</StateMark>
}
