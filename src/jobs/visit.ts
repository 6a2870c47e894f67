import { last, type Scope, type Tenant } from '../db/scope.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { type ClaimedCall, claimCalls } from './calls.ts'
import { type ClaimedJob, claimJobs } from './claim.ts'
import { lockDue, otherDue, writeDue } from './due-row.ts'
import { type ClaimedMail, claimMails } from './mail.ts'
import type { RestingServers } from './rests.ts'
import type { ClaimedRun } from './run-record.ts'
import { claimRuns } from './runs.ts'

/** What one visit of a tenant claimed. */
export interface Claimed {
  tenant: Tenant
  jobs: ClaimedJob[]
  runs: ClaimedRun[]
  mails: ClaimedMail[]
  calls: ClaimedCall[]
  /** Jobs that were put aside: there may be more to claim behind them. */
  aside: number
  /** A brake has run out: it is to be taken off before anything is claimed. */
  braked: boolean
  /** Another has the tenant in hand just now, or it is not due any more. */
  missed: boolean
  /** Where all that is due waits for a full platform: milliseconds until something else is due. */
  besideMs: number | null
}

const nothingOf = (tenant: Tenant) => ({
  tenant,
  jobs: [],
  runs: [],
  mails: [],
  calls: [],
  aside: 0,
  besideMs: null,
})

/**
 * Locks the tenant's due row, claims, and writes when it is due next. The lock comes first: a recomputation in the
 * same statement would read an older snapshot and strand a job planned meanwhile (measured: 1 of 2,425). A tenant that
 * was suspended since it was found due is seen here: its row says minus infinity (`db/due.ts`).
 */
export async function claimDue(
  scope: Scope,
  worker: string,
  most: { posts: number; mails: number; calls: number },
  servers: RestingServers,
  full: readonly PlatformId[],
): Promise<Claimed> {
  const { tenant } = scope
  const mine = await lockDue(scope)
  if (!mine.may || mine.braked) return { ...nothingOf(tenant), braked: mine.braked, missed: !mine.may }
  const { jobs, aside } = await claimJobs(scope, worker, most.posts, servers, full)
  const runs =
    mine.runs && jobs.length < most.posts ? await claimRuns(scope, worker, most.posts - jobs.length) : []
  // What is held tells people, by mail and webhook too: those are due at once, and are met at the next look.
  const mails = mine.deliveries ? await claimMails(scope, most.mails) : []
  const calls = mine.deliveries ? await claimCalls(scope, most.calls) : []
  // A claim that a crash of the database forgets is harmless for a post that is not armed: arming comes later in its log,
  // and is waited for.
  const armed = jobs.some(({ armedSince }) => armedSince !== null)
  if (!mine.runs && !mine.deliveries && aside === 0 && !armed)
    last(scope.sql`set local synchronous_commit = off`)
  last(writeDue(scope))
  const nothing = jobs.length + runs.length + mails.length + calls.length + aside === 0
  const besideMs = nothing && full.length > 0 ? await dueBeside(scope, full) : null
  return { tenant, jobs, runs, mails, calls, aside, besideMs, braked: false, missed: false }
}

/** Milliseconds until something is due that does not wait for one of these platforms; infinite when nothing is. */
async function dueBeside(scope: Scope, full: readonly PlatformId[]): Promise<number> {
  const [row] = await scope.sql`
    select extract(epoch from least(
      (select min(coalesce(j.next_try_at, j.run_at)) from publish_jobs j join social_accounts a on a.id = j.account_id
        where j.state = 'scheduled' and a.platform <> all(${[...full]}::text[])), ${otherDue(scope)})
      - public.clock())::float8 * 1000 as ms`
  return Math.max(0, (row?.ms as number | null) ?? Number.POSITIVE_INFINITY)
}
