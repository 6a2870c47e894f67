import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { type Happening, record, recordAll } from '../events.ts'
import { newId } from '../lib/id.ts'
import { localTime, nearestInstant } from '../lib/time.ts'
import { besideBrakes, holdBraked } from '../publishing/braked.ts'
import { breaks, sameWishSeconds } from '../publishing/schedule.ts'
import type { JobError } from '../publishing/schema.ts'
import { holdOutside } from '../publishing/window.ts'
import { type Locked, lockRecurrence, markStopped } from './lock.ts'
import { nextOccurrences, type Occurrence, occurrencesBetween } from './rule.ts'

/** So far ahead occurrences are publish jobs: what is planned now is seen in the calendar, and outlasts weeks without us. */
export const horizonDays = 35
const dayMs = 86_400_000
/** Looked at again each time, should a change of a zone's rules have moved one across the end of what was planned. */
const overlapMs = 2 * dayMs
/** Of occurrences whose moment passed while nothing was planned, so many leave a trace. */
const mostMissed = 60

const missed: JobError = {
  code: 'missed',
  message: 'Its moment passed before it could be planned.',
  next: 'The next one of its rule goes out as planned. Schedule this one by hand if you want it all the same.',
  link: null,
}
const twin: JobError = {
  code: 'planned_already',
  message: 'The same post goes to this account at this moment anyway.',
  next: 'There is nothing to do.',
  link: null,
}

/** What stands at a job that was called off with its occurrence. */
export const skipped: JobError = {
  code: 'skipped',
  message: 'Its occurrence was skipped.',
  next: 'Take the skip back on the page of what repeats if it is to go out after all.',
  link: null,
}

/** The recurrences whose planned weeks have run down by a day or more. */
export async function recurrencesToPlan({ sql }: Scope): Promise<string[]> {
  const rows = await sql`
    select id from recurrences
    where state = 'active' and planned_through < public.clock() + ${horizonDays - 1} * interval '1 day' order by id`
  return rows.map(row => row.id as string)
}

/**
 * Makes publish jobs of the occurrences of the next five weeks, one an account. Safe to repeat, and from two processes
 * at once: rule, occurrence and account are unique, so that one that was cancelled stays so. What fell due while nothing
 * was planned is not sent late: it is written down as cancelled.
 * @returns how many jobs were made
 */
export async function planAhead(scope: Scope, id: string): Promise<number> {
  const recurrence = await lockRecurrence(scope, id)
  if (!recurrence.active || !recurrence.plannedThrough) return 0
  const standing = await standingOf(scope, recurrence)
  if (standing.accounts.length === 0) {
    await stopFor(scope, id, 'accounts')
    return 0
  }
  const { now } = standing
  const horizon = new Date(now.getTime() + horizonDays * dayMs)
  const wanted = wantedOf(recurrence, recurrence.plannedThrough, now, horizon)
  const made = await insertJobs(scope, recurrence, wanted, standing)
  const [later] = nextOccurrences(recurrence, horizon, 1)
  await scope.sql`
    update recurrences set planned_through = ${later ? horizon : 'infinity'}::text::timestamptz where id = ${id}`
  return made
}

/**
 * Plans one occurrence of which a skip was taken back, as far as it would be planned by now; what the skip had called off
 * is planned again.
 */
export async function planOne(scope: Scope, recurrence: Locked, occurrence: string): Promise<void> {
  const { at } = nearestInstant(occurrence, recurrence.zone)
  const one = occurrencesBetween(recurrence, at, new Date(at.getTime() + 1)).find(
    found => found.occurrence === occurrence,
  )
  const beyond = recurrence.plannedThrough !== null && at >= recurrence.plannedThrough
  if (!one || beyond) return
  await insertJobs(scope, recurrence, [one], await standingOf(scope, recurrence), true)
}

/** What the jobs of a rule are made of. */
interface Standing {
  /** Those of its accounts that are connected. */
  accounts: string[]
  versionId: string
  now: Date
  /** They wait for an approval. */
  waits: boolean
}

async function standingOf(scope: Scope, { contentId, accounts: all }: Locked): Promise<Standing> {
  const [row] = await scope.sql`
    select c.state, c.version_id, public.clock() as now, w.approval_required,
      array(select a.id from social_accounts a where a.id = any(${all}::uuid[]) and a.removed_at is null
        order by a.id) as accounts
    from content c cross join workspace w where c.id = ${contentId}`
  const accounts = row?.accounts as string[]
  return {
    accounts,
    versionId: row?.version_id as string,
    now: row?.now as Date,
    waits:
      (row?.approval_required as boolean) &&
      accounts.length > 0 &&
      (row?.state !== 'approved' || (await breaks(scope, contentId, accounts))),
  }
}

function wantedOf(recurrence: Locked, plannedThrough: Date, now: Date, horizon: Date): Occurrence[] {
  const from = new Date(plannedThrough.getTime() - overlapMs)
  const open = occurrencesBetween(recurrence, from, horizon).filter(
    ({ occurrence, at }) => !recurrence.exceptions.has(occurrence) && (at >= now || at >= plannedThrough),
  )
  const late = open.filter(({ at }) => at < now)
  return [...late.slice(-mostMissed), ...open.filter(({ at }) => at >= now)]
}

