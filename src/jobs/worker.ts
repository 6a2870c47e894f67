import { hostname } from 'node:os'
import { endBrakes } from '../brakes/brakes.ts'
import { oldestServedLevel } from '../db/migrations.ts'
import type { Actor, Scope, Tenant } from '../db/scope.ts'
import { newId } from '../lib/id.ts'
import type { Services } from '../services.ts'
import { type ClaimedCall, claimCalls, makeCall } from './calls.ts'
import { type ClaimedJob, claimJobs } from './claim.ts'
import { crashPoint } from './crash.ts'
import { type ClaimedMail, claimMails, mailQueue, sendMail } from './mail.ts'
import { nextDue } from './queue.ts'
import { type ClaimedRun, runQueue } from './run-record.ts'
import { claimRuns, performRun } from './runs.ts'
import { sendJob } from './send.ts'
import { createTogether } from './together.ts'

/** How many sends and runs go on at once in this process. */
const lanes = 96
/**
 * Who is alone may have every lane; beside others a tenant gets this many at a time, so that its ten thousand do not
 * delay another's one. The fewer visits the better (measured with 2,000 posts of 200 workspaces on a busy machine: with 8
 * of 64 lanes 2,790 µs of processor time a job, with 12 of 96 1,780 µs).
 */
const fairShare = 12
/** So many tenants are entered at once: the pool has connections left for the requests and for what is being sent. */
const entrances = 4
/** Mails at a time, in lanes of their own: a mail server that hangs takes none away from posts. */
const mailLanes = 4
/** Messages to webhooks at a time, in lanes of their own: receivers that hang take none away from posts. */
const callLanes = 16
/** A timer is set for what falls due before the next tick. */
const horizonMs = 1_100

export interface Worker {
  /** Looks for due work now; ticks, wake-ups and ends of jobs call it. */
  wake(): void
  /** Resolves when nothing is due and nothing runs; for tests and the demo. */
  idle(): Promise<void>
  /** When the database was last asked successfully what is due. */
  lastLook(): number
  /** Claims nothing more and waits for what is in flight, at most `ms`. */
  stop(ms: number): Promise<void>
}

interface Claimed {
  tenant: Tenant
  jobs: ClaimedJob[]
  runs: ClaimedRun[]
  mails: ClaimedMail[]
  calls: ClaimedCall[]
  /** Jobs that were put aside: there may be more to claim behind them. */
  aside: number
  /** A brake has run out: it is to be taken off before anything is claimed. */
  braked?: boolean
}

