import type { Scope } from '../db/scope.ts'
import { Invalid } from '../errors.ts'
import { isoIn, wallTime } from '../lib/time.ts'
import { countStates, type JobRow, listRows, type RowQuery } from '../publishing/rows.ts'
import type { JobState } from '../publishing/schema.ts'
import { freeSlots } from '../slots/find.ts'
import type { FreeSlot } from '../slots/schema.ts'
import { readWorkspace } from '../team/workspace.ts'
import { addDays, dateIn, daysBetween, edgeInstant, type MonthGrid, monthGrid } from './days.ts'
import { type CalendarQuery, type CalendarView, calendarDays } from './schema.ts'

/** No month is drawn with more jobs than this; the list shows them all, page by page. */
export const mostJobs = 2000
const listLength = 100

/** The jobs of the days that a month's grid shows, in order, in one query. `more`: the grid leaves some out. */
export async function readMonth(
  scope: Scope,
  grid: MonthGrid,
  zone: string,
  view: Pick<CalendarView, 'account' | 'state'>,
): Promise<{ days: Map<string, JobRow[]>; more: boolean }> {
  const { items, next } = await listRows(scope, {
    ...filterOf(view),
    from: grid.from,
    to: grid.to,
    limit: mostJobs,
  })
  return { days: byDay(items, zone), more: next !== null }
}

/** The free slots of the days that a month's grid shows, by day; none where only some states are looked at. */
export async function readFreeSlots(
  scope: Scope,
  grid: MonthGrid,
  zone: string,
  { account, state }: Pick<CalendarView, 'account' | 'state'>,
): Promise<Map<string, FreeSlot[]>> {
  const found = state ? [] : await freeSlots(scope, { from: grid.from, to: grid.to, account })
  return Map.groupBy(found, ({ at }) => dateIn(at, zone))
}

/** One page of a month as a list: only the month's own days, or one of them. */
export async function readMonthList(
  scope: Scope,
  grid: MonthGrid,
  zone: string,
  view: CalendarView,
): Promise<{ days: Map<string, JobRow[]>; next: string | null }> {
  const span = view.day
    ? { from: edgeInstant(view.day, zone, 'start'), to: edgeInstant(view.day, zone, 'end') }
    : spanOf(grid, zone)
  const { items, next } = await listRows(scope, {
    ...filterOf(view),
    ...span,
    cursor: view.after,
    limit: listLength,
  })
  return { days: byDay(items, zone), next }
}

/** How many jobs of each state the month itself has. */
export const countMonth = (
  scope: Scope,
  grid: MonthGrid,
  zone: string,
  account: string | undefined,
): Promise<Partial<Record<JobState, number>>> =>
  countStates(scope, { ...spanOf(grid, zone), accountId: account })

/** The month without the days of its neighbours. */
function spanOf(grid: MonthGrid, zone: string): { from: Date; to: Date } {
  return {
    from: edgeInstant(`${grid.month}-01`, zone, 'start'),
    to: edgeInstant(`${grid.next.month}-01`, zone, 'start'),
  }
}

const filterOf = ({
  account,
  state,
}: Pick<CalendarView, 'account' | 'state'>): Pick<RowQuery, 'accountId' | 'states' | 'withoutCalledOff'> => ({
  accountId: account,
  withoutCalledOff: state === undefined,
  states: state && [state],
})

export function byDay(jobs: readonly JobRow[], zone: string): Map<string, JobRow[]> {
  const days = new Map<string, JobRow[]>()
  for (const job of jobs) {
    const date = dateIn(job.runAt, zone)
    const day = days.get(date)
    if (day) day.push(job)
    else days.set(date, [job])
  }
  return days
}

/** A job in the calendar's answer; `GET /publish-jobs/:id` has its attempts. */
export interface CalendarJob {
  id: string
  contentId: string
  accountId: string
  platform: string
  state: JobState
  runAt: string
  local: string
  zone: string
  nextTryAt: string | null
  publishedAt: string | null
  remoteUrl: string | null
  /** The first 240 characters of what this account says. */
  text: string
}

export interface CalendarDay {
  date: string
  jobs: CalendarJob[]
}

/**
 * Every date of a span in the workspace's zone with its jobs; a date without any has an empty list.
 * @throws Invalid when the span is turned round or longer than 62 days, NotFound for a malformed account
 */
export async function readCalendar(
  scope: Scope,
  query: CalendarQuery,
): Promise<{ zone: string; items: CalendarDay[]; next: null }> {
  const { zone } = await readWorkspace(scope)
  const from = edgeInstant(query.from, zone, 'start')
  const to = edgeInstant(query.to, zone, 'end')
  if (to <= from) throw wrongSpan('"to" must be after "from".')
  const first = dateIn(from, zone)
  const last = dateIn(new Date(to.getTime() - 1), zone)
  const length = daysBetween(first, last) + 1
  if (length > calendarDays)
    throw wrongSpan(`The calendar answers at most ${calendarDays} days at once; this is ${length}.`)
  const { items, next } = await listRows(scope, {
    accountId: query.account,
    states: query.state && [query.state],
    from,
    to,
    limit: mostJobs,
  })
  if (next)
    throw wrongSpan(
      `There are more than ${mostJobs} jobs in this span: ask for fewer days, or for one account.`,
    )
  const days = byDay(items, zone)
  const dates = Array.from({ length }, (_, index) => addDays(first, index))
  return { zone, items: dates.map(date => ({ date, jobs: (days.get(date) ?? []).map(shown) })), next: null }
}

const wrongSpan = (message: string) => new Invalid(message, [{ path: 'to', message }])

const shown = (job: JobRow): CalendarJob => ({
  id: job.id,
  contentId: job.contentId,
  accountId: job.account.id,
  platform: job.account.platform,
  state: job.state,
  runAt: isoIn(job.runAt, job.zone),
  local: job.local,
  zone: job.zone,
  nextTryAt: job.nextTryAt?.toISOString() ?? null,
  publishedAt: job.publishedAt?.toISOString() ?? null,
  remoteUrl: job.remoteUrl,
  text: job.text,
})

export interface MonthAsked {
  grid: MonthGrid
  /** Today's date in the zone. */
  today: string
  /** The earliest hour that a new post on today is offered, `14:00`. */
  soonest: string
}

/** The grid of the month that is asked for, or of today's. */
export async function readGrid(scope: Scope, zone: string, month: string | undefined): Promise<MonthAsked> {
  const [clock] = await scope.sql`select public.clock() as now`
  const now = wallTime(clock?.now as Date, zone).toPlainDateTime()
  const hour = now.add({ hours: 1 }).round({ smallestUnit: 'hour', roundingMode: 'floor' })
  const today = now.toPlainDate().toString()
  return {
    grid: monthGrid(month ?? today.slice(0, 7), zone),
    today,
    soonest:
      hour.toPlainDate().toString() === today ? `${hour.hour}`.padStart(2, '0').concat(':00') : '23:55',
  }
}
