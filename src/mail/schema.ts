import { z } from 'zod'

export const purposes = ['invitation', 'reset', 'notification'] as const
export type Purpose = (typeof purposes)[number]

/** How often a mail is tried, over about two days, before it counts as failed. */
export const maxTries = 10

/** What a mail says, before it becomes plain text and HTML. */
export interface Letter {
  subject: string
  /** Paragraphs before the link. */
  lines: readonly string[]
  action: { label: string; href: string }
  /** Paragraphs below it, small. */
  after: readonly string[]
}

/** Whether what waits for a person also comes by mail. */
export const MailChoice = z.strictObject({
  notifications: z.boolean({ error: 'must be true or false' }),
})
export type MailChoice = z.infer<typeof MailChoice>
