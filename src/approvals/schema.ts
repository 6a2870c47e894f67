import { z } from 'zod'
import { limits } from '../content/schema.ts'

const version = z.int({ error: 'must be the number of a version' }).min(1).optional()

const instant = z.iso
  .datetime({ offset: true, error: 'must be a time with an offset such as 2026-12-01T08:00:00Z' })
  .nullable()
  .optional()

/**
 * `version` is the one that was looked at; an approval of another one is refused. It may go out `from` one moment on and
 * before `until`; without them at any time.
 */
export const Approving = z.strictObject({
  version,
  from: instant.describe('It may go out from then on.'),
  until: instant.describe('It may go out before then.'),
})
export type Approving = z.infer<typeof Approving>

/** The same, as the form of a page sends it: wall times in the workspace's zone, empty for none. */
export const ApprovingForm = z.strictObject({
  version,
  from: z.string().optional(),
  until: z.string().optional(),
})

/** The code of a post that is planned, or would go out, outside the time that it was approved for. */
export const outsideWindow = 'outside_window'

export const ChangeRequest = z.strictObject({
  note: z
    .string({ error: 'Say what should change' })
    .trim()
    .min(1, { error: 'Say what should change' })
    .max(limits.note, { error: `is longer than ${limits.note.toLocaleString('en')} characters` }),
})
export type ChangeRequest = z.infer<typeof ChangeRequest>
