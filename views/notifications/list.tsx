import type { Frame } from '../../src/http/desk.ts'
import type { Page } from '../../src/lib/cursor.ts'
import type { Kind, Notification } from '../../src/notifications/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  ActionButton,
  Badge,
  EmptyState,
  LinkButton,
  ListHeading,
  PageHead,
  Pager,
  Row,
  Rows,
  type State,
  StateMark,
  Time,
} from '../ui/index.tsx'

/** What each kind asks, by state's shape and colour; a comment asks for nothing but reading. */
const looks: Record<Exclude<Kind, 'comment'>, { state: State; words: string }> = {
  failed: { state: 'failed', words: 'Failed' },
  unconfirmed: { state: 'unconfirmed', words: 'Did it go out?' },
  reconnect: { state: 'reconnect', words: 'Reconnect' },
  webhook: { state: 'failed', words: 'Switched off' },
  review: { state: 'in_review', words: 'Your approval' },
  changes: { state: 'changes_requested', words: 'Changes asked for' },
  brake: { state: 'held', words: 'Brake' },
  different: { state: 'unconfirmed', words: 'Differs' },
  forecast: { state: 'held', words: 'Forecast' },
}

/** What waits for this person, the newest first; below it what is done. */
export function NotificationsPage({
  frame,
  page,
  after,
}: {
  frame: Frame
  page: Page<Notification>
  after: string | undefined
}): Html {
  const base = `/w/${frame.workspace.slug}`
  const here = `${base}/notifications`
  const open = page.items.filter(item => item.doneAt === null)
  const done = page.items.filter(item => item.doneAt !== null)
  const waiting = frame.counts.notifications
  return (
    <Layout {...frame} title="Notifications">
      <PageHead
        title="Notifications"
        note={
          waiting === 0 ? 'nothing waits for you' : `${waiting} ${waiting === 1 ? 'waits' : 'wait'} for you`
        }
        actions={
          waiting > 1 && (
            <ActionButton action={`${here}/done`} icon="check-check">
              Put all away
            </ActionButton>
          )
        }
      />
      {page.items.length === 0 && (
        <EmptyState
          icon="bell"
          title="Nothing waits for you"
          action={<LinkButton href={`${base}/calendar`}>Look at the calendar</LinkButton>}
        >
          When a post fails, an account has to be connected again, or somebody asks for your approval, it is
          told here.
        </EmptyState>
      )}
      {open.length > 0 && (
        <Rows label="Open">
          {open.map(item => (
            <Line base={base} item={item} zone={frame.workspace.zone} />
          ))}
        </Rows>
      )}
      {done.length > 0 && (
        <>
          <ListHeading>Done</ListHeading>
          <Rows label="Done">
            {done.map(item => (
              <Line base={base} item={item} zone={frame.workspace.zone} />
            ))}
          </Rows>
        </>
      )}
      <Pager
        next={page.next && `${here}?after=${encodeURIComponent(page.next)}`}
        first={after && here}
        label="Older"
      />
    </Layout>
  )
}

function Asks({ kind }: { kind: Kind }): Html {
  if (kind === 'comment') return <Badge>Comment</Badge>
  const { state, words } = looks[kind]
  return <StateMark state={state}>{words}</StateMark>
}

function Line({ base, item, zone }: { base: string; item: Notification; zone: string }): Html {
  const open = item.doneAt === null
  return (
    <Row
      href={base + item.path}
      unread={open}
      title={item.about}
      meta={<Time at={item.createdAt} zone={zone} />}
      mark={open && <Asks kind={item.kind} />}
      actions={
        open && (
          <ActionButton action={`${base}/notifications/${item.id}/done`} variant="quiet" size="small">
            Put away
          </ActionButton>
        )
      }
    />
  )
}
