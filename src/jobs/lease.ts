import type { Scope } from '../db/scope.ts'
import type { Json } from '../platforms/platform.ts'
import { brakeKey, brakeOn } from '../publishing/braked.ts'
import type { Payload } from '../publishing/payload.ts'
import { sealOf } from '../publishing/seals.ts'
import { type ClaimedJob, leaseSeconds } from './claim.ts'

/** Another worker holds the job now: nothing may be sent or recorded for it any more. */
export class LeaseLost extends Error {
  constructor() {
    super('The lease on this job was lost')
  }
}

/** The job is held back since it was claimed: it goes back unsent to those that are planned. */
export class HeldBack extends Error {
  constructor() {
    super('This job may not be sent just now')
  }
}

/** What is about to be sent is not what was approved, where that is required. */
export class Unsealed extends Error {
  constructor() {
    super('This is not what was approved')
  }
}

/** Now is not a time that it was approved for, where an approval is required. */
export class OutsideWindow extends Error {
  constructor() {
    super('This was not approved to go out now')
  }
}

/** A send may begin only with this much of the lease left, in seconds, by the database's clock. */
const spareSeconds = 5
const renewMs = 5_000
/** An answer that comes later than this tells of a lease that may be over by now. */
const freshMs = (leaseSeconds - spareSeconds) * 1000

/** What one attempt may do to its job; each is fenced: it works only while this attempt holds the job. */
export interface Lease {
  signal: AbortSignal
  /**
   * The next call may publish, and must begin at once. `known` is remembered with it, as a step is; `sent` is what the
   * call will send, and stays with the attempt. @throws HeldBack, Unsealed, OutsideWindow, LeaseLost
   */
  arm(known: Record<string, Json>, sent?: Payload): Promise<void>
  /** Looked and not found: the attempt is as if it had not been armed. */
  disarm(): Promise<void>
  saveStep(name: string, value: Json): Promise<void>
  end(): void
}

interface Arming {
  job: Pick<ClaimedJob, 'id' | 'attemptId'>
  known: Record<string, Json>
  sent?: Payload | undefined
}

/**
 * What became of asking to send: held back is what a brake has come over since the claim;
 * unsealed is what no approval that still holds has pinned, and outside what one has pinned for another time, where one is
 * required.
 */
type Armed = 'armed' | 'held back' | 'unsealed' | 'outside' | 'lost'

/**
 * Writes down, for several jobs at once, that their next calls may publish. The jobs' rows are locked first, by a
 * statement of their own that also waits for a brake just being put on: a take-over or a brake that commits meanwhile is
 * seen, not overtaken.
 * @returns for each, whether its attempt may send; `lost` when it does not hold the job for long enough. Where it may
 * not, nothing was written
 */
export async function armJobs(scope: Scope, armings: readonly Arming[]): Promise<Armed[]> {
  const { sql } = scope
  const ids = armings.map(({ job }) => job.id)
  const attempts = armings.map(({ job }) => job.attemptId)
  const ours = sql`
    j.id = given.job_id and j.attempt_id = given.attempt_id and j.state = 'publishing'
      and j.lease_until > public.clock() + ${spareSeconds} * interval '1 second'`
  await sql`
    select pg_advisory_xact_lock_shared(hashtextextended(${brakeKey(scope)}, 0)) from publish_jobs
    where id = any(${ids}::uuid[]) order by id for update`
  const rows = await sql`
    with given as (
      select given.job_id, given.attempt_id, given.known, given.sha256, given.sent, given.since, given.until
      from unnest(${ids}::uuid[], ${attempts}::uuid[],
        ${armings.map(({ known }) => JSON.stringify(known))}::text[]::jsonb[],
        ${armings.map(({ sent }) => sent?.sha256 ?? null)}::text[], ${armings.map(({ sent }) => sent?.body ?? null)}::text[],
        ${armings.map(({ sent }) => sent?.window?.from ?? null)}::text[]::timestamptz[],
        ${armings.map(({ sent }) => sent?.window?.until ?? null)}::text[]::timestamptz[])
        given (job_id, attempt_id, known, sha256, sent, since, until)),
    asked as materialized (
      select j.id, j.attempt_id, ${brakeOn(sql)} is not null as held_back,
        case when (select approval_required from workspace)
          then given.sha256 is null or ${sealOf(scope)} is distinct from given.sha256 else false end as unsealed,
        (select approval_required from workspace)
          and (given.since > public.clock() is true or given.until <= public.clock() is true) as outside
      from publish_jobs j join given on ${ours}),
    held as (
      update publish_jobs j set steps = j.steps || given.known,
        lease_until = public.clock() + ${leaseSeconds} * interval '1 second'
      from given join asked on asked.id = given.job_id
      where j.id = given.job_id and not asked.held_back and not asked.unsealed and not asked.outside returning j.attempt_id),
    armed as (
      update publish_attempts a set armed_at = coalesce(a.armed_at, public.clock()), sent_sha256 = given.sha256, sent = given.sent
      from held join given on given.attempt_id = held.attempt_id where a.id = held.attempt_id returning a.id)
    select asked.attempt_id, asked.held_back, asked.unsealed, asked.outside, armed.id is not null as armed from asked left join armed on armed.id = asked.attempt_id`
  const answers = new Map(rows.map(row => [row.attempt_id as string, row]))
  return armings.map(({ job }) => {
    const answer = answers.get(job.attemptId)
    if (answer?.held_back === true) return 'held back'
    if (answer?.unsealed === true) return 'unsealed'
    if (answer?.outside === true) return 'outside'
    return answer?.armed === true ? 'armed' : 'lost'
  })
}

