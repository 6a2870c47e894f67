import { wakeAt } from '../db/due.ts'
import type { Listener } from '../events.ts'
import { newId } from '../lib/id.ts'
import { messagesOf } from './payload.ts'
import { hookEvents } from './schema.ts'

const known: ReadonlySet<string> = new Set(hookEvents)

/**
 * Writes down one delivery for every active webhook that wants an event, in the event's own transaction. A webhook is
 * held against its removal first: what is removed at this moment is left out, and never breaks what happened.
 */
export const tellWebhooks: Listener = async (scope, happenings) => {
  const { sql } = scope
  const told = happenings.filter(({ type }) => known.has(type))
  if (told.length === 0) return
  const webhooks = await sql`
    select id, events from webhooks where state = 'active' order by id for key share`
  const wanted = told.flatMap(happening =>
    webhooks
      .filter(({ events }) => events.length === 0 || events.includes(happening.type))
      .map(({ id }) => ({ id: newId(), webhookId: id as string, happening })),
  )
  if (wanted.length === 0) return
  const messages = await messagesOf(scope, told)
  const bodies = new Map(told.map((happening, at) => [happening, messages[at]]))
  const [made] = await sql`
    insert into deliveries (id, kind, webhook_id, subject_id, state, body, next_try_at)
    select given.id, 'webhook', given.webhook_id, given.subject_id, 'waiting', given.body, public.clock()
    from unnest(${wanted.map(({ id }) => id)}::uuid[], ${wanted.map(({ webhookId }) => webhookId)}::uuid[],
      ${wanted.map(({ happening }) => happening.id)}::uuid[],
      ${wanted.map(({ happening }) => JSON.stringify(bodies.get(happening)))}::text[]::jsonb[])
      given (id, webhook_id, subject_id, body)
    returning next_try_at`
  if (made) await wakeAt(scope, made.next_try_at as Date)
}
