import { edgeInstant } from '../calendar/days.ts'
import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import type { Counts } from '../platforms/platform.ts'
import { readWorkspace } from '../team/workspace.ts'
import type { AnalyticsQuery, PostCounts } from './schema.ts'

/** Counts of one post at one moment. */
export interface Reading {
  at: Date
  counts: Counts
}

/** How far back a job's page looks. */
const shownReadings = 48

/** What a post has gathered, oldest reading first; empty when nothing was counted yet or the id is no job of this tenant. */
export async function countsOf(scope: Scope, jobId: string): Promise<Reading[]> {
  if (!isId(jobId)) return []
  const rows = await scope.sql`
    select taken_at, json_object_agg(metric, value) as counts from analytics
    where job_id = ${jobId} group by taken_at order by taken_at desc limit ${shownReadings}`
  return rows.map(row => ({ at: row.taken_at as Date, counts: row.counts as Counts })).reverse()
}

/** Microseconds since 1970: as exact as the column, and no text that could be no time. */
const microsKey = /^\d{1,16}$/

/** Published posts with their numbers, the latest first. @throws NotFound for a malformed content id, Malformed `bad_cursor` */
export async function listCounts(
  scope: Scope,
  { content, from, to, limit, cursor }: AnalyticsQuery,
): Promise<Page<PostCounts>> {
  if (content !== undefined && !isId(content)) throw new NotFound()
  const { zone } = await readWorkspace(scope)
  const since = from === undefined ? null : edgeInstant(from, zone, 'start')
  const until = to === undefined ? null : edgeInstant(to, zone, 'end')
  const [micros = null, id = null] = readCursor(cursor, [microsKey, idKey]) ?? []
  const rows = await scope.sql`
    select j.id, j.content_id, j.account_id, a.platform, j.published_at,
      (extract(epoch from j.published_at) * 1000000)::bigint::text as micros,
      coalesce((select json_agg(json_build_object('at', taken_at, 'counts', counts) order by taken_at) from (
        select taken_at, json_object_agg(metric, value) as counts from analytics n where n.job_id = j.id
        group by taken_at order by taken_at desc limit ${shownReadings}) r), '[]'::json) as history
    from publish_jobs j join social_accounts a on a.id = j.account_id
    where j.state = 'published' and j.first_comment_of is null and j.published_at is not null
      and (${content ?? null}::uuid is null or j.content_id = ${content ?? null}::uuid)
      and (${since}::timestamptz is null or j.published_at >= ${since}::timestamptz)
      and (${until}::timestamptz is null or j.published_at < ${until}::timestamptz)
      and (${id}::uuid is null or (j.published_at, j.id)
        < ('epoch'::timestamptz + ${micros}::bigint * interval '1 microsecond', ${id}::uuid))
    order by j.published_at desc, j.id desc
    limit ${limit + 1}`
  const { items, next } = pageOf(rows, limit, last => [last.micros as string, last.id as string])
  return { items: items.map(toCounts), next }
}

function toCounts(row: Record<string, unknown>): PostCounts {
  const history = (row.history as { at: string; counts: Counts }[]).map(({ at, counts }) => ({
    at: new Date(at).toISOString(),
    counts,
  }))
  const latest = history.at(-1)
  return {
    jobId: row.id as string,
    contentId: row.content_id as string,
    accountId: row.account_id as string,
    platform: row.platform as string,
    publishedAt: (row.published_at as Date).toISOString(),
    countedAt: latest?.at ?? null,
    counts: latest?.counts ?? {},
    history,
  }
}
