import type { Scope } from '../db/scope.ts'
import { newId } from '../lib/id.ts'
import type { Json } from '../platforms/platform.ts'
import { leastRunDue } from './runs.ts'

/** Seconds a claim holds without being renewed. A dead worker's jobs are looked at when it ends. */
export const leaseSeconds = 20

export interface ClaimedJob {
  id: string
  attemptId: string
  contentId: string
  versionId: string
  accountId: string
  platform: string
  runAt: Date
  /** Seconds since the planned moment, by the database's clock. */
  late: number
  /** The database's clock at the claim. */
  claimedAt: Date
  tries: number
  steps: Record<string, Json>
  /** An earlier attempt may have published it: look before anything is sent. */
  armed: boolean
}

/**
 * Takes up to `most` jobs of this tenant, one an account: those that are due, and those whose worker has let its lease
 * run out. An expired lease is a reason to look, never permission to send again: `armed` is carried over.
 * Must be called holding the lock on the tenant's `tenant_due` row.
 */
export async function claimJobs(scope: Scope, worker: string, most: number): Promise<ClaimedJob[]> {
  const { sql } = scope
  const found = await sql`
    select j.id, j.state, j.attempt_id, j.content_id, j.version_id, j.account_id, j.run_at, j.tries, j.steps, a.platform,
      extract(epoch from public.clock() - j.run_at)::float8 as late, public.clock() as now
    from publish_jobs j join social_accounts a on a.id = j.account_id
    where (j.state = 'publishing' and j.lease_until <= public.clock())
      or (j.state = 'scheduled' and coalesce(j.next_try_at, j.run_at) <= public.clock()
        and not exists (select 1 from publish_jobs busy where busy.account_id = j.account_id and busy.state = 'publishing'))
    order by coalesce(j.next_try_at, j.run_at), j.id
    limit ${most * 4}
    for update of j skip locked`
  const accounts = new Set<string>()
  const claimed: ClaimedJob[] = []
  for (const row of found) {
    const accountId = row.account_id as string
    if (claimed.length >= most || accounts.has(accountId)) continue
    accounts.add(accountId)
    claimed.push(await claim(scope, worker, row))
  }
  return claimed
}

async function claim(scope: Scope, worker: string, row: Record<string, unknown>): Promise<ClaimedJob> {
  const { sql } = scope
  const attemptId = newId()
  const resumed = row.state === 'publishing'
  const [before] = resumed
    ? await sql`
        update publish_attempts set ended_at = public.clock(), outcome = coalesce(outcome, 'lost')
        where id = ${row.attempt_id as string | null} and ended_at is null returning armed_at`
    : []
  // A job that waits for the platform to finish has an attempt that ended as "processing": armed all the same.
  const [waiting] =
    resumed && !before
      ? await sql`select armed_at from publish_attempts where id = ${row.attempt_id as string | null}`
      : []
  const armedAt = (before?.armed_at ?? waiting?.armed_at ?? null) as Date | null
  const tries = resumed ? (row.tries as number) : (row.tries as number) + 1
  await sql`
    insert into publish_attempts (id, job_id, number, worker, armed_at)
    select ${attemptId}, ${row.id as string}, coalesce(max(number), 0) + 1, ${worker}, ${armedAt}
    from publish_attempts where job_id = ${row.id as string}`
  await sql`
    update publish_jobs set state = 'publishing', attempt_id = ${attemptId}, tries = ${tries}, next_try_at = null,
      lease_until = public.clock() + ${leaseSeconds} * interval '1 second',
      first_try_at = coalesce(first_try_at, public.clock()), error = null
    where id = ${row.id as string}`
  return {
    id: row.id as string,
    attemptId,
    contentId: row.content_id as string,
    versionId: row.version_id as string,
    accountId: row.account_id as string,
    platform: row.platform as string,
    runAt: row.run_at as Date,
    late: row.late as number,
    claimedAt: row.now as Date,
    tries,
    steps: row.steps as Record<string, Json>,
    armed: armedAt !== null,
  }
}

/** When this tenant has something to do next: the least over jobs and runs, lease ends included. */
export async function leastDue(scope: Scope): Promise<Date | null> {
  const [[row], runs] = await Promise.all([
    scope.sql`
      select least(
        (select min(coalesce(next_try_at, run_at)) from publish_jobs where state = 'scheduled'),
        (select min(lease_until) from publish_jobs where state = 'publishing'),
        (select min(coalesce(lease_until, next_try_at)) from deliveries where state in ('waiting', 'sending'))
      ) as at`,
    leastRunDue(scope),
  ])
  const times = [(row?.at as Date | null | undefined) ?? null, runs].filter(at => at !== null)
  return times.length > 0 ? new Date(Math.min(...times.map(Number))) : null
}
