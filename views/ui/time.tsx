import { dateFormat } from '../../src/lib/dates.ts'
import type { Html } from '../html.ts'

type Shape = 'time' | 'day' | 'moment'
const shapes: Record<Shape, Intl.DateTimeFormatOptions> = {
  time: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { weekday: 'short', day: 'numeric', month: 'short' },
  moment: {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  },
}
/** The same with the year, for what is not of this one: made once, so that their formatters are. */
const dated: Record<Shape, Intl.DateTimeFormatOptions> = {
  time: shapes.time,
  day: { ...shapes.day, year: 'numeric' },
  moment: { ...shapes.moment, year: 'numeric' },
}
const onlyYear = { year: 'numeric' } as const
const full = { dateStyle: 'full', timeStyle: 'medium' } as const

/** `Europe/Berlin` as people say it beside a time: `Berlin`. */
export const zoneName = (zone: string): string => (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ')

/**
 * A moment in a zone, the zone's name beside it; a day of another year says it. The full zone is in its tooltip.
 * `at`: an ISO instant or a Date. `bare` leaves the zone out where a heading of the same block already names it.
 */
export function Time({
  at,
  zone,
  shape = 'moment',
  bare = false,
}: {
  at: string | Date
  zone: string
  shape?: Shape | undefined
  bare?: boolean | undefined
}): Html {
  const instant = typeof at === 'string' ? new Date(at) : at
  const yearOf = (date: Date): string => dateFormat(onlyYear, zone).format(date)
  const look = yearOf(instant) === yearOf(new Date()) ? shapes[shape] : dated[shape]
  return (
    <span class="when-text">
      <time datetime={instant.toISOString()} title={`${dateFormat(full, zone).format(instant)}, ${zone}`}>
        {dateFormat(look, zone).format(instant)}
      </time>
      {!bare && <span class="zone"> {zoneName(zone)}</span>}
    </span>
  )
}
