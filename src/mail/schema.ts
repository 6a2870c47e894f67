import { z } from 'zod'
import { ListQuery } from '../lib/cursor.ts'

export const purposes = ['invitation', 'reset', 'notification'] as const
export type Purpose = (typeof purposes)[number]

/** `sending` also means: whoever sends it may have died, and its time is not over yet. */
export const deliveryStates = ['waiting', 'sending', 'delivered', 'failed'] as const
export type DeliveryState = (typeof deliveryStates)[number]

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

/** A mail as the outbox lists it: whom it is for and what became of it, never what it says. */
export interface Delivery {
  id: string
  kind: 'mail'
  purpose: Purpose
  to: string
  subject: string
  state: DeliveryState
  tries: number
  /** When it is tried next, while it waits. */
  nextTryAt: string | null
  /** The mail server's last words, or why nothing was sent. */
  answer: string | null
  createdAt: string
  endedAt: string | null
}

export const DeliveryQuery = ListQuery.extend({
  state: z
    .enum(deliveryStates, { error: `must be one of ${deliveryStates.join(', ')}` })
    .optional()
    .describe('Only mails in this state.'),
})
export type DeliveryQuery = z.infer<typeof DeliveryQuery>

/** Whether what waits for a person also comes by mail. */
export const MailChoice = z.strictObject({
  notifications: z.boolean({ error: 'must be true or false' }),
})
export type MailChoice = z.infer<typeof MailChoice>
