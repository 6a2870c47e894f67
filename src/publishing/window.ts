import { outsideWindow } from '../approvals/schema.ts'
import { holds, sideOf, type TimeWindow, windowOf, windowWords } from '../approvals/window.ts'
import type { Scope } from '../db/scope.ts'
import { Invalid } from '../errors.ts'
import { recordAll } from '../events.ts'
import type { Among } from './braked.ts'
import { perhapsOut } from './perhaps.ts'

/** The approval that holds for a content, where the workspace requires one. */
export interface ApprovedFor {
  /** null: it may go out at any time. */
  window: TimeWindow | null
  /** The workspace's, in which the window is told. */
  zone: string
  now: Date
}

/** @returns null where it is not approved, or needs no approval */
export async function approvedFor({ sql }: Scope, contentId: string): Promise<ApprovedFor | null> {
  const [row] = await sql`
    select a.publish_from, a.publish_until, w.zone, public.clock() as now
    from content c join approvals a on a.version_id = c.version_id cross join workspace w
    where c.id = ${contentId} and c.state = 'approved' and w.approval_required and ${holds(sql)}
    order by a.id desc limit 1`
  return row ? { window: windowOf(row), zone: row.zone as string, now: row.now as Date } : null
}

/** @param at null for now; @param path the field that says it. @throws Invalid `outside_window`, naming the window */
export function refuseOutside(approved: ApprovedFor | null, at: Date | null, path = 'at'): void {
  const { window, zone, now } = approved ?? {}
  const side = window && now ? sideOf(window, at ?? now) : null
  if (!window || !side) return
  throw new Invalid(
    `It is approved to go out ${windowWords(window, zone ?? 'UTC')}, and ${at ? 'this' : 'now'} is ${side} that time. ${
      now && sideOf(window, now) === 'after'
        ? 'Ask for approval again.'
        : 'Choose a moment in that time, or have it approved for another one.'
    }`,
    [{ path, message: `is ${side} the time that it is approved for` }],
    outsideWindow,
  )
}

/**
 * Holds the scheduled jobs whose next try is at a moment that the approval of their content does not allow, each with the
 * reason on it. What may be out already is left to its next try, which tells of it.
 */
export async function holdOutside(scope: Scope, { contentId = null, ids = null }: Among): Promise<void> {
  const { sql } = scope
  const rows = await sql`
    select j.id, j.content_id, a.publish_from, a.publish_until, w.zone,
      greatest(coalesce(j.next_try_at, j.run_at), public.clock()) as at, exists (
        select 1 from publish_jobs other where other.content_id = j.content_id and other.state = 'held'
          and other.error->>'code' = ${outsideWindow}) as told
    from publish_jobs j join content c on c.id = j.content_id join approvals a on a.version_id = c.version_id
    cross join workspace w
    where j.state = 'scheduled' and c.state = 'approved' and w.approval_required and ${holds(sql)}
      and (a.publish_from is not null or a.publish_until is not null)
      and (${contentId}::uuid is null or j.content_id = ${contentId}::uuid)
      and (${ids as string[] | null}::uuid[] is null or j.id = any(${ids as string[] | null}::uuid[]))
      and not ${perhapsOut(scope)}
    order by j.id for update of j`
  const held = rows.flatMap(row => {
    const window = windowOf(row)
    const side = window && sideOf(window, row.at as Date)
    if (!window || !side) return []
    const message = `It is approved to go out ${windowWords(window, row.zone as string)}, and its moment is ${side} that time.`
    return [{ id: row.id as string, contentId: row.content_id as string, message, told: row.told as boolean }]
  })
  if (held.length === 0) return
  await sql`
    update publish_jobs j set state = 'held', held_for = 'approval',
      error = jsonb_build_object('code', ${outsideWindow}::text, 'message', given.message, 'next', ${cure}::text, 'link', null)
    from unnest(${held.map(({ id }) => id)}::uuid[], ${held.map(({ message }) => message)}::text[]) given (id, message)
    where j.id = given.id`
  const among = (content: string) => held.filter(({ contentId }) => contentId === content)
  await recordAll(
    scope,
    held.map(({ id, contentId, message, told }) => ({
      type: 'publish_job.held',
      subjectId: id,
      data: {
        contentId,
        for: 'approval',
        code: outsideWindow,
        why: message,
        // Told once for all of a content, with the first of them.
        ...(told || among(contentId)[0]?.id !== id ? {} : { others: among(contentId).length - 1 }),
      },
    })),
  )
}

const cure = 'Move it into that time, or have it approved for another one: it then goes out by itself.'
