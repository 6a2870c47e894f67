import { z } from 'zod'
import { ListQuery } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import type { Purpose } from '../mail/schema.ts'
import type { Try } from '../webhooks/call.ts'
import type { Message } from '../webhooks/payload.ts'

export const deliveryKinds = ['mail', 'webhook'] as const

/** `sending` also means: whoever sends it may have died, and its time is not over yet. */
export const deliveryStates = ['waiting', 'sending', 'delivered', 'failed'] as const
export type DeliveryState = (typeof deliveryStates)[number]

interface Basics {
  id: string
  state: DeliveryState
  tries: number
  /** When it is tried next, while it waits; null too while it stands in line behind another. */
  nextTryAt: string | null
  /** What became of the last try, or why nothing was sent. */
  answer: string | null
  createdAt: string
  endedAt: string | null
}

/** A mail as the outbox lists it: whom it is for and what became of it, never what it says. */
export interface MailDelivery extends Basics {
  kind: 'mail'
  purpose: Purpose
  to: string
  subject: string
}

/** One event to one webhook. `id` is the message's `webhook-id`. */
export interface WebhookDelivery extends Basics {
  kind: 'webhook'
  webhookId: string
  type: string
  /** Every try that was made, oldest first. */
  attempts: Try[]
  /** What is sent. */
  body: Message
}

export type Delivery = MailDelivery | WebhookDelivery

const oneOf = (values: readonly string[]) => ({ error: `must be one of ${values.join(', ')}` })

export const DeliveryQuery = ListQuery.extend({
  kind: z.enum(deliveryKinds, oneOf(deliveryKinds)).optional().describe('Only mails, or only webhooks.'),
  state: z.enum(deliveryStates, oneOf(deliveryStates)).optional().describe('Only deliveries in this state.'),
  webhook: z.string().refine(isId, { error: 'must be an id' }).optional().describe('Only of this webhook.'),
})
export type DeliveryQuery = z.infer<typeof DeliveryQuery>
