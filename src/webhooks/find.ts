import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, type ListQuery, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import { allow } from '../permissions.ts'
import { type HookEvent, hookEvents, type Webhook } from './schema.ts'

/** Webhooks, newest first. @throws Forbidden, Malformed `bad_cursor` */
export async function listWebhooks(scope: Scope, { limit, cursor }: ListQuery): Promise<Page<Webhook>> {
  allow(scope, 'webhooks.manage')
  const [before = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select ${columns(scope)} from webhooks w
    where ${before}::uuid is null or w.id < ${before}::uuid
    order by w.id desc limit ${limit + 1}`
  return pageOf(rows.map(toWebhook), limit, last => [last.id])
}

/** @throws Forbidden, NotFound */
export async function readWebhook(scope: Scope, id: string): Promise<Webhook> {
  allow(scope, 'webhooks.manage')
  const [row] = isId(id) ? await scope.sql`select ${columns(scope)} from webhooks w where w.id = ${id}` : []
  if (!row) throw new NotFound()
  return toWebhook(row)
}

const columns = ({ sql }: Scope) => sql`
  w.id, w.url, w.events, w.state, w.state_reason, w.failures, w.failing_since, w.created_at,
  case when w.paused_until > public.clock() then w.paused_until end as paused_until,
  (select count(*)::int from deliveries d where d.webhook_id = w.id and d.state in ('waiting', 'sending')) as waiting`

const toWebhook = (row: Record<string, unknown>): Webhook => ({
  id: row.id as string,
  url: row.url as string,
  events: hookEvents.filter(one => (row.events as string[]).includes(one)) as HookEvent[],
  state: row.state as Webhook['state'],
  reason: row.state_reason as string | null,
  failing: row.failing_since
    ? {
        since: (row.failing_since as Date).toISOString(),
        tries: row.failures as number,
        nextTryAt: (row.paused_until as Date | null)?.toISOString() ?? null,
      }
    : null,
  waiting: row.waiting as number,
  createdAt: (row.created_at as Date).toISOString(),
})