/**
 * Holds a claimed job's lease, renewing it while the work goes on. `signal` aborts when it is lost or time is up. A job
 * that its claim armed is not armed again while that is fresh.
 * @param run runs a piece of work in a transaction of the job's tenant
 * @param arm arms the job, alone or together with others
 */
export function holdLease(
  run: <T>(work: (scope: Scope) => Promise<T>) => Promise<T>,
  job: Pick<ClaimedJob, 'id' | 'attemptId'> & Partial<Pick<ClaimedJob, 'armedSince'>>,
  deadlineMs: number,
  arm = (arming: Arming): Promise<Armed> => run(async scope => (await armJobs(scope, [arming]))[0] ?? 'lost'),
): Lease {
  const lost = new AbortController()
  const stillOurs = (held: boolean) => {
    if (held) return
    lost.abort(new LeaseLost())
    throw new LeaseLost()
  }
  const fenced = async (change: Promise<readonly unknown[]>) => stillOurs((await change).length > 0)
  const timer = setInterval(() => {
    run(scope =>
      fenced(scope.sql`
        update publish_jobs set lease_until = public.clock() + ${leaseSeconds} * interval '1 second'
        where id = ${job.id} and attempt_id = ${job.attemptId} and state = 'publishing' returning id`),
    ).catch(error => {
      // A database that is away for a moment costs nothing: the lease outlives several tries.
      if (error instanceof LeaseLost) clearInterval(timer)
    })
  }, renewMs)
  let armedSince = job.armedSince ?? null
  return {
    signal: AbortSignal.any([lost.signal, AbortSignal.timeout(deadlineMs)]),
    async arm(known, sent) {
      const asked = performance.now()
      const fresh = armedSince !== null && asked - armedSince < freshMs
      armedSince = null
      if (fresh) return stillOurs(!lost.signal.aborted)
      const armed = await arm({ job, known, sent })
      if (armed === 'held back') throw new HeldBack()
      if (armed === 'unsealed') throw new Unsealed()
      if (armed === 'outside') throw new OutsideWindow()
      stillOurs(armed === 'armed')
      // This process stood still, or the answer did: somebody else may have looked, found nothing and be sending it.
      stillOurs(performance.now() - asked < freshMs)
    },
    disarm: () =>
      run(scope =>
        fenced(scope.sql`
          with held as (
            select id, attempt_id from publish_jobs
            where id = ${job.id} and attempt_id = ${job.attemptId} and state = 'publishing' for update),
          before as (
            update publish_attempts a set detail = a.detail - 'perhaps' from held
            where a.job_id = held.id and a.id <> held.attempt_id and a.detail ? 'perhaps')
          update publish_attempts a set armed_at = null from held where a.id = held.attempt_id returning a.id`),
      ),
    saveStep: (name, value) =>
      run(scope =>
        fenced(scope.sql`
          update publish_jobs set steps = steps || ${scope.sql.json({ [name]: value })}::jsonb
          where id = ${job.id} and attempt_id = ${job.attemptId} and state = 'publishing' returning id`),
      ),
    end: () => clearInterval(timer),
  }
}
