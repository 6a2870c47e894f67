import type { Scope } from '../db/scope.ts'
import type { Json } from '../platforms/platform.ts'
import { brakeOn } from '../publishing/braked.ts'
import { tooLate } from '../publishing/late.ts'
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

/** A send may begin only with this much of the lease left, in seconds, by the database's clock. */
const spareSeconds = 5
const renewMs = 5_000

/** What one attempt may do to its job; each is fenced: it works only while this attempt holds the job. */
export interface Lease {
  signal: AbortSignal
  /** The next call may publish. `known` is remembered with it, as a step is. @throws HeldBack, LeaseLost */
  arm(known: Record<string, Json>): Promise<void>
  /** Looked and not found: the attempt is as if it had not been armed. */
  disarm(): Promise<void>
  saveStep(name: string, value: Json): Promise<void>
  end(): void
}

/**
 * Holds a claimed job's lease, renewing it while the work goes on. `signal` aborts when it is lost or time is up.
 * @param run runs a piece of work in a transaction of the job's tenant
 */
export function holdLease(
  run: <T>(work: (scope: Scope) => Promise<T>) => Promise<T>,
  job: Pick<ClaimedJob, 'id' | 'attemptId'>,
  deadlineMs: number,
): Lease {
  const lost = new AbortController()
  const fenced = async (change: Promise<readonly unknown[]>) => {
    if ((await change).length > 0) return
    lost.abort(new LeaseLost())
    throw new LeaseLost()
  }
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
    // The job's row is locked first: a take-over that commits while this waits for it is seen, not overtaken.
    arm: known =>
      run(async scope => {
        const { sql } = scope
        const armed = await sql`
          with held as (
            update publish_jobs j set steps = j.steps || ${sql.json(known)}::jsonb
            where j.id = ${job.id} and j.attempt_id = ${job.attemptId} and j.state = 'publishing'
              and j.lease_until > public.clock() + ${spareSeconds} * interval '1 second'
              and ${brakeOn(sql)} is null and not ${tooLate(sql)} returning j.attempt_id)
          update publish_attempts a set armed_at = coalesce(a.armed_at, public.clock()) from held
          where a.id = held.attempt_id returning a.id`
        if (armed.length > 0) return
        const [heldBack] = await sql`
          select 1 from publish_jobs j
          where j.id = ${job.id} and j.attempt_id = ${job.attemptId} and j.state = 'publishing'
            and (${brakeOn(sql)} is not null or ${tooLate(sql)})`
        if (heldBack) throw new HeldBack()
        lost.abort(new LeaseLost())
        throw new LeaseLost()
      }),
    disarm: () =>
      run(scope =>
        fenced(scope.sql`
          with held as (
            select attempt_id from publish_jobs
            where id = ${job.id} and attempt_id = ${job.attemptId} and state = 'publishing' for update)
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
