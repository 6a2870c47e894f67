import type { SocialAccount } from '../../src/accounts/find.ts'
import { longDay } from '../../src/calendar/days.ts'
import type { MonthAsked } from '../../src/calendar/find.ts'
import type { CalendarView } from '../../src/calendar/schema.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { JobRow } from '../../src/publishing/rows.ts'
import { type JobState, jobStates } from '../../src/publishing/schema.ts'
import type { FreeSlot } from '../../src/slots/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { JobsByDay } from '../publishing/rows.tsx'
import {
  Button,
  Buttons,
  EmptyState,
  LinkButton,
  MonthNav,
  Notice,
  Pager,
  Popover,
  platforms,
  Select,
  StateCounts,
  states,
  Tabs,
} from '../ui/index.tsx'
import { CalendarMonth, calendarHref } from './month.tsx'

export { CalendarMonth } from './month.tsx'

export interface CalendarPageProps extends MonthAsked {
  frame: Frame
  view: CalendarView
  counts: Partial<Record<JobState, number>>
  accounts: readonly SocialAccount[]
  /** The slots that no post has yet, by day. */
  free: ReadonlyMap<string, readonly FreeSlot[]>
  jobs: { days: Map<string, JobRow[]>; more?: boolean; next?: string | null }
  maySchedule: boolean
}

/** A month of publish jobs, as a grid or as a list, in the workspace's zone. */
export function CalendarPage(props: CalendarPageProps): Html {
  const { frame, view, grid, today, counts, jobs, maySchedule } = props
  const { workspace } = frame
  const href = calendarHref(workspace.slug, view, grid)
  const title = `${grid.name} ${grid.year}`
  const planned = Object.values(counts).some(count => count > 0)
  const filtered = Boolean(view.account || view.state || view.day)
  return (
    <Layout {...frame} title={title} live={['publish_job', 'account']}>
      <MonthNav
        month={grid.name}
        year={grid.year}
        zone={workspace.zone}
        previous={{ href: href({ month: grid.previous.month }), label: grid.previous.name }}
        next={{ href: href({ month: grid.next.month }), label: grid.next.name }}
        today={today.startsWith(grid.month) ? undefined : href({ month: today.slice(0, 7) })}
      >
        <Tabs
          label="View"
          items={(['month', 'list'] as const).map(name => ({
            href: href({ view: name }),
            label: name === 'month' ? 'Month' : 'List',
            current: view.view === name,
          }))}
        />
        <Filter {...props} />
      </MonthNav>
      <div class="calendar-bar">
        {planned && <StateCounts counts={counts} />}
        <Elsewhere slug={workspace.slug} />
      </div>
      {filtered && <FilterNotice {...props} all={href({ account: undefined, state: undefined })} />}
      {jobs.more && (
        <Notice kind="warn">
          This month has more jobs than fit on one page. <a href={href({ view: 'list' })}>The list</a> has
          them all.
        </Notice>
      )}
      {view.view === 'month' ? (
        <CalendarMonth
          workspace={workspace}
          view={view}
          grid={grid}
          today={today}
          soonest={props.soonest}
          days={jobs.days}
          free={props.free}
          maySchedule={maySchedule}
        />
      ) : (
        <DayList {...props} />
      )}
    </Layout>
  )
}

/** Other views of what is planned. */
function Elsewhere({ slug }: { slug: string }): Html {
  return (
    <nav class="calendar-elsewhere" aria-label="What is planned, otherwise">
      <LinkButton href={`/w/${slug}/forecast`} variant="quiet" size="small" icon="cloud-sun">
        Forecast
      </LinkButton>
      <LinkButton href={`/w/${slug}/recurrences`} variant="quiet" size="small" icon="repeat-2">
        What repeats
      </LinkButton>
      <LinkButton href={`/w/${slug}/brakes`} variant="quiet" size="small" icon="pause">
        Brakes
      </LinkButton>
      <LinkButton href={`/w/${slug}/publish-jobs`} variant="quiet" size="small" icon="list">
        All jobs
      </LinkButton>
    </nav>
  )
}

function Filter({ frame, view, grid, accounts }: CalendarPageProps): Html {
  return (
    <Popover label="Filter" icon="settings-2" variant="quiet" align="end">
      <form class="form" method="get" action={`/w/${frame.workspace.slug}/calendar`}>
        <input type="hidden" name="month" value={grid.month} />
        <input type="hidden" name="view" value={view.view} />
        <Select
          name="account"
          label="Account"
          value={view.account}
          blank="All accounts"
          options={accounts.map(account => ({
            value: account.id,
            label: `${account.name} (${platforms[account.platform].name})`,
          }))}
        />
        <Select
          name="state"
          label="State"
          value={view.state}
          blank="All states"
          options={jobStates.map(state => ({ value: state, label: states[state].words }))}
        />
        <Buttons>
          <Button>Show</Button>
        </Buttons>
      </form>
    </Popover>
  )
}

function FilterNotice({ view, accounts, all }: CalendarPageProps & { all: string }): Html {
  const account = accounts.find(({ id }) => id === view.account)
  const shown = [
    view.day && longDay(view.day),
    view.state && states[view.state].words.toLowerCase(),
    view.account && (account ? account.name : 'an account that is gone'),
  ].filter(Boolean)
  return (
    <Notice
      actions={
        <LinkButton href={all} size="small">
          Show all
        </LinkButton>
      }
    >
      Only {shown.join(', ')}
    </Notice>
  )
}

function DayList({ frame, view, grid, today, jobs }: CalendarPageProps): Html {
  const { workspace } = frame
  const base = `/w/${workspace.slug}`
  const href = calendarHref(workspace.slug, view, grid)
  if (jobs.days.size === 0)
    return (
      <EmptyState
        icon="calendar-days"
        title={`Nothing in ${grid.name}`}
        action={
          frame.canWrite && (
            <LinkButton href={`${base}/content/new`} variant="main" icon="plus">
              New post
            </LinkButton>
          )
        }
      >
        Write a post and schedule it, or choose another month or filter.
      </EmptyState>
    )
  return (
    <>
      <JobsByDay base={base} jobs={[...jobs.days.values()].flat()} zone={workspace.zone} today={today} />
      <Pager
        next={jobs.next && href({ after: jobs.next, day: view.day })}
        first={view.after && href({ day: view.day })}
        label="Later"
      />
    </>
  )
}
