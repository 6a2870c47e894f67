import type { DeliveryState, WebhookDelivery } from '../../src/deliveries/schema.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Page } from '../../src/lib/cursor.ts'
import type { Webhook } from '../../src/webhooks/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  ActionButton,
  Block,
  Buttons,
  Columns,
  Confirm,
  EmptyState,
  Notice,
  PageHead,
  Pager,
  Tabs,
  Time,
  Timeline,
} from '../ui/index.tsx'
import { deliveryMoment } from './delivery.tsx'
import { WebhookForm } from './form.tsx'
import { hostOf, WebhookMark } from './list.tsx'
import { NewSecret, VerifyMessage } from './secret.tsx'

/** One event webhook: what was sent to it and what became of that, its settings, its secret. */
export function WebhookPage({
  frame,
  webhook,
  page,
  state,
  cursor,
  form,
  secret,
}: {
  frame: Frame
  webhook: Webhook
  page: Page<WebhookDelivery>
  state: DeliveryState | undefined
  cursor: string | undefined
  form?: Rejected | undefined
  /** Made just now: shown this once. */
  secret?: string | undefined
}): Html {
  const { slug, zone } = frame.workspace
  const settings = `/w/${slug}/settings`
  const here = `${settings}/webhooks/${webhook.id}`
  const only = (wanted: DeliveryState | undefined) => (wanted ? `${here}?state=${wanted}` : here)
  const query = state ? `state=${state}&` : ''
  return (
    <Layout {...frame} title={hostOf(webhook)}>
      <PageHead
        title={hostOf(webhook)}
        back={{ href: `${settings}/webhooks`, label: 'Event webhooks' }}
        mark={<WebhookMark webhook={webhook} />}
        actions={<Actions here={here} webhook={webhook} />}
      />
      <Columns
        aside={
          <>
            <WebhookForm title="Settings" action={here} button="Save" form={form} now={webhook} />
            <Secret here={here} />
            <VerifyMessage />
          </>
        }
        asideFirst={form !== undefined}
      >
        {secret && (
          <div class="form">
            <NewSecret secret={secret}>
              It is shown this once. For 24 hours messages carry the signature of the former secret too:
              change the receiver over until then.
            </NewSecret>
          </div>
        )}
        <Standing webhook={webhook} zone={zone} />
        <Block
          title="Deliveries"
          note="Every message of the last 30 days, with its tries. What waits goes out in order."
        >
          <div class="form">
            <Tabs
              label="Which deliveries"
              items={[
                { href: only(undefined), label: 'All', current: !state },
                {
                  href: only('waiting'),
                  label: 'Waiting',
                  current: state === 'waiting',
                  count: webhook.waiting,
                },
                { href: only('failed'), label: 'Failed', current: state === 'failed' },
                { href: only('delivered'), label: 'Delivered', current: state === 'delivered' },
              ]}
            />
            {page.items.length === 0 ? (
              <EmptyState icon="history" title={state ? 'None of these' : 'Nothing was sent yet'}>
                A message goes out when something happens that this webhook is told of. To try the receiver at
                once, send a test.
              </EmptyState>
            ) : (
              <>
                {state === 'failed' && webhook.state === 'active' && (
                  <Buttons>
                    <Confirm
                      label="Send all again"
                      icon="refresh-cw"
                      variant="plain"
                      size="small"
                      question="Send every message that was given up once more? They go out in order, each with its id."
                      action={`${here}/replay`}
                      yes="Send them"
                      yesVariant="main"
                    />
                  </Buttons>
                )}
                <Timeline
                  label="Deliveries, newest first"
                  moments={page.items.map(delivery =>
                    deliveryMoment(delivery, {
                      base: `/w/${frame.workspace.slug}`,
                      zone,
                      replay:
                        webhook.state === 'active' ? `${settings}/deliveries/${delivery.id}/replay` : null,
                    }),
                  )}
                />
              </>
            )}
          </div>
        </Block>
        <Pager
          next={page.next && `${here}?${query}cursor=${encodeURIComponent(page.next)}`}
          first={cursor && only(state)}
          label="Older"
        />
      </Columns>
    </Layout>
  )
}

function Standing({ webhook, zone }: { webhook: Webhook; zone: string }): Html | null {
  const { state, reason, failing, waiting } = webhook
  if (state === 'disabled')
    return (
      <Notice kind={reason ? 'bad' : 'info'} title="It is switched off">
        {reason} Nothing is sent until it is switched on; what happens meanwhile is not sent later.
      </Notice>
    )
  if (!failing) return null
  return (
    <Notice kind="warn" title="The receiver does not take what is sent">
      Since <Time at={failing.since} zone={zone} />, {failing.tries} {failing.tries === 1 ? 'try' : 'tries'}{' '}
      in a row. {waiting === 1 ? 'One message waits' : `${waiting} messages wait`} and will go out in order
      once it answers.
      {failing.nextTryAt && (
        <>
          {' '}
          It is tried again <Time at={failing.nextTryAt} zone={zone} />.
        </>
      )}
    </Notice>
  )
}

function Actions({ here, webhook }: { here: string; webhook: Webhook }): Html {
  const active = webhook.state === 'active'
  return (
    <>
      <ActionButton action={`${here}/test`} size="small" icon="zap">
        Send a test
      </ActionButton>
      <ActionButton
        action={`${here}/active`}
        size="small"
        variant="quiet"
        icon={active ? 'pause' : 'plug-zap'}
        fields={{ active: String(!active) }}
      >
        {active ? 'Switch off' : 'Switch on'}
      </ActionButton>
      <Confirm
        label="Remove"
        icon="trash-2"
        size="small"
        question={`Remove the webhook of ${hostOf(webhook)} with the record of its deliveries?`}
        action={`${here}/removal`}
        yes="Remove it"
      />
    </>
  )
}

function Secret({ here }: { here: string }): Html {
  return (
    <Block
      title="Signing secret"
      note="It is kept sealed and never shown again. If it is lost, or somebody has seen it, make a new one: for 24 hours both sign."
    >
      <div class="buttons">
        <Confirm
          label="Make a new secret"
          icon="key-round"
          size="small"
          question="Make a new signing secret? The present one goes on signing beside it for 24 hours."
          action={`${here}/secret`}
          yes="Make it"
        />
      </div>
    </Block>
  )
}
