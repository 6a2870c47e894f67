import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, type Page, pageOf, readCursor, timeKey } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import { isoIn } from '../lib/time.ts'
import { helpPath } from '../platforms/catalogue/index.ts'
import { platforms } from '../platforms/index.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { outOf } from './parts.ts'
import type { Attempt, HeldFor, Job, JobError, JobState, ReadBack } from './schema.ts'

export interface JobQuery {
  state?: readonly JobState[] | undefined
  account?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
  cursor?: string | undefined
  limit?: number | undefined
}

/** One column list for every read of jobs, attempts gathered in the same query. */
async function select(
  scope: Scope,
  where: 'list' | 'one' | 'content',
  given: Record<string, unknown>,
): Promise<Job[]> {
  const { sql } = scope
  const filter =
    where === 'one'
      ? sql`j.id = ${given.id}`
      : where === 'content'
        ? sql`j.content_id = ${given.contentId}`
        : sql`
            (${given.states}::text[] is null or j.state = any(${given.states}::text[]))
            and (${given.account}::uuid is null or j.account_id = ${given.account}::uuid)
            and (${given.from}::timestamptz is null or j.run_at >= ${given.from}::timestamptz)
            and (${given.to}::timestamptz is null or j.run_at < ${given.to}::timestamptz)
            and (${given.afterId}::uuid is null or (j.run_at, j.id) > (${given.afterRunAt}::text::timestamptz, ${given.afterId}::uuid))`
  const rows = await sql`
    select j.id, j.content_id, j.version_id, j.account_id, a.platform, j.state, j.recurrence_id, j.run_at, j.run_at::text as run_at_text,
      j.local, j.zone, j.next_try_at, j.held_for, j.late_minutes, j.remote_id, j.remote_url, j.published_at, j.error,
      j.steps, j.first_comment_of, case when j.first_comment_of is null then coalesce(
        (select case when jsonb_typeof(own->'thread') = 'array' then jsonb_array_length(own->'thread') end
          from jsonb_array_elements(v.variants) own where own->>'accountId' = j.account_id::text limit 1),
        jsonb_array_length(v.thread)) else 0 end as more_parts,
      coalesce((select json_agg(json_build_object('id', t.id, 'startedAt', t.started_at, 'endedAt', t.ended_at,
        'armedAt', t.armed_at, 'outcome', t.outcome, 'detail', t.detail,
        'sentSha256', t.sent_sha256, 'notes', t.notes) order by t.number)
        from publish_attempts t where t.job_id = j.id), '[]'::json) as attempts,
      (select json_build_object('state', case when r.state = 'reading' then 'waiting' else r.state end, 'findings', r.findings,
        'at', r.ended_at) from read_backs r where r.job_id = j.id) as read_back
    from publish_jobs j join social_accounts a on a.id = j.account_id join content_versions v on v.id = j.version_id
    where ${filter}
    order by j.run_at, j.id
    limit ${given.limit ?? 200}`
  return rows.map(toJob)
}

const iso = (value: unknown): string | null => (value ? new Date(value as string | Date).toISOString() : null)

function toJob(row: Record<string, unknown>): Job & { runAtText: string } {
  return {
    id: row.id as string,
    contentId: row.content_id as string,
    versionId: row.version_id as string,
    accountId: row.account_id as string,
    platform: row.platform as string,
    state: row.state as JobState,
    recurrenceId: row.recurrence_id as string | null,
    runAt: isoIn(row.run_at as Date, row.zone as string),
    local: row.local as string,
    zone: row.zone as string,
    nextTryAt: iso(row.next_try_at),
    heldFor: row.held_for as HeldFor | null,
    lateMinutes: row.late_minutes as number | null,
    attempts: (row.attempts as Attempt[]).map(attempt => ({
      ...attempt,
      startedAt: iso(attempt.startedAt) ?? '',
      endedAt: iso(attempt.endedAt),
      armedAt: iso(attempt.armedAt),
    })),
    remoteId: row.remote_id as string | null,
    remoteUrl: row.remote_url as string | null,
    thread:
      row.more_parts && platforms[row.platform as PlatformId].thread === 'replies'
        ? { of: (row.more_parts as number) + 1, out: outOf(row.steps as Record<string, unknown>) }
        : null,
    firstCommentOf: row.first_comment_of as string | null,
    publishedAt: iso(row.published_at),
    readBack: readBackOf(row.read_back),
    error: withHelp(row),
    runAtText: row.run_at_text as string,
  }
}

/** Why the job of a row is where it is, with the page that says more, where it has none of its own. */
export function withHelp(row: Record<string, unknown>): JobError | null {
  const error = row.error as JobError | null
  return error && { ...error, link: error.link ?? helpPath(row.platform as string, error.code) }
}

function readBackOf(given: unknown): ReadBack | null {
  const back = given as ReadBack | null
  return back && { ...back, at: iso(back.at) }
}

const shown = ({ runAtText: _, ...job }: Job & { runAtText?: string }): Job => job

/** Jobs by planned time, oldest first. @throws Malformed `bad_cursor` */
export async function listJobs(scope: Scope, query: JobQuery): Promise<Page<Job>> {
  const limit = query.limit ?? 50
  const after = readCursor(query.cursor, [timeKey, idKey])
  if (query.account !== undefined && !isId(query.account)) throw new NotFound()
  const jobs = (await select(scope, 'list', {
    states: query.state && query.state.length > 0 ? query.state : null,
    account: query.account ?? null,
    from: query.from ?? null,
    to: query.to ?? null,
    afterRunAt: after?.[0] ?? null,
    afterId: after?.[1] ?? null,
    limit: limit + 1,
  })) as (Job & { runAtText: string })[]
  const page = pageOf(jobs, limit, last => [last.runAtText, last.id])
  return { items: page.items.map(shown), next: page.next }
}

/** @throws NotFound */
export async function readJob(scope: Scope, id: string): Promise<Job> {
  const [job] = isId(id) ? await select(scope, 'one', { id }) : []
  if (!job) throw new NotFound()
  return shown(job)
}

/** All jobs of one piece of content, by planned time. */
export async function jobsOfContent(scope: Scope, contentId: string): Promise<Job[]> {
  if (!isId(contentId)) throw new NotFound()
  return (await select(scope, 'content', { contentId })).map(shown)
}
