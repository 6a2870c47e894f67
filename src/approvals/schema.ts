import { z } from 'zod'
import { limits } from '../content/schema.ts'

const version = z.int({ error: 'must be the number of a version' }).min(1).optional()

/** `version` is the one that was looked at; an approval of another one is refused. */
export const Approving = z.strictObject({ version })
export type Approving = z.infer<typeof Approving>

export const ChangeRequest = z.strictObject({
  note: z
    .string({ error: 'Say what should change' })
    .trim()
    .min(1, { error: 'Say what should change' })
    .max(limits.note, { error: `is longer than ${limits.note.toLocaleString('en')} characters` }),
})
export type ChangeRequest = z.infer<typeof ChangeRequest>
