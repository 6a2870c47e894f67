import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import type { Purpose } from '../mail/schema.ts'
import { allow } from '../permissions.ts'
import type { Try } from '../webhooks/call.ts'
import type { Message } from '../webhooks/payload.ts'
import type { Delivery, DeliveryQuery, DeliveryState, MailDelivery, WebhookDelivery } from './schema.ts'

/** Mails and messages to webhooks, newest first. @throws Forbidden, Malformed `bad_cursor` */
export async function listDeliveries(
  scope: Scope,
  { kind, state, webhook, limit, cursor }: Query,
): Promise<Page<Delivery>> {
  allow(scope, 'workspace.change')
  const [before = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select ${columns(scope)} from deliveries
    where (${kind ?? null}::text is null or kind = ${kind ?? null})
      and (${state ?? null}::text is null or state = ${state ?? null})
      and (${webhook ?? null}::uuid is null or webhook_id = ${webhook ?? null})
      and (${before}::uuid is null or id < ${before}::uuid)
    order by id desc limit ${limit + 1}`
  return pageOf(rows.map(toDelivery), limit, last => [last.id])
}

type Query = Pick<DeliveryQuery, 'limit'> & {
  [Name in keyof DeliveryQuery]?: DeliveryQuery[Name] | undefined
}

/** The outbox of mails. @throws Forbidden, Malformed `bad_cursor` */
export const listMails = (scope: Scope, query: Query) =>
  listDeliveries(scope, { ...query, kind: 'mail' }) as Promise<Page<MailDelivery>>

/** What was sent, and is to be sent, to one webhook. @throws Forbidden, Malformed `bad_cursor` */
export const listMessages = (scope: Scope, webhook: string, query: Query) =>
  listDeliveries(scope, { ...query, webhook, kind: 'webhook' }) as Promise<Page<WebhookDelivery>>

/** @throws Forbidden, NotFound */
export async function readDelivery(scope: Scope, id: string): Promise<Delivery> {
  allow(scope, 'workspace.change')
  const [row] = isId(id) ? await scope.sql`select ${columns(scope)} from deliveries where id = ${id}` : []
  if (!row) throw new NotFound()
  return toDelivery(row)
}

const columns = ({ sql }: Scope) => sql`
  id, kind, purpose, webhook_id, body, state, tries, next_try_at, answer->>'words' as words, attempts, created_at, ended_at`

function toDelivery(row: Record<string, unknown>): Delivery {
  const body = row.body as Record<string, unknown>
  const basics = {
    id: row.id as string,
    state: row.state as DeliveryState,
    tries: row.tries as number,
    nextTryAt: (row.next_try_at as Date | null)?.toISOString() ?? null,
    answer: row.words as string | null,
    createdAt: (row.created_at as Date).toISOString(),
    endedAt: (row.ended_at as Date | null)?.toISOString() ?? null,
  }
  if (row.kind === 'mail')
    return {
      kind: 'mail',
      ...basics,
      purpose: row.purpose as Purpose,
      to: body.to as string,
      subject: body.subject as string,
    }
  return {
    kind: 'webhook',
    ...basics,
    webhookId: row.webhook_id as string,
    type: body.type as string,
    attempts: row.attempts as Try[],
    body: { type: body.type, timestamp: body.timestamp, data: body.data } as Message,
  }
}
