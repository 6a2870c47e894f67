import { z } from 'zod'
import { isId } from '../lib/id.ts'
import { jobStates } from '../publishing/schema.ts'

const isoDate = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/

/** `2026-02-31` looks like a date and is none. */
function isDate(text: string): boolean {
  try {
    Temporal.PlainDate.from(text, { overflow: 'reject' })
    return true
  } catch {
    return false
  }
}

/** The calendar's address as people may type it: what cannot be read counts as not given. */
export const CalendarView = z.object({
  month: z
    .string()
    .regex(/^(19[7-9]\d|20\d\d|21\d\d)-(0[1-9]|1[0-2])$/)
    .optional()
    .catch(undefined),
  view: z.enum(['month', 'list']).catch('month'),
  account: z.string().refine(isId).optional().catch(undefined),
  state: z.enum(jobStates).optional().catch(undefined),
  /** One day of the list. */
  day: z.string().regex(isoDate).refine(isDate).optional().catch(undefined),
  after: z.string().max(400).optional().catch(undefined),
})
export type CalendarView = z.infer<typeof CalendarView>

/** A chip dropped on another day: the job keeps its time of day. */
export const DayMove = z.strictObject({
  job: z.string(),
  date: z
    .string()
    .regex(isoDate, { error: 'must be a date such as 2026-11-21' })
    .refine(isDate, { error: 'is not a day of that month' }),
})
export type DayMove = z.infer<typeof DayMove>

const edge = z.union([z.iso.date(), z.iso.datetime({ offset: true })], {
  error: 'must be a date such as 2026-11-01, or a time with an offset such as 2026-11-01T00:00:00Z',
})

/** The longest span of one answer, in days. */
export const calendarDays = 62

export const CalendarQuery = z.strictObject({
  from: edge.describe('A date in the workspace’s zone (that day is in the answer), or an instant.'),
  to: edge.describe(
    'A date in the workspace’s zone (that day is in the answer too), or an instant (excluded).',
  ),
  account: z.string().optional().describe('Only this account.'),
  state: z
    .enum(jobStates, { error: `must be one of ${jobStates.join(', ')}` })
    .optional()
    .describe('Only jobs in this state.'),
})
export type CalendarQuery = z.infer<typeof CalendarQuery>
