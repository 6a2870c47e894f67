import type { Html } from '../html.ts'

type Shape = 'time' | 'day' | 'moment'
const shapes: Record<Shape, Intl.DateTimeFormatOptions> = {
  time: { hour: '2-digit', minute: '2-digit' },
  day: { weekday: 'short', day: 'numeric', month: 'short' },
  moment: { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' },
}
const made = new Map<string, Intl.DateTimeFormat>()
function formatter(shape: Shape, timeZone: string): Intl.DateTimeFormat {
  const key = `${shape} ${timeZone}`
  const known = made.get(key)
  if (known) return known
  const fresh = new Intl.DateTimeFormat('en-GB', { ...shapes[shape], timeZone, hourCycle: 'h23' })
  made.set(key, fresh)
  return fresh
}

/** `Europe/Berlin` as people say it beside a time: `Berlin`. */
export const zoneName = (zone: string): string => (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ')

/**
 * A moment in a zone, the zone's name beside it; the full zone and year are in its tooltip. `at`: an ISO instant or a
 * Date. `bare` leaves the zone out where a heading of the same block already names it.
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
  const full = `${new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium', timeZone: zone }).format(instant)}, ${zone}`
  return (
    <span class="when-text">
      <time datetime={instant.toISOString()} title={full}>
        {formatter(shape, zone).format(instant)}
      </time>
      {!bare && <span class="zone"> {zoneName(zone)}</span>}
    </span>
  )
}
