import type { MonthGrid } from '../../src/calendar/days.ts'
import type { MonthAsked } from '../../src/calendar/find.ts'
import type { CalendarView } from '../../src/calendar/schema.ts'
import { localTime } from '../../src/lib/time.ts'
import type { JobRow } from '../../src/publishing/rows.ts'
import type { FreeSlot } from '../../src/slots/schema.ts'
import { weather } from '../forecast/words.ts'
import type { Html } from '../html.ts'
import { drawnState, firstWords, lateWords, whenWords } from '../publishing/words.ts'
import { Chip, Month, type MonthDay } from '../ui/index.tsx'

/** So many chips a day are drawn; the rest is behind "+ n more". */
const mostChips = 6

const clocks = new Map<string, Intl.DateTimeFormat>()
function clock(timeZone: string): Intl.DateTimeFormat {
  const made =
    clocks.get(timeZone) ??
    new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone })
  clocks.set(timeZone, made)
  return made
}

/** Makes addresses of the calendar that keep what is chosen, with some of it changed. */
export function calendarHref(
  slug: string,
  view: CalendarView,
  grid: Pick<MonthGrid, 'month'>,
): (change: Partial<Record<keyof CalendarView, string | undefined>>) => string {
  return change => {
    const { account, state } = view
    const all = {
      month: grid.month,
      view: view.view === 'list' ? 'list' : undefined,
      account,
      state,
      ...change,
    }
    const query = new URLSearchParams(
      Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined),
    )
    return `/w/${slug}/calendar?${query}`
  }
}

/** When a new post on a day is offered first, on the wall of the workspace. */
const morning = '09:00'
const later = (one: string, other: string): string => (one > other ? one : other)

/** More free slots of a day than this are one link to the first. */
const mostFree = 3

function freeOf(slots: readonly FreeSlot[], base: string, zone: string): MonthDay['free'] {
  const link = ({ at, accountId }: FreeSlot) => {
    const local = localTime(at, zone)
    return { time: local.slice(11), href: `${base}/content/new?local=${local}&account=${accountId}` }
  }
  if (slots.length <= mostFree) return slots.map(slot => ({ ...link(slot), words: 'free slot' }))
  return slots.slice(0, 1).map(slot => ({ ...link(slot), words: `${slots.length} free slots` }))
}

/** The grid itself: also what comes back after a chip was dropped on another day. */
export function CalendarMonth({
  workspace,
  view,
  grid,
  today,
  soonest,
  days,
  free,
  maySchedule,
}: MonthAsked & {
  workspace: { slug: string; zone: string }
  view: CalendarView
  days: Map<string, JobRow[]>
  free: ReadonlyMap<string, readonly FreeSlot[]>
  maySchedule: boolean
}): Html {
  const base = `/w/${workspace.slug}`
  const href = calendarHref(workspace.slug, view, grid)
  const time = clock(workspace.zone)
  return (
    <Month
      label={`${grid.name} ${grid.year}, times in ${workspace.zone}`}
      moveTo={maySchedule ? href({}).replace('/calendar?', '/calendar/moves?') : undefined}
      days={grid.dates.map((date, index) => {
        const jobs = days.get(date) ?? []
        const shown = jobs.length > mostChips ? jobs.slice(0, mostChips - 1) : jobs
        return {
          date,
          today: date === today,
          outside: !date.startsWith(grid.month),
          off: index % 7 > 4,
          chips: shown.map(job => (
            <Chip
              href={`${base}/publish-jobs/${job.id}`}
              state={drawnState(job)}
              time={time.format(job.runAt)}
              title={[job.heldFor === 'late' ? 'not sent' : lateWords(job), firstWords(job.text, 60)]
                .filter(Boolean)
                .join(': ')}
              platform={job.account.platform}
              job={maySchedule && (job.state === 'scheduled' || job.state === 'held') ? job.id : undefined}
              late={whenWords(job) ?? undefined}
              mark={
                job.forecast
                  ? {
                      ...weather[job.forecast],
                      words: `Forecast: ${weather[job.forecast].words.toLowerCase()}`,
                    }
                  : undefined
              }
            />
          )),
          more:
            jobs.length > shown.length
              ? {
                  count: jobs.length - shown.length,
                  href: href({ view: 'list', month: date.slice(0, 7), day: date }),
                }
              : undefined,
          free: maySchedule ? freeOf(free.get(date) ?? [], base, workspace.zone) : undefined,
          newHref:
            maySchedule && date >= today
              ? `${base}/content/new?local=${date}T${date === today ? later(morning, soonest) : morning}`
              : undefined,
        }
      })}
    />
  )
}