/** @param again what a skip had called off is planned again */
async function insertJobs(
  scope: Scope,
  { id, contentId, zone }: Locked,
  occurrences: readonly Occurrence[],
  given: Standing,
  again = false,
): Promise<number> {
  const all = occurrences.flatMap(one => given.accounts.map(account => ({ ...one, account, id: newId() })))
  if (all.length === 0) return 0
  const { sql } = scope
  const onceMore = sql`
    do update set state = excluded.state, held_for = excluded.held_for, error = excluded.error, version_id = excluded.version_id,
      run_at = excluded.run_at, local = excluded.local, tries = 0, first_try_at = null, wanted_at = null
    where publish_jobs.state = 'cancelled' and publish_jobs.error->>'code' = ${skipped.code}`
  const rows = await sql`
    insert into publish_jobs (id, content_id, version_id, account_id, state, held_for, error, run_at, local, zone,
      recurrence_id, occurrence, late_minutes, created_by)
    select given.id, ${contentId}, ${given.versionId}, given.account,
      case when why.error is not null then 'cancelled' when why.held_for is not null then 'held' else 'scheduled' end,
      case when why.error is null then why.held_for end, why.error, given.at, given.local, ${zone}, ${id},
      given.occurrence, r.late_minutes, r.created_by
    from unnest(${all.map(one => one.id)}::uuid[], ${all.map(one => one.account)}::uuid[],
      ${all.map(one => one.at.toISOString())}::text[]::timestamptz[], ${all.map(one => one.local)}::text[],
      ${all.map(one => one.occurrence)}::text[]) given (id, account, at, local, occurrence)
    join social_accounts a on a.id = given.account
    join recurrences r on r.id = ${id}
    cross join lateral (select
      case when given.at < ${given.now} then ${sql.json(missed)}::jsonb
        when exists (select 1 from publish_jobs t where t.content_id = ${contentId} and t.account_id = given.account
          and t.recurrence_id is distinct from ${id}::uuid and t.first_comment_of is null and t.state not in ('cancelled', 'failed')
          and abs(extract(epoch from t.run_at - given.at)) < ${sameWishSeconds}) then ${sql.json(twin)}::jsonb end as error,
      case when a.state = 'reconnect' then 'reconnect' when ${given.waits} then 'approval' end as held_for) why
    on conflict (recurrence_id, occurrence, account_id) where recurrence_id is not null ${again ? onceMore : sql`do nothing`}
    returning id, state, held_for, run_at, error->>'code' as code`
  await recordAll(
    scope,
    rows.flatMap(row => happened(contentId, row)),
  )
  const ids = rows.map(row => row.id as string)
  await holdBraked(scope, { ids })
  await holdOutside(scope, { ids })
  const times = rows.filter(row => row.state === 'scheduled').map(row => (row.run_at as Date).getTime())
  if (times.length > 0) await wakeAt(scope, new Date(Math.min(...times)))
  return rows.length
}

function happened(contentId: string, row: Record<string, unknown>): Omit<Happening, 'id'>[] {
  const subjectId = row.id as string
  const about = { subjectId, data: { contentId } }
  const scheduled = { type: 'publish_job.scheduled', ...about } as const
  if (row.state === 'cancelled')
    return [{ type: 'publish_job.cancelled', subjectId, data: { contentId, code: row.code } }]
  if (row.state === 'scheduled') return [scheduled]
  return [scheduled, { type: 'publish_job.held', subjectId, data: { contentId, for: row.held_for } }]
}

async function stopFor(scope: Scope, id: string, why: 'accounts'): Promise<void> {
  await markStopped(scope, id, why)
  await record(scope, 'recurrence.stopped', id, { for: why })
}

/**
 * Keeps planned posts of rules and slots at their time on the wall when the rules of their zone have changed since they
 * were planned: only their instant moves. What is being sent, or has been tried, stays.
 * @returns how many moved
 */
export async function keepWallTimes(scope: Scope): Promise<number> {
  const { sql } = scope
  await besideBrakes(scope)
  const rows = await sql`
    select id, content_id, run_at, local, zone from publish_jobs
    where (recurrence_id is not null or slot_id is not null) and state in ('scheduled', 'held')
      and next_try_at is null and run_at > public.clock() order by id`
  let moved = 0
  for (const { id, content_id: contentId, run_at: was, local, zone } of rows) {
    if (localTime(was as Date, zone as string) === local) continue
    const now = nearestInstant(local as string, zone as string)
    const [done] = await sql`
      update publish_jobs set run_at = ${now.at}, local = ${now.local}
      where id = ${id} and state in ('scheduled', 'held') and next_try_at is null and run_at = ${was} returning id`
    if (!done) continue
    await record(scope, 'publish_job.moved', id as string, { contentId, why: 'zone_rules' })
    await wakeAt(scope, now.at)
    moved++
  }
  return moved
}
