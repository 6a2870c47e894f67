import type { Scope } from '../db/scope.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { allow } from '../permissions.ts'
import type { Delivery, DeliveryQuery, DeliveryState, MailChoice, Purpose } from './schema.ts'

/** The outbox, newest first. @throws Forbidden, Malformed `bad_cursor` */
export async function listDeliveries(
  scope: Scope,
  { state, limit, cursor }: DeliveryQuery,
): Promise<Page<Delivery>> {
  allow(scope, 'workspace.change')
  const [before = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select id, purpose, body->>'to' as address, body->>'subject' as subject, state, tries, next_try_at,
      answer->>'words' as words, created_at, ended_at
    from deliveries
    where kind = 'mail' and (${state ?? null}::text is null or state = ${state ?? null})
      and (${before}::uuid is null or id < ${before}::uuid)
    order by id desc limit ${limit + 1}`
  return pageOf(rows.map(toDelivery), limit, last => [last.id])
}

const toDelivery = (row: Record<string, unknown>): Delivery => ({
  id: row.id as string,
  kind: 'mail',
  purpose: row.purpose as Purpose,
  to: row.address as string,
  subject: row.subject as string,
  state: row.state as DeliveryState,
  tries: row.tries as number,
  nextTryAt: (row.next_try_at as Date | null)?.toISOString() ?? null,
  answer: row.words as string | null,
  createdAt: (row.created_at as Date).toISOString(),
  endedAt: (row.ended_at as Date | null)?.toISOString() ?? null,
})

/** How many mails wait, and how many were given up. */
export async function countDeliveries(scope: Scope): Promise<{ waiting: number; failed: number }> {
  const [row] = await scope.sql`
    select count(*) filter (where state in ('waiting', 'sending'))::int as waiting,
      count(*) filter (where state = 'failed')::int as failed
    from deliveries where kind = 'mail'`
  return { waiting: (row?.waiting as number) ?? 0, failed: (row?.failed as number) ?? 0 }
}

/** The caller's own choice. */
export async function readMailChoice(scope: Scope): Promise<MailChoice> {
  const [row] = await scope.sql`select by_mail from users where id = ${scope.actor.userId}`
  return { notifications: row?.by_mail === true }
}
