import { lock } from '../content/content.ts'
import { type Content, type Piece, readPiece, shown } from '../content/find.ts'
import type { ContentState } from '../content/schema.ts'
import type { Scope } from '../db/scope.ts'
import { Conflict, Forbidden, Invalid } from '../errors.ts'
import { type EventType, record } from '../events.ts'
import { newId } from '../lib/id.ts'
import { allow, may } from '../permissions.ts'
import type { Approving, ChangeRequest } from './schema.ts'
import { type TimeWindow, windowWords } from './window.ts'

type Decision = 'submitted' | 'approved' | 'changes_requested' | 'withdrawn'

/** Hands a draft to the reviewers. @throws NotFound, Conflict when it waits already, is approved or archived */
export async function submitContent(scope: Scope, id: string): Promise<Content> {
  allow(scope, 'content.write')
  const piece = await open(scope, id)
  if (piece.state === 'in_review') throw new Conflict('This waits for review already.')
  if (piece.state === 'approved') throw new Conflict('This is approved already: nothing is left to review.')
  return decide(scope, piece, 'submitted', 'in_review', 'content.submitted')
}

/** Takes a submission back before anybody answered. @throws NotFound, Conflict when it does not wait for review */
export async function takeBack(scope: Scope, id: string): Promise<Content> {
  allow(scope, 'content.write')
  const piece = await open(scope, id)
  if (piece.state !== 'in_review') throw new Conflict('This does not wait for review.')
  return decide(scope, piece, 'withdrawn', 'draft', 'content.withdrawn')
}

/**
 * Approves the current version, and only that one, to go out at any time or within a window.
 * @throws NotFound, Forbidden for one's own words unless owner or admin, Conflict when nobody asked for a review or
 * when `version` is not the current one, Invalid for a window that is over or ends before it begins
 */
export async function approveContent(
  scope: Scope,
  id: string,
  { version, from = null, until = null }: Approving = {},
): Promise<Content> {
  allow(scope, 'content.approve')
  const piece = await open(scope, id)
  if (piece.state === 'approved') throw new Conflict('This is approved already.')
  if (piece.state === 'draft')
    throw new Conflict('Nobody has asked for a review of this yet. Submit it for review first.')
  if (version !== undefined && version !== piece.version)
    throw new Conflict(
      `${piece.savedBy?.name ?? 'Somebody'} saved version ${piece.version} after the version ${version} that you looked at. Look again, then approve.`,
    )
  if (isOwn(piece, scope.actor.userId) && !mayApproveOwn(scope))
    throw new Forbidden(
      'You wrote this yourself, so somebody else approves it: another editor, a reviewer, an admin or the owner.',
    )
  const window = await checkWindow(scope, from, until)
  return decide(
    scope,
    piece,
    'approved',
    'approved',
    'content.approved',
    '',
    window ? { window } : {},
    window,
  )
}

async function checkWindow(
  { sql }: Scope,
  from: string | null,
  until: string | null,
): Promise<TimeWindow | null> {
  if (!from && !until) return null
  const utc = (at: string | null) => at && new Date(at).toISOString()
  const window = { from: utc(from), until: utc(until) }
  if (window.from && window.until && window.until <= window.from)
    throw new Invalid('The time ends before it begins: choose a later end, or an earlier beginning.', [
      { path: 'until', message: 'Must be later than the beginning.' },
    ])
  const [now] = await sql`
    select public.clock() >= ${window.until}::text::timestamptz as over, zone from workspace`
  if (now?.over)
    throw new Invalid(
      `To go out ${windowWords(window, now.zone as string)} is no longer possible: that time is over. Choose a later end.`,
      [{ path: 'until', message: 'Has passed: choose a later end.' }],
    )
  return window
}

/** Takes an approval back; the piece waits for review again. @throws NotFound, Conflict when it is not approved */
export async function withdrawApproval(scope: Scope, id: string): Promise<Content> {
  allow(scope, 'content.approve')
  const piece = await open(scope, id)
  if (piece.state !== 'approved')
    throw new Conflict('This is not approved, so there is nothing to take back.')
  return decide(scope, piece, 'withdrawn', 'in_review', 'content.withdrawn')
}

/**
 * Takes back the approval of what is no longer what was approved; it waits for review again.
 * @returns false when it is not approved any more
 */
export async function breakApproval(
  scope: Scope,
  id: string,
  note: string,
  about: { changes: readonly string[] },
): Promise<boolean> {
  if ((await lock(scope, id)) !== 'approved') return false
  await decide(
    scope,
    await readPiece(scope, id),
    'withdrawn',
    'in_review',
    'content.seal_broken',
    note,
    about,
  )
  return true
}

/** Sends a piece back to its author with what should change. @throws NotFound, Conflict when nobody asked for a review */
export async function requestChanges(scope: Scope, id: string, { note }: ChangeRequest): Promise<Content> {
  allow(scope, 'content.approve')
  const piece = await open(scope, id)
  if (piece.state !== 'in_review' && piece.state !== 'approved')
    throw new Conflict('This does not wait for review. Leave a comment instead.')
  return decide(scope, piece, 'changes_requested', 'changes_requested', 'content.changes_requested', note)
}

/** Began it, or saved the version that is looked at. */
export const isOwn = (piece: Pick<Piece, 'createdBy' | 'savedBy'>, userId: string | null): boolean =>
  userId !== null && (piece.createdBy?.id === userId || piece.savedBy?.id === userId)

/** Owners and admins answer for the workspace and are sometimes alone in it. */
export const mayApproveOwn = (scope: Pick<Scope, 'actor'>): boolean => may(scope.actor, 'workspace.change')

async function open(scope: Scope, id: string): Promise<Piece> {
  if ((await lock(scope, id)) === 'archived') throw new Conflict('This is archived. Restore it first.')
  return readPiece(scope, id)
}

async function decide(
  scope: Scope,
  piece: Piece,
  decision: Decision,
  state: ContentState,
  event: EventType,
  note = '',
  about: Record<string, unknown> = {},
  window: TimeWindow | null = null,
): Promise<Content> {
  await scope.sql`
    insert into approvals (id, content_id, version_id, decision, note, user_id, seal_broken, publish_from, publish_until)
    values (${newId()}, ${piece.id}, ${piece.versionId}, ${decision}, ${note}, ${scope.actor.userId},
      ${event === 'content.seal_broken'}, ${window?.from ?? null}::text::timestamptz, ${window?.until ?? null}::text::timestamptz)`
  await scope.sql`update content set state = ${state} where id = ${piece.id}`
  await record(scope, event, piece.id, {
    versionId: piece.versionId,
    ...(note ? { note } : {}),
    ...(event === 'content.withdrawn' ? { from: piece.state } : {}),
    ...about,
  })
  return shown(await readPiece(scope, piece.id))
}
