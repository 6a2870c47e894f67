import type { DeliveryState, MailDelivery } from '../../src/deliveries/schema.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Page } from '../../src/lib/cursor.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  EmptyState,
  Line,
  Notice,
  PageHead,
  Pager,
  Row,
  Rows,
  type State,
  StateMark,
  Tabs,
  Time,
} from '../ui/index.tsx'

const looks: Record<DeliveryState, { state: State; words: string }> = {
  waiting: { state: 'scheduled', words: 'Waiting' },
  sending: { state: 'publishing', words: 'Being sent' },
  delivered: { state: 'published', words: 'Sent' },
  failed: { state: 'failed', words: 'Not sent' },
}

/** Every mail of the workspace: to whom, about what, and what became of it. */
export function OutboxPage({
  frame,
  page,
  state,
  cursor,
  counts,
  setUp,
}: {
  frame: Frame
  page: Page<MailDelivery>
  state: DeliveryState | undefined
  cursor: string | undefined
  counts: { waiting: number; failed: number }
  setUp: boolean
}): Html {
  const base = `/w/${frame.workspace.slug}/settings`
  const here = `${base}/mail`
  const query = state ? `state=${state}&` : ''
  return (
    <Layout {...frame} title="Outbox">
      <PageHead
        title="Outbox"
        note="mails of this workspace, for 30 days"
        back={{ href: `${base}#mail`, label: 'Settings' }}
        tabs={
          <Tabs
            label="Which mails"
            items={[
              { href: here, label: 'All', current: !state },
              {
                href: `${here}?state=waiting`,
                label: 'Waiting',
                current: state === 'waiting',
                count: counts.waiting,
              },
              {
                href: `${here}?state=failed`,
                label: 'Not sent',
                current: state === 'failed',
                count: counts.failed,
              },
              { href: `${here}?state=delivered`, label: 'Sent', current: state === 'delivered' },
            ]}
          />
        }
      />
      {!setUp && (
        <Notice kind="info" title="Mail is not set up">
          Nothing is sent. Whoever runs Masthead sets SMTP_URL; until then, hand invitation links on yourself.
        </Notice>
      )}
      {page.items.length === 0 ? (
        <EmptyState icon="inbox" title={state ? 'None of these' : 'No mail yet'}>
          Invitations, links for a new password and what waits for people are listed here once they are
          mailed.
        </EmptyState>
      ) : (
        <Rows label="Mails">
          {page.items.map(mail => (
            <MailRow mail={mail} zone={frame.workspace.zone} />
          ))}
        </Rows>
      )}
      <Pager
        next={page.next && `${here}?${query}cursor=${encodeURIComponent(page.next)}`}
        first={cursor && (state ? `${here}?state=${state}` : here)}
        label="Older"
      />
    </Layout>
  )
}

function MailRow({ mail, zone }: { mail: MailDelivery; zone: string }): Html {
  const { state, words } = looks[mail.state]
  return (
    <Row
      title={mail.subject}
      meta={
        <>
          <Line
            parts={[
              `to\u00a0${mail.to}`,
              <Time at={mail.endedAt ?? mail.createdAt} zone={zone} />,
              mail.tries > 1 && `${mail.tries} tries`,
              mail.nextTryAt && mail.tries > 0 && (
                <>
                  next try <Time at={mail.nextTryAt} zone={zone} />
                </>
              ),
            ]}
          />
          {mail.answer && mail.state !== 'delivered' && <p>{mail.answer}</p>}
        </>
      }
      mark={<StateMark state={state}>{words}</StateMark>}
    />
  )
}
