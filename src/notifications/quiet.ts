import { wallTime } from '../lib/time.ts'
import type { QuietHours } from './schema.ts'

/**
 * When quiet hours end that `now` lies in; null when it lies in none. Wall time of their zone: an end that a day skips
 * comes an hour later, one that it has twice counts from the first.
 */
export function quietUntil(now: Date, { from, until, zone }: Omit<QuietHours, 'urgent'>): Date | null {
  const wall = wallTime(now, zone)
  const [time, begin, end] = [
    wall.toPlainTime(),
    Temporal.PlainTime.from(from),
    Temporal.PlainTime.from(until),
  ]
  const before = (one: Temporal.PlainTime, other: Temporal.PlainTime) =>
    Temporal.PlainTime.compare(one, other) < 0
  const overnight = !before(begin, end)
  const inside = overnight
    ? !before(time, begin) || before(time, end)
    : !before(time, begin) && before(time, end)
  if (!inside) return null
  const day = overnight && !before(time, begin) ? wall.toPlainDate().add({ days: 1 }) : wall.toPlainDate()
  const ends = day.toPlainDateTime(end).toZonedDateTime(zone, { disambiguation: 'compatible' })
  // The hour that comes twice: its second pass is after the end already.
  return ends.epochMilliseconds > now.getTime() ? new Date(ends.epochMilliseconds) : null
}
