import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { isId } from '../lib/id.ts'
import { toNotification } from './find.ts'
import type { Notification } from './schema.ts'

/** Puts one of one's own notifications away; the thing it is about stays as it is. @throws NotFound */
export async function putAway(scope: Scope, id: string): Promise<Notification> {
  const [row] = isId(id)
    ? await scope.sql`
        update notifications set done_at = coalesce(done_at, public.clock())
        where id = ${id} and user_id = ${scope.actor.userId} and in_app
        returning id, kind, about, path, subject_id, created_at, done_at`
    : []
  if (!row) throw new NotFound()
  return toNotification(row)
}

/** Puts everything that waits for this user away. @returns how many there were */
export async function putAllAway(scope: Scope): Promise<number> {
  const rows = await scope.sql`
    update notifications set done_at = public.clock()
    where user_id = ${scope.actor.userId} and in_app and done_at is null returning id`
  return rows.length
}
