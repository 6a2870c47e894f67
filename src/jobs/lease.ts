import type { Scope } from '../db/scope.ts'
import type { Json } from '../platforms/platform.ts'
import { type ClaimedJob, leaseSeconds } from './claim.ts'

/** Another worker holds the job now: nothing may be sent or recorded for it any more. */
export class LeaseLost extends Error {
  constructor() {
    super('The lease on this job was lost')
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
  /** The next call may publish, and must begin at once. `known` is remembered with it, as a step is. */
  arm(known: Record<string, Json>): Promise<void>
  /** Looked and not found: the attempt is as if it had not been armed. */
  disarm(): Promise<void>
  saveStep(name: string, value: Json): Promise<void>
  end(): void
}

interface Arming {
  job: Pick<ClaimedJob, 'id' | 'attemptId'>
  known: Record<string, Json>
}

/**
 * Writes down, for several jobs at once, that their next calls may publish. A job's row is locked first: a take-over
 * that commits while this waits for it is seen, not overtaken.
 * @returns for each, whether its attempt still holds the job for long enough; where not, nothing was written
 */
export async function armJobs({ sql }: Scope, armings: readonly Arming[]): Promise<boolean[]> {
  const armed = await sql`
    with held as (
      update publish_jobs j set steps = j.steps || given.known,
        lease_until = public.clock() + ${leaseSeconds} * interval '1 second'
      from unnest(${armings.map(({ job }) => job.id)}::uuid[], ${armings.map(({ job }) => job.attemptId)}::uuid[],
        ${armings.map(({ known }) => JSON.stringify(known))}::text[]::jsonb[]) given (job_id, attempt_id, known)
      where j.id = given.job_id and j.attempt_id = given.attempt_id and j.state = 'publishing'
        and j.lease_until > public.clock() + ${spareSeconds} * interval '1 second' returning j.attempt_id)
    update publish_attempts a set armed_at = coalesce(a.armed_at, public.clock()) from held
    where a.id = held.attempt_id returning a.id`
  const ids = new Set(armed.map(row => row.id as string))
  return armings.map(({ job }) => ids.has(job.attemptId))
}

/**
 * Holds a claimed job's lease, renewing it while the work goes on. `signal` aborts when it is lost or time is up.
 * @param run runs a piece of work in a transaction of the job's tenant
 * @param arm arms the job, alone or together with others
 */
export function holdLease(
  run: <T>(work: (scope: Scope) => Promise<T>) => Promise<T>,
  job: Pick<ClaimedJob, 'id' | 'attemptId'>,
  deadlineMs: number,
  arm = (arming: Arming): Promise<boolean> =>
    run(async scope => (await armJobs(scope, [arming]))[0] === true),
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
  return {
    signal: AbortSignal.any([lost.signal, AbortSignal.timeout(deadlineMs)]),
    async arm(known) {
      const asked = performance.now()
      stillOurs(await arm({ job, known }))
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
