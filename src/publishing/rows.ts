import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import type { Level } from '../forecast/schema.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import { wallTime } from '../lib/time.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { withHelp } from './find.ts'
import type { HeldFor, JobError, JobState } from './schema.ts'

/** A publish job as a line or a chip: enough to recognise it, without its attempts. */
export interface JobRow {
  id: string
  contentId: string
  /** The rule that it is of; null for one that was planned by itself. */
  recurrenceId: string | null
  state: JobState
  runAt: Date
  /** Wall time in `zone`, as it was planned. */
  local: string
  zone: string
  nextTryAt: Date | null
  publishedAt: Date | null
  /** Seconds from now (the database's clock) to the planned moment; negative once it has passed. */
  inSeconds: number
  /** `late`: its moment passed while nothing could be sent; a person decides. */
  heldFor: HeldFor | null
  remoteUrl: string | null
  error: JobError | null
  /** The first characters of what this account will say. */
  text: string
  /** The job whose first comment this is; null for a post. */
  firstCommentOf: string | null
  /** `works`: false while it has to be connected again, which its waiting jobs then wait for. */
  account: { id: string; name: string; handle: string; platform: PlatformId; works: boolean }
  /** What the newest forecast says; null when it has not looked at this version and moment. */
  forecast: Level | null
}

export interface RowQuery {
  ids?: readonly string[] | undefined
  states?: readonly JobState[] | undefined
  heldFor?: HeldFor | undefined
  /** Leaves out what a rule had planned and that was called off, as all of it is when the rule is stopped. */
  withoutCalledOff?: boolean | undefined
  /** Leaves out what is held for that. */
  notHeldFor?: HeldFor | undefined
  accountId?: string | undefined
  contentId?: string | undefined
  /** The first comment of this job. */
  firstCommentOf?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
  cursor?: string | undefined
  limit: number
  /** Latest planned time first. */
  newestFirst?: boolean | undefined
}

/**
 * Whether the job `j` of the statement has a line of its own: a first comment stands with its post, until it needs
 * somebody's answer.
 */
const standsAlone = ({ sql }: Scope) => sql`
  (j.first_comment_of is null or j.state in ('held', 'failed', 'unconfirmed'))`

/** How much of a text is read for a line. */
const textLength = 240
/** Microseconds since 1970: as exact as the column, and no text that could be no time. */
const microsKey = /^\d{1,16}$/

/** Jobs by planned time in one query, whatever their number. @throws NotFound for a malformed id, Malformed `bad_cursor` */
export async function listRows(scope: Scope, query: RowQuery): Promise<Page<JobRow>> {
  const { sql } = scope
  for (const id of [query.accountId, query.contentId]) if (id !== undefined && !isId(id)) throw new NotFound()
  const [micros = null, id = null] = readCursor(query.cursor, [microsKey, idKey]) ?? []
  const direction = query.newestFirst ? sql`desc` : sql``
  const beyond = query.newestFirst ? sql`<` : sql`>`
  const rows = await sql`
    select j.id, j.content_id, j.recurrence_id, j.state, j.run_at, (extract(epoch from j.run_at) * 1000000)::bigint::text as micros, j.local, j.zone, j.next_try_at,
      j.published_at, extract(epoch from j.run_at - public.clock())::float8 as in_seconds, j.held_for, j.remote_url, j.error,
      left(coalesce((select own->>case when j.first_comment_of is null then 'text' else 'firstComment' end
        from jsonb_array_elements(v.variants) own where own->>'accountId' = j.account_id::text limit 1),
        case when j.first_comment_of is null then v.text else v.first_comment end), ${textLength}) as text,
      j.first_comment_of,
      a.id as account_id, a.name as account_name, a.handle, a.platform,
      a.state = 'connected' as works, f.level as forecast
    from publish_jobs j
    join content_versions v on v.id = j.version_id
    join social_accounts a on a.id = j.account_id
    left join forecast_jobs f on f.job_id = j.id and f.version_id = j.version_id and f.run_at = j.run_at
      and j.state in ('scheduled', 'held')
    where (${query.ids ?? null}::uuid[] is null or j.id = any(${query.ids ?? null}::uuid[]))
      and (${query.firstCommentOf ?? null}::uuid is null or j.first_comment_of = ${query.firstCommentOf ?? null}::uuid)
      and (${Boolean(query.ids ?? query.firstCommentOf)} or ${standsAlone(scope)})
      and (${query.states ?? null}::text[] is null or j.state = any(${query.states ?? null}::text[]))
      and (${query.heldFor ?? null}::text is null or j.held_for = ${query.heldFor ?? null}::text)
      and (${query.notHeldFor ?? null}::text is null or j.held_for is distinct from ${query.notHeldFor ?? null}::text)
      and not (${query.withoutCalledOff ?? false} and j.state = 'cancelled' and j.recurrence_id is not null)
      and (${query.accountId ?? null}::uuid is null or j.account_id = ${query.accountId ?? null}::uuid)
      and (${query.contentId ?? null}::uuid is null or j.content_id = ${query.contentId ?? null}::uuid)
      and (${query.from ?? null}::timestamptz is null or j.run_at >= ${query.from ?? null}::timestamptz)
      and (${query.to ?? null}::timestamptz is null or j.run_at < ${query.to ?? null}::timestamptz)
      and (${id}::uuid is null or (j.run_at, j.id)
        ${beyond} ('epoch'::timestamptz + ${micros}::bigint * interval '1 microsecond', ${id}::uuid))
    order by j.run_at ${direction}, j.id ${direction}
    limit ${query.limit + 1}`
  const { items, next } = pageOf(rows, query.limit, last => [last.micros as string, last.id as string])
  return { items: items.map(toRow), next }
}

const toRow = (row: Record<string, unknown>): JobRow => ({
  id: row.id as string,
  contentId: row.content_id as string,
  recurrenceId: row.recurrence_id as string | null,
  state: row.state as JobState,
  runAt: row.run_at as Date,
  local: row.local as string,
  zone: row.zone as string,
  nextTryAt: row.next_try_at as Date | null,
  publishedAt: row.published_at as Date | null,
  inSeconds: row.in_seconds as number,
  heldFor: row.held_for as JobRow['heldFor'],
  remoteUrl: row.remote_url as string | null,
  error: withHelp(row),
  text: row.text as string,
  firstCommentOf: row.first_comment_of as string | null,
  account: {
    id: row.account_id as string,
    name: row.account_name as string,
    handle: row.handle as string,
    platform: row.platform as PlatformId,
    works: row.works as boolean,
  },
  forecast: row.forecast as Level | null,
})

/** How many jobs of each state there are, in a span of planned times where one is given. */
export async function countStates(
  scope: Scope,
  query: Pick<RowQuery, 'accountId' | 'from' | 'to'> = {},
): Promise<Partial<Record<JobState, number>>> {
  const rows = await scope.sql`
    select state, count(*)::int as n from publish_jobs j
    where ${standsAlone(scope)} and (${query.accountId ?? null}::uuid is null or account_id = ${query.accountId ?? null}::uuid)
      and (${query.from ?? null}::timestamptz is null or run_at >= ${query.from ?? null}::timestamptz)
      and (${query.to ?? null}::timestamptz is null or run_at < ${query.to ?? null}::timestamptz)
    group by state`
  return Object.fromEntries(rows.map(row => [row.state, row.n]))
}

/** Today's date in a zone, by the database's clock. */
export async function dateNow(scope: Scope, zone: string): Promise<string> {
  const [clock] = await scope.sql`select public.clock() as now`
  return wallTime(clock?.now as Date, zone)
    .toPlainDate()
    .toString()
}
