import { z } from 'zod'

export const weekdays = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
] as const
/** An account has no more than this, which is one an hour on every day. */
export const mostSlots = 168

const oneDay = z.coerce
  .number({ error: 'must be a number from 1 (Monday) to 7 (Sunday)' })
  .int({ error: 'must be a number from 1 (Monday) to 7 (Sunday)' })
  .min(1, { error: 'must be a number from 1 (Monday) to 7 (Sunday)' })
  .max(7, { error: 'must be a number from 1 (Monday) to 7 (Sunday)' })

/** The same time on one or more days of the week. Without a zone it is the workspace's. */
export const SlotTimes = z.strictObject({
  weekdays: z
    .array(oneDay, { error: 'must be a list of numbers from 1 (Monday) to 7 (Sunday)' })
    .min(1, { error: 'choose at least one day' })
    .max(7, { error: 'has at most seven days' }),
  local: z
    .string({ error: 'must be a time of day such as 09:00' })
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'must be a time of day such as 09:00' }),
  zone: z.string({ error: 'must be a time zone' }).optional(),
})
export type SlotTimes = z.infer<typeof SlotTimes>

export const NewSlots = SlotTimes.extend({ account: z.string({ error: 'must be an account id' }) })

/** A time of the week at which an account likes to publish. */
export interface Slot {
  id: string
  accountId: string
  /** 1 is Monday, 7 is Sunday. */
  weekday: number
  /** Time of day in `zone`, `09:00`. */
  local: string
  zone: string
}

/** A moment of a slot that no post has taken. */
export interface FreeSlot {
  slotId: string
  accountId: string
  at: Date
  /** Wall time in `zone`. */
  local: string
  zone: string
  /** Wall time by the slot, which differs from `local` only where the clocks skip it. It names this moment of the slot. */
  occurrence: string
}