/** The publishing loop: finds tenants with something due, claims fairly, sends outside any transaction. */
export function createWorker(services: Services): Worker {
  const { db, log } = services
  const name = `${hostname()}:${process.pid}:${newId().slice(-4)}`
  const running = new Set<Promise<void>>()
  /** Pictures being drawn only poll now and then, and take long: they take no lane away from posts. */
  const drawing = new Set<Promise<void>>()
  const mailing = new Set<Promise<void>>()
  const calling = new Set<Promise<void>>()
  const stopping = new AbortController()
  let stopped = false
  const together = createTogether(db.within)
  /** Lanes promised to claims under way. */
  let promised = 0
  let looking: Promise<boolean> | null = null
  let again = false
  let lastLook = Date.now()
  let timer: Timer | undefined

  function run(work: Promise<void>, among = running): void {
    const tracked: Promise<void> = work.finally(() => {
      among.delete(tracked)
      wake()
    })
    among.add(tracked)
  }

  /** @returns whether something was claimed */
  async function look(): Promise<boolean> {
    let found = false
    // Tenants that had nothing to claim (held by another worker, or not to be entered) make way for those behind them.
    const barren: string[] = []
    while (!stopped && running.size < lanes) {
      const due = await db.sql`
        select d.tenant_id from public.tenant_due d join public.tenants t on t.id = d.tenant_id
        where d.next_due_at > '-infinity' and d.next_due_at <= public.clock() and t.state = 'active'
          and t.schema_version >= ${oldestServedLevel} and d.tenant_id <> all(${barren}::uuid[])
        order by d.next_due_at limit ${lanes}`
      lastLook = Date.now()
      if (due.length === 0) break
      const share = Math.max(fairShare, Math.ceil(lanes / due.length))
      const queue = due.map(row => row.tenant_id as string)
      const entrance = async () => {
        for (let tenantId = queue.shift(); tenantId !== undefined; tenantId = queue.shift()) {
          const free = Math.min(share, lanes - running.size - promised)
          if (stopped || free <= 0) return
          promised += free
          const claimed = await enter(tenantId, free).finally(() => {
            promised -= free
          })
          if (claimed === 0) barren.push(tenantId)
          found ||= claimed > 0
        }
      }
      await Promise.all(Array.from({ length: entrances }, entrance))
    }
    await setTimer()
    return found
  }

  async function enter(tenantId: string, most: number): Promise<number> {
    const actor: Actor = { tenantId, userId: null, role: 'system' }
    let claimed: Claimed
    try {
      const claim = () =>
        db.within(actor, scope =>
          claimDue(scope, name, {
            posts: most,
            mails: Math.max(0, mailLanes - mailing.size),
            calls: Math.max(0, callLanes - calling.size),
          }),
        )
      claimed = await claim()
      if (claimed.braked) {
        await db.within(actor, endBrakes)
        claimed = await claim()
      }
    } catch (error) {
      log.error('a workspace with due posts could not be entered', { tenant: tenantId, error })
      return 0
    }
    if (claimed.jobs.length > 0) crashPoint('after-claim')
    for (const job of claimed.jobs) run(sendJob(services, together, claimed.tenant, job))
    for (const one of claimed.runs)
      run(
        performRun(services, tenantId, one, stopping.signal).catch(error =>
          log.error('a run broke', { run: one.id, error }),
        ),
        one.kind === 'comfyui' ? drawing : running,
      )
    for (const one of claimed.mails)
      run(
        sendMail(services, tenantId, one).catch(error => log.error('a mail broke', { mail: one.id, error })),
        mailing,
      )
    for (const one of claimed.calls)
      run(
        makeCall(services, tenantId, one).catch(error =>
          log.error('a message to a webhook broke', { delivery: one.id, error }),
        ),
        calling,
      )
    return (
      claimed.jobs.length + claimed.runs.length + claimed.mails.length + claimed.calls.length + claimed.aside
    )
  }

  /** What falls due before the next tick is met on the moment. */
  async function setTimer(): Promise<void> {
    clearTimeout(timer)
    if (stopped || running.size >= lanes) return
    const [next] = await db.sql`
      select extract(epoch from min(next_due_at) - public.clock()) * 1000 as ms from public.tenant_due
      where next_due_at > public.clock() and next_due_at < public.clock() + ${horizonMs} * interval '1 millisecond'`
    if (next?.ms != null) timer = setTimeout(wake, Math.max(0, Math.ceil(Number(next.ms))))
  }

  function wake(): void {
    if (stopped) return
    if (looking) {
      again = true
      return
    }
    looking = look()
      .catch(error => {
        log.error('the database could not be asked what is due', { error })
        return false
      })
      .finally(() => {
        looking = null
        if (again) {
          again = false
          wake()
        }
      })
  }

  return {
    wake,
    async idle() {
      for (;;) {
        wake()
        while (looking) await looking
        if (running.size + drawing.size + mailing.size + calling.size === 0 && !looking) return
        await Promise.race([...running, ...drawing, ...mailing, ...calling])
      }
    },
    lastLook: () => lastLook,
    async stop(ms) {
      stopped = true
      stopping.abort()
      clearTimeout(timer)
      // A look under way may just be claiming: what it claims is in flight too.
      const drained = (async () => {
        await looking
        await Promise.all([...running, ...drawing, ...mailing, ...calling])
      })()
      await Promise.race([drained, Bun.sleep(ms)])
    },
  }
}

/**
 * Locks the tenant's due row, claims, and writes when it is due next. The lock comes first: a recomputation in the
 * same statement would read an older snapshot and strand a job planned meanwhile (measured: 1 of 2,425). A tenant that
 * was suspended since it was found due is seen here: its row says minus infinity (`db/due.ts`).
 */
async function claimDue(
  scope: Scope,
  worker: string,
  most: { posts: number; mails: number; calls: number },
): Promise<Claimed> {
  const { tenant } = scope
  const [mine] = await scope.sql`
    select ${nextDue(scope, runQueue)} <= public.clock() as runs, ${nextDue(scope, mailQueue)} <= public.clock() as deliveries,
      exists (select 1 from brakes where released_at is null and ends_at <= public.clock()) as braked from tenant_due
    where role = current_user
      and next_due_at > '-infinity' and next_due_at <= public.clock() for update skip locked`
  if (!mine || mine.braked)
    return { tenant, jobs: [], runs: [], mails: [], calls: [], aside: 0, braked: mine?.braked === true }
  const { jobs, aside } = await claimJobs(scope, worker, most.posts)
  const runs =
    mine.runs && jobs.length < most.posts ? await claimRuns(scope, worker, most.posts - jobs.length) : []
  // What is held tells people, by mail and webhook too: those are due at once, and are met at the next look.
  const mails = mine.deliveries ? await claimMails(scope, most.mails) : []
  const calls = mine.deliveries ? await claimCalls(scope, most.calls) : []
  // A claim that a crash of the database forgets is harmless for a post: arming comes later in its log, and is waited for.
  if (!mine.runs && !mine.deliveries && aside === 0) await scope.sql`set local synchronous_commit = off`
  await writeDue(scope)
  return { tenant, jobs, runs, mails, calls, aside }
}

/**
 * Writes when the tenant is due next, the least over jobs, mails, runs and brakes' ends, lease ends included; unless it is suspended.
 * Call only with the due row locked by an earlier statement.
 */
export async function writeDue(scope: Scope): Promise<void> {
  await scope.sql`
    update tenant_due set next_due_at = least(
      (select min(coalesce(next_try_at, run_at)) from publish_jobs where state = 'scheduled'),
      (select min(lease_until) from publish_jobs where state = 'publishing'),
      (select min(ends_at) from brakes where released_at is null),
      ${nextDue(scope, mailQueue)}, ${nextDue(scope, runQueue)})
    where role = current_user and next_due_at is distinct from '-infinity'`
}
