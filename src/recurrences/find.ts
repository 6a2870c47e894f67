import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import { isoIn } from '../lib/time.ts'
import type { JobState } from '../publishing/schema.ts'
import { nextOccurrences, parseRule, type Series } from './rule.ts'
import type { Recurrence, StoppedFor, Upcoming } from './schema.ts'
import { ruleWords } from './words.ts'

export interface RecurrenceQuery {
  id?: string | undefined
  content?: string | undefined
  limit: number
  cursor?: string | undefined
}

/** So many of the next occurrences are told. */
const told = 10

/** Recurrences, the newest first, with what is to come of them. @throws NotFound for a malformed id, Malformed `bad_cursor` */
export async function listRecurrences(scope: Scope, query: RecurrenceQuery): Promise<Page<Recurrence>> {
  for (const id of [query.id, query.content]) if (id !== undefined && !isId(id)) throw new NotFound()
  const [after = null] = readCursor(query.cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select r.id, r.content_id, r.rule, r.starts, r.zone, r.exceptions, r.late_minutes, r.state, r.stopped_for, r.created_at,
      public.clock() as now, array(select a.id from social_accounts a
        where a.id = any(r.accounts) and a.removed_at is null order by a.id) as accounts,
      coalesce((select json_agg(json_build_object('id', j.id, 'accountId', j.account_id, 'state', j.state,
        'occurrence', j.occurrence) order by j.account_id)
        from publish_jobs j where j.recurrence_id = r.id and j.run_at > public.clock() - interval '2 days'), '[]') as jobs
    from recurrences r
    where (${query.id ?? null}::uuid is null or r.id = ${query.id ?? null}::uuid)
      and (${query.content ?? null}::uuid is null or r.content_id = ${query.content ?? null}::uuid)
      and (${after}::uuid is null or r.id < ${after}::uuid)
    order by r.id desc limit ${query.limit + 1}`
  return pageOf(rows.map(toRecurrence), query.limit, last => [last.id])
}

/** @throws NotFound */
export async function readRecurrence(scope: Scope, id: string): Promise<Recurrence> {
  const { items } = await listRecurrences(scope, { id, limit: 1 })
  const [one] = items
  if (!one) throw new NotFound()
  return one
}

type JobOf = Upcoming['jobs'][number] & { occurrence: string; state: JobState }

function toRecurrence(row: Record<string, unknown>): Recurrence {
  const zone = row.zone as string
  const starts = row.starts as string
  const rule = parseRule(row.rule as string, zone)
  const exceptions = row.exceptions as string[]
  const upcoming =
    row.state === 'active'
      ? upcomingOf({ rule, starts, zone }, row.now as Date, new Set(exceptions), row.jobs as JobOf[])
      : []
  return {
    id: row.id as string,
    contentId: row.content_id as string,
    accounts: row.accounts as string[],
    rule: row.rule as string,
    words: ruleWords(rule, starts),
    start: { local: starts, zone },
    exceptions: [...exceptions].sort(),
    lateMinutes: row.late_minutes as number | null,
    state: row.state === 'stopped' ? 'stopped' : upcoming.length === 0 ? 'ended' : 'active',
    stoppedFor: row.stopped_for as StoppedFor | null,
    upcoming,
    createdAt: (row.created_at as Date).toISOString(),
  }
}

function upcomingOf(
  series: Series,
  now: Date,
  exceptions: ReadonlySet<string>,
  jobs: readonly JobOf[],
): Upcoming[] {
  return nextOccurrences(series, now, told).map(({ occurrence, at, local, zone }) => ({
    occurrence,
    at: isoIn(at, zone),
    local,
    skipped: exceptions.has(occurrence),
    jobs: jobs
      .filter(job => job.occurrence === occurrence)
      .map(({ id, accountId, state }) => ({ id, accountId, state })),
  }))
}

/** How the texts of contents begin, by content. */
export async function openingsOf(scope: Scope, contentIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await scope.sql`
    select c.id, left(v.text, 240) as text from content c join content_versions v on v.id = c.version_id
    where c.id = any(${[...contentIds]}::uuid[])`
  return new Map(rows.map(row => [row.id as string, row.text as string]))
}
