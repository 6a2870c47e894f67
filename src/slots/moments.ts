import { nearestInstant, wallTime } from '../lib/time.ts'
import type { FreeSlot, Slot } from './schema.ts'

/** The moments of one slot from `from` to before `to`, in order: one a week, each at its time on the wall. */
export function slotMoments(slot: Slot, from: Date, to: Date): FreeSlot[] {
  const found: FreeSlot[] = []
  const day = wallTime(from, slot.zone).toPlainDate().subtract({ days: 1 })
  let date = day.add({ days: (slot.weekday - day.dayOfWeek + 7) % 7 })
  for (;;) {
    const occurrence = `${date}T${slot.local}`
    const { at, local, zone } = nearestInstant(occurrence, slot.zone)
    if (at >= to) return found
    if (at >= from) found.push({ slotId: slot.id, accountId: slot.accountId, at, local, zone, occurrence })
    date = date.add({ weeks: 1 })
  }
}

/** What is taken is taken to the minute: slots are whole minutes. */
export const minuteOf = (at: Date): number => Math.floor(at.getTime() / 60_000)

/** The moments of several slots that are not among the taken minutes, in order; of two at one minute the first. */
export function freeMoments(
  slots: readonly Slot[],
  taken: ReadonlySet<string>,
  from: Date,
  to: Date,
): FreeSlot[] {
  const seen = new Set(taken)
  return slots
    .flatMap(slot => slotMoments(slot, from, to))
    .sort((a, b) => a.at.getTime() - b.at.getTime() || a.slotId.localeCompare(b.slotId))
    .filter(({ accountId, at }) => {
      const place = placeOf(accountId, at)
      if (seen.has(place)) return false
      seen.add(place)
      return true
    })
}

/** An account's minute, as what is taken is looked up. */
export const placeOf = (accountId: string, at: Date): string => `${accountId} ${minuteOf(at)}`
