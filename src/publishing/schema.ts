import { z } from 'zod'
import { lateMinutes } from '../auth/schema.ts'
import type { Finding } from '../platforms/compare.ts'
import type { PartOut } from './parts.ts'

export const jobStates = [
  'scheduled',
  'publishing',
  'published',
  'failed',
  'unconfirmed',
  'cancelled',
  'held',
] as const
export type JobState = (typeof jobStates)[number]

/** What a held job waits for: its account, its approval, a person's word because its moment has passed, or a brake's end. */
export type HeldFor = 'reconnect' | 'approval' | 'late' | 'brake'

export const ownLate = lateMinutes
  .nullable()
  .optional()
  .describe('How many minutes late it may go out unasked; null: as the workspace has it.')

export const accounts = z
  .array(z.string(), { error: 'must be a list of account ids' })
  .min(1, { error: 'choose at least one account' })
  .max(50, { error: 'at most 50 accounts at once' })
export const local = z
  .string({ error: 'must be a time such as 2026-12-01T09:00' })
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$/, { error: 'must be a time such as 2026-12-01T09:00' })
const fold = z.enum(['first', 'second'], { error: 'must be "first" or "second"' }).optional()

export const WallTimeGiven = z.strictObject({ local, zone: z.string({ error: 'must be a time zone' }), fold })
/** A moment: wall time with its zone, or an instant in ISO 8601 with an offset. */
export const At = z.union([WallTimeGiven, z.iso.datetime({ offset: true })], {
  error: 'must be {local, zone} or a time with an offset such as 2026-12-01T08:00:00Z',
})

/** When: a moment, now, or a slot. */
const when = {
  at: At.optional(),
  now: z.literal(true, { error: 'must be true' }).optional(),
  slot: z
    .literal('next', { error: 'must be "next"' })
    .optional()
    .describe('The next free weekly slot, of each account its own.'),
}
const oneWhen = ({ at, now, slot }: { at?: unknown; now?: unknown; slot?: unknown }) =>
  [at, now, slot].filter(one => one !== undefined).length === 1
const oneWhenError = { error: 'give one of "at", "now": true and "slot": "next"', path: ['at'] }

export const Schedule = z
  .strictObject({ accounts, ...when, lateMinutes: ownLate })
  .refine(oneWhen, oneWhenError)
export type Schedule = z.infer<typeof Schedule>

/** The same, as the composer's form sends it. */
export const ScheduleForm = z.strictObject({
  accounts,
  when: z.enum(['at', 'now', 'slot'], { error: 'choose a time, the next free slot, or now' }),
  local: z.string().optional(),
  zone: z.string().optional(),
  fold,
  lateMinutes: lateMinutes.optional(),
})

/** @throws nothing; an empty time stays for the schedule's own check to refuse in words */
export function scheduleOf(form: z.infer<typeof ScheduleForm>, zone: string): Schedule {
  const { accounts, lateMinutes } = form
  if (form.when === 'now') return { accounts, now: true }
  if (form.when === 'slot') return { accounts, slot: 'next', lateMinutes }
  return {
    accounts,
    lateMinutes,
    at: { local: form.local ?? '', zone: form.zone ?? zone, fold: form.fold },
  }
}

export const JobChange = z.strictObject({ ...when, lateMinutes: ownLate }).refine(oneWhen, oneWhenError)
export type JobChange = z.infer<typeof JobChange>

/** The same, as the form of a job's page sends it: an empty limit is the workspace's. */
export const TimeForm = WallTimeGiven.extend({ lateMinutes: lateMinutes.optional() })

export const Resolution = z.strictObject({
  as: z.enum(['published', 'retry', 'abandon'], { error: 'must be published, retry or abandon' }),
  /** Where it is, when the person has found it. */
  remoteUrl: z.url({ protocol: /^https?$/, error: 'must be a link' }).optional(),
})
export type Resolution = z.infer<typeof Resolution>

export interface Attempt {
  id: string
  startedAt: string
  endedAt: string | null
  outcome: string | null
  detail: unknown
  /** When the call that publishes was about to be made; null when the attempt never came that far. */
  armedAt: string | null
  /** SHA-256 of what it was about to send, or has sent; null when it never came that far. */
  sentSha256: string | null
  notes: { at: string; what: string }[]
}

/**
 * How a published post was found where it stands. `waiting` until it was looked at; `same`; `explained`: the platform sets
 * it otherwise, and it says the same; `different`; `unread`: the platform could not be asked.
 */
export interface ReadBack {
  state: 'waiting' | 'same' | 'explained' | 'different' | 'unread'
  findings: Finding[]
  at: string | null
}

/** The code that stands at a planned post that waits for its platform's limit. */
export const waitsForLimit = 'waits_for_limit'

export interface JobError {
  code: string
  message: string
  next: string
  link: string | null
}

/** A publish job as the API answers it and the pages show it. Times are ISO 8601; `local` is wall time in `zone`. */
export interface Job {
  id: string
  contentId: string
  versionId: string
  accountId: string
  platform: string
  state: JobState
  /** The rule that it is of; null for a post that was planned by itself. */
  recurrenceId: string | null
  runAt: string
  local: string
  zone: string
  nextTryAt: string | null
  /** What it waits for while it is held. */
  heldFor: HeldFor | null
  /** Its own limit of being late; null: the workspace's. */
  lateMinutes: number | null
  attempts: Attempt[]
  /** Of a thread: of its first part. */
  remoteId: string | null
  remoteUrl: string | null
  /** The parts that are sent one by one; null for a post that is sent whole. Those that are out, in order, of so many. */
  thread: { of: number; out: PartOut[] } | null
  /** The job whose first comment this is; null for a post. */
  firstCommentOf: string | null
  publishedAt: string | null
  /** How it was found where it stands; null before it is out, and where the platform does not let us look. */
  readBack: ReadBack | null
  error: JobError | null
}
