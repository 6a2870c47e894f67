import { z } from 'zod'
import { At } from '../publishing/schema.ts'

export const brakeScopes = ['workspace', 'account', 'tag', 'word'] as const
export type BrakeScope = (typeof brakeScopes)[number]

const scope = z.enum(brakeScopes, { error: `must be one of ${brakeScopes.join(', ')}` })
const valueLength = 80
const value = z
  .string({ error: 'must be a text' })
  .trim()
  .min(1, { error: 'says nothing' })
  .max(valueLength, { error: `is longer than ${valueLength} characters` })
const reason = z
  .string({ error: 'must be given: everybody reads it' })
  .trim()
  .min(1, { error: 'must be given: everybody reads it' })
  .max(500, { error: 'is longer than 500 characters' })

export const NewBrake = z
  .strictObject({
    scope,
    value: value.optional().describe('The account’s id, the tag, or the word; none for the workspace.'),
    reason,
    until: At.optional().describe('When it ends by itself. Without it, it stays on until it is taken off.'),
  })
  .refine(given => (given.scope === 'workspace') === (given.value === undefined), {
    error: 'is the account’s id, the tag or the word; a brake on the whole workspace has none',
    path: ['value'],
  })
export type NewBrake = z.infer<typeof NewBrake>

/** How long a brake that is put on from a page stays on, in minutes. */
export const brakeMinutes = [30, 60, 240, 1440, 10080] as const

/** The same as a form sends it: one field for each kind of value, and a length of time instead of a moment. */
export const BrakeForm = z
  .strictObject({
    scope,
    account: value.optional(),
    tag: value.optional(),
    word: value.optional(),
    reason,
    minutes: z.number().int().min(1).max(43_200).optional(),
  })
  .superRefine((given, { addIssue }) => {
    if (given.scope !== 'workspace' && !given[given.scope]?.trim())
      addIssue({
        code: 'custom',
        path: [given.scope],
        message: 'must be given: it says what is held',
      })
  })

/** A brake as the API answers it and the pages show it. */
export interface Brake {
  id: string
  scope: BrakeScope
  value: string | null
  /** What it is on, in words: `the tag “autumn”`. */
  about: string
  reason: string
  until: string | null
  createdAt: string
  createdBy: string | null
  /** When it was taken off or ran out; null while it is on. */
  releasedAt: string | null
  /** null when it ran out by itself. */
  releasedBy: string | null
  /** How many posts it holds now. */
  holds: number
}

/** The answer to putting one on. */
export interface BrakePutOn extends Brake {
  /** Posts that were being sent already and cannot be stopped. */
  underWay: number
}

/** The answer to taking one off. */
export interface BrakeTakenOff extends Brake {
  /** Posts that are planned again; those whose moment has passed go out spread, at most four a minute and account. */
  goesOut: number
  /** Posts that are too late by now and wait for a person's word. */
  asks: number
}
