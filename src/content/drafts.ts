import type { Scope } from '../db/scope.ts'
import { Invalid } from '../errors.ts'
import { newId } from '../lib/id.ts'
import { allow } from '../permissions.ts'
import { readPiece } from './find.ts'
import { limits } from './schema.ts'
import { Typed } from './typed.ts'

/** What somebody typed and has not saved: theirs alone, never a version. */
export interface Draft {
  typed: Typed
  at: Date
}

/** Room for a text of full length with own words for many accounts. */
const mostCharacters = 10 * limits.text

/** The reader's own draft of a piece, or with null of a new post. */
export async function readDraft(scope: Scope, contentId: string | null): Promise<Draft | null> {
  const [row] = await scope.sql`
    select body, updated_at from drafts
    where user_id = ${scope.actor.userId} and content_id is not distinct from ${contentId}`
  const typed = Typed.safeParse(row?.body)
  return row && typed.success ? { typed: typed.data, at: row.updated_at as Date } : null
}

/** @throws NotFound, Invalid when it is far longer than anything that could be saved */
export async function keepDraft(scope: Scope, contentId: string | null, typed: Typed): Promise<Date> {
  allow(scope, 'content.write')
  if (contentId) await readPiece(scope, contentId)
  if (JSON.stringify(typed).length > mostCharacters)
    throw new Invalid('This is too long to keep. Shorten it.', [{ path: 'text', message: 'is too long' }])
  const [row] = await scope.sql`
    insert into drafts (id, user_id, content_id, body)
    values (${newId()}, ${scope.actor.userId}, ${contentId}, ${scope.sql.json(typed)})
    on conflict (user_id, content_id) do update set body = excluded.body, updated_at = public.clock()
    returning updated_at`
  return row?.updated_at as Date
}

export async function dropDraft(scope: Scope, contentId: string | null): Promise<void> {
  await scope.sql`
    delete from drafts where user_id = ${scope.actor.userId} and content_id is not distinct from ${contentId}`
}
