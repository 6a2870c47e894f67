import type { Scope } from '../db/scope.ts'
import { record } from '../events.ts'
import { idKey, type ListQuery, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { newId } from '../lib/id.ts'
import { allow } from '../permissions.ts'
import { type Person, person, readPiece } from './find.ts'
import type { NewComment } from './schema.ts'

export interface Comment {
  id: string
  contentId: string
  /** null when the login is gone. */
  author: Person | null
  text: string
  createdAt: string
}

/** Says something about a piece, to everybody who works on it. @throws NotFound */
export async function comment(scope: Scope, contentId: string, given: NewComment): Promise<Comment> {
  allow(scope, 'content.comment')
  const piece = await readPiece(scope, contentId)
  const id = newId()
  await scope.sql`
    insert into comments (id, content_id, user_id, text) values (${id}, ${piece.id}, ${scope.actor.userId}, ${given.text})`
  await record(scope, 'comment.created', id, { contentId: piece.id })
  const [row] = await scope.sql`
    select m.id, m.content_id, m.text, m.created_at, u.id as user_id, u.name
    from comments m left join users u on u.id = m.user_id where m.id = ${id}`
  return toComment(row ?? {})
}

/** What was said about a piece, oldest first. @throws NotFound, Malformed `bad_cursor` */
export async function listComments(
  scope: Scope,
  contentId: string,
  { limit, cursor }: ListQuery,
): Promise<Page<Comment>> {
  const piece = await readPiece(scope, contentId)
  const [after = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select m.id, m.content_id, m.text, m.created_at, u.id as user_id, u.name
    from comments m left join users u on u.id = m.user_id
    where m.content_id = ${piece.id} and (${after}::uuid is null or m.id > ${after}::uuid)
    order by m.id limit ${limit + 1}`
  return pageOf(rows.map(toComment), limit, last => [last.id])
}

/** The last words said about each of these pieces. */
export async function lastComments(
  scope: Scope,
  contentIds: readonly string[],
): Promise<Map<string, Comment>> {
  if (contentIds.length === 0) return new Map()
  const rows = await scope.sql`
    select distinct on (m.content_id) m.id, m.content_id, m.text, m.created_at, u.id as user_id, u.name
    from comments m left join users u on u.id = m.user_id
    where m.content_id = any(${[...contentIds]}::uuid[]) order by m.content_id, m.id desc`
  return new Map(rows.map(row => [row.content_id as string, toComment(row)]))
}

const toComment = (row: Record<string, unknown>): Comment => ({
  id: row.id as string,
  contentId: row.content_id as string,
  author: person(row.user_id, row.name),
  text: row.text as string,
  createdAt: (row.created_at as Date).toISOString(),
})
