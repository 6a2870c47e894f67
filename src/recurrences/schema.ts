import { z } from 'zod'
import { accounts, type JobState, local, ownLate } from '../publishing/schema.ts'

/** How a post repeats, as a client gives it: RRULE of RFC 5545, in wall time. */
const rule = z
  .string({ error: 'must be a rule such as FREQ=WEEKLY;BYDAY=MO,TH' })
  .max(500, { error: 'has at most 500 characters' })
  .describe(
    'FREQ=DAILY, WEEKLY, MONTHLY or YEARLY with INTERVAL, BYDAY, BYMONTHDAY, and COUNT or UNTIL (RFC 5545).',
  )
const start = z
  .strictObject({ local, zone: z.string({ error: 'must be a time zone' }) })
  .describe('From when on, and the time of day, in wall time.')

/** A post that repeats. The start counts itself only where the rule says that day. */
export const NewRecurrence = z.strictObject({ accounts, rule, start, lateMinutes: ownLate })
export type NewRecurrence = z.infer<typeof NewRecurrence>

const occurrence = local.describe('Wall time by the rule, as `upcoming` has it.')

export const Skip = z.strictObject({ occurrence })
export type Skip = z.infer<typeof Skip>

/** Another rule, time or accounts from one occurrence on; what is not given stays. */
export const Successor = z.strictObject({
  from: occurrence,
  accounts: accounts.optional(),
  rule: rule.optional(),
  start: start.optional(),
  lateMinutes: ownLate,
})
export type Successor = z.infer<typeof Successor>

export type StoppedFor = 'person' | 'change' | 'archive' | 'accounts'

export interface Upcoming {
  /** Wall time by the rule: the name of this occurrence. */
  occurrence: string
  /** When it is, ISO 8601. */
  at: string
  /** Wall time in the rule's zone; another than `occurrence` only where the clocks skip that. */
  local: string
  skipped: boolean
  /** Its publish jobs; none yet when it is more than five weeks ahead. */
  jobs: { id: string; accountId: string; state: JobState }[]
}

/** A rule by which a content goes out again and again. */
export interface Recurrence {
  id: string
  contentId: string
  accounts: string[]
  rule: string
  /** The rule in English. */
  words: string
  start: { local: string; zone: string }
  /** Occurrences that were skipped, in wall time. */
  exceptions: string[]
  /** `ended`: nothing of it is to come. */
  /** So late each may still go out unasked; null for what the workspace says. */
  lateMinutes: number | null
  state: 'active' | 'stopped' | 'ended'
  stoppedFor: StoppedFor | null
  /** The next ten. */
  upcoming: Upcoming[]
  createdAt: string
}
