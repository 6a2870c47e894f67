import type { Person, Piece } from '../content/find.ts'
import { person, readPiece } from '../content/find.ts'
import type { Scope } from '../db/scope.ts'
import { type TimeWindow, windowOf } from './window.ts'

/** How many pieces of content wait for a review in this workspace. */
export async function reviewCount(scope: Scope): Promise<number> {
  const [row] = await scope.sql`select count(*)::int as waiting from content where state = 'in_review'`
  return (row?.waiting as number | undefined) ?? 0
}

/** Something that was decided about a version. */
export interface Decision {
  decision: 'submitted' | 'approved' | 'changes_requested' | 'withdrawn'
  note: string
  /** Taken back because what would go out was no longer what was approved. */
  sealBroken: boolean
  /** When it may go out, where an approval says so. */
  window: TimeWindow | null
  version: number
  by: Person | null
  at: string
}

/** Everything that was decided about a piece, newest first. */
export async function listDecisions(scope: Scope, contentId: string, limit = 50): Promise<Decision[]> {
  const rows = await scope.sql`
    select a.decision, a.note, a.seal_broken, a.publish_from, a.publish_until, a.created_at, v.number, u.id as user_id, u.name
    from approvals a join content_versions v on v.id = a.version_id left join users u on u.id = a.user_id
    where a.content_id = ${contentId} order by a.id desc limit ${limit}`
  return rows.map(row => ({
    decision: row.decision as Decision['decision'],
    note: row.note as string,
    sealBroken: row.seal_broken as boolean,
    window: windowOf(row),
    version: row.number as number,
    by: person(row.user_id, row.name),
    at: (row.created_at as Date).toISOString(),
  }))
}

/** A piece that waits, who asked and when. */
export interface Waiting {
  piece: Piece
  askedBy: Person | null
  askedAt: string
}

/** What waits for a review, the longest waiting first. */
export async function listWaiting(scope: Scope, limit = 50): Promise<Waiting[]> {
  const rows = await scope.sql`
    select c.id, asked.created_at, u.id as user_id, u.name
    from content c cross join lateral (
        select a.created_at, a.user_id, a.id from approvals a
        where a.content_id = c.id and a.decision = 'submitted' order by a.id desc limit 1
      ) asked left join users u on u.id = asked.user_id
    where c.state = 'in_review' order by asked.id limit ${limit}`
  const pieces = await Promise.all(rows.map(row => readPiece(scope, row.id as string)))
  return rows.flatMap((row, at) => {
    const piece = pieces[at]
    return piece
      ? [{ piece, askedBy: person(row.user_id, row.name), askedAt: (row.created_at as Date).toISOString() }]
      : []
  })
}
