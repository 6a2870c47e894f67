import { z } from 'zod'
import type { Scope } from '../db/scope.ts'
import { idKey, ListQuery, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import type { Kind, Notification } from './schema.ts'

/** How many things wait for this user. */
export async function needsCount(scope: Scope): Promise<number> {
  const [row] = await scope.sql`
    select count(*)::int as open from notifications where user_id = ${scope.actor.userId} and in_app and done_at is null`
  return (row?.open as number | undefined) ?? 0
}

export const NotificationQuery = ListQuery.extend({
  open: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .transform(given => given === 'true')
    .optional()
    .describe('true: only what still waits; false: only what is done.'),
})
export type NotificationQuery = z.infer<typeof NotificationQuery>

/** Microseconds since 1970: as exact as the column, and no text that could be no time. */
const microsKey = /^\d{1,16}$/
const doneKey = /^(open|done)$/

/** This user's own notifications: what waits first, then what is done, the newest first in each. @throws Malformed `bad_cursor` */
export async function listNotifications(
  scope: Scope,
  { open, limit, cursor }: NotificationQuery,
): Promise<Page<Notification>> {
  const [part = null, micros = null, id = null] = readCursor(cursor, [doneKey, microsKey, idKey]) ?? []
  const rows = await scope.sql`
    select id, kind, about, path, subject_id, created_at, done_at,
      (extract(epoch from created_at) * 1000000)::bigint::text as micros
    from notifications
    where user_id = ${scope.actor.userId} and in_app
      and (${open ?? null}::boolean is null or (done_at is null) = ${open ?? null}::boolean)
      and (${id}::uuid is null
        or (done_at is null) < ${part === 'open'}::boolean
        or ((done_at is null) = ${part === 'open'}::boolean and (created_at, id)
          < ('epoch'::timestamptz + ${micros}::bigint * interval '1 microsecond', ${id}::uuid)))
    order by (done_at is null) desc, created_at desc, id desc
    limit ${limit + 1}`
  const { items, next } = pageOf(rows, limit, last => [
    last.done_at === null ? 'open' : 'done',
    last.micros as string,
    last.id as string,
  ])
  return { items: items.map(toNotification), next }
}

export const toNotification = (row: Record<string, unknown>): Notification => ({
  id: row.id as string,
  kind: row.kind as Kind,
  about: row.about as string,
  path: row.path as string,
  subjectId: row.subject_id as string,
  createdAt: (row.created_at as Date).toISOString(),
  doneAt: (row.done_at as Date | null)?.toISOString() ?? null,
})
