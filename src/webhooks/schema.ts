import { z } from 'zod'
import type { EventType } from '../events.ts'
import { ListQuery } from '../lib/cursor.ts'

/** What receivers can be told of. */
export const hookEvents = [
  'content.created',
  'content.updated',
  'content.submitted',
  'content.approved',
  'content.changes_requested',
  'publish_job.scheduled',
  'publish_job.moved',
  'publish_job.published',
  'publish_job.failed',
  'publish_job.unconfirmed',
  'publish_job.held',
  'publish_job.cancelled',
  'comment.created',
  'account.reconnect_needed',
] as const satisfies readonly EventType[]
export type HookEvent = (typeof hookEvents)[number]

/** Webhooks that a workspace may have. */
export const maxWebhooks = 20
/** How long a former secret goes on signing beside the new one. */
export const formerSecretHours = 24
/** How often a message is tried, over about 75 hours, before it counts as failed. */
export const maxTries = 10

/** What its address may be is decided by the outbound client's own rules; here only what a text may be. */
const url = z
  .string({ error: 'must be a text' })
  .trim()
  .min(1, { error: 'give the address of the receiver' })
  .max(2000, { error: 'has at most 2000 characters' })
const events = z
  .array(z.enum(hookEvents, { error: `must be one of ${hookEvents.join(', ')}` }), {
    error: 'must be a list of events',
  })
  .transform(given => hookEvents.filter(one => given.includes(one)))

/** Without events, or with an empty list, the receiver is told of all of them, and of those that are added later. */
export const NewWebhook = z.strictObject({ url, events: events.default([]) })
export type NewWebhook = z.infer<typeof NewWebhook>

export const WebhookChange = z.strictObject({
  url: url.optional(),
  events: events.optional(),
  active: z.boolean({ error: 'must be true or false' }).optional(),
})
export type WebhookChange = z.infer<typeof WebhookChange>

/** An event webhook as the API answers it. The secret is in the answer that made it, and nowhere else. */
export interface Webhook {
  id: string
  url: string
  /** Empty: all of them. */
  events: HookEvent[]
  state: 'active' | 'disabled'
  /** Why it was switched off, when a person did not do it. */
  reason: string | null
  /** Set while its receiver does not take what is sent: since when, how many tries in a row, and when the next is made. */
  failing: { since: string; tries: number; nextTryAt: string | null } | null
  /** How many messages wait for it. */
  waiting: number
  createdAt: string
}

export const WebhookQuery = ListQuery
