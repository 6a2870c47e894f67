import { hostname } from 'node:os'
import { endBrakes } from '../brakes/brakes.ts'
import { oldestServedLevel } from '../db/migrations.ts'
import type { Actor, Tenant, Within } from '../db/scope.ts'
import { newId } from '../lib/id.ts'
import type { Services } from '../services.ts'
import { makeCall } from './calls.ts'
import type { ClaimedJob } from './claim.ts'
import { crashPoint } from './crash.ts'
import { sendMail } from './mail.ts'
import { places as allPlaces, createPlaces } from './places.ts'
import { type RestingServers, restingServers } from './rests.ts'
import { performRun } from './runs.ts'
import { sendJob } from './send.ts'
import { createTogether } from './together.ts'
import { type Claimed, claimDue } from './visit.ts'
import { createWarmer } from './warm.ts'

/**
 * Who is alone may have every place; beside others a tenant has this many, so that its ten thousand do not
 * delay another's one. The fewer visits the better (measured with 2,000 posts of 200 workspaces on a busy machine: with 8
 * of 64 places 2,790 µs of processor time a job, with 12 of 96 1,780 µs).
 */
const fairShare = 12
/** So many are claimed in one transaction at the most. */
const mostAtOnce = 96
/** For so long at the most nobody looks whether a tenant has something beside what waits for a full platform. */
const behindMs = 60_000
/** So many tenants are entered at once: the pool has connections left for the requests and for what is being sent. */
const entrances = 4
/** Mails at a time, in lanes of their own: a mail server that hangs takes none away from posts. */
const mailLanes = 4
/** Messages to webhooks at a time, in lanes of their own: receivers that hang take none away from posts. */
const callLanes = 16
/** A timer is set for what falls due before the next tick. */
const horizonMs = 1_100
/** What falls due so soon is made ready for, a few hundred workspaces at the most. */
const aheadMs = 4_000
const mostAhead = 300
/** Where a look has left nothing due, what ends within so short a time is followed by one look. */
const gatherMs = 25
/** So often in a row a tenant that another had in hand is looked at again so soon; then with the next tick. */
const mostMissed = 5

export interface Worker {
  /** Looks for due work now; ticks, wake-ups and ends of jobs call it. @param planned the tenant that has planned something */
  wake(planned?: string): void
  /** Resolves when nothing is due and nothing runs; for tests and the demo. */
  idle(): Promise<void>
  /** When the database was last asked successfully what is due. */
  lastLook(): number
  /** Claims nothing more and waits for what is in flight, at most `ms`. */
  stop(ms: number): Promise<void>
}

/** The publishing loop: finds tenants with something due, claims fairly, sends outside any transaction. */
export function createWorker(services: Services): Worker {
  const { db, log } = services
  const within: Within = (actor, work, options) => db.within(actor, work, { ...options, home: true })
  const name = `${hostname()}:${process.pid}:${newId().slice(-4)}`
  const running = new Set<Promise<void>>()
  /** Pictures being drawn only poll now and then, and take long: they take no lane away from posts. */
  const drawing = new Set<Promise<void>>()
  const mailing = new Set<Promise<void>>()
  const calling = new Set<Promise<void>>()
  const stopping = new AbortController()
  let stopped = false
  const together = createTogether(within)
  // While something due waits to be claimed, that comes first.
  const records = createTogether(within, { open: () => (promised > 0 ? 1 : entrances) })
  const warm = createWarmer(within, log)
  /** Places promised to claims under way. */
  let promised = 0
  const places = createPlaces(
    () => void (leftDue && wake()),
    () => {
      behind.clear()
      wake()
    },
  )
  /** Tenants that wait for a full platform with everything they have due, and until when by this process's clock. */
  const behind = new Map<string, number>()
  /** What was planned while a claim was under way is not in what it found. */
  let plannings = 0
  let looking: Promise<boolean> | null = null
  let again = false
  let lastLook = Date.now()
  let timer: Timer | undefined
  /** The last look has left something due behind, for want of places or because others of its account go first. */
  let leftDue = false
  let gathering: Timer | null = null
  /** How many looks in a row have met a tenant that another had in hand. */
  let missed = 0
  const stopGathering = () => {
    clearTimeout(gathering ?? undefined)
    gathering = null
  }

  function run(work: Promise<void>, among = running): void {
    const tracked: Promise<void> = work.finally(() => {
      among.delete(tracked)
      if (leftDue) wake()
      else gathering ??= setTimeout(wake, gatherMs)
    })
    among.add(tracked)
  }

  /** @returns whether something was claimed */
  async function look(): Promise<boolean> {
    stopGathering()
    let found = false
    let misses = false
    // Tenants that had nothing to claim (held by another worker, or not to be entered), or have their share, make way for
    // those behind them.
    const barren = waitingBehind()
    while (!stopped && places.free() > 0) {
      const due = await db.sql`
        select d.tenant_id from public.tenant_due d join public.tenants t on t.id = d.tenant_id
        where d.next_due_at > '-infinity' and d.next_due_at <= public.clock() and t.state = 'active'
          and t.schema_version >= ${oldestServedLevel} and d.tenant_id <> all(${barren}::uuid[])
        order by d.next_due_at limit ${allPlaces}`
      lastLook = Date.now()
      if (due.length === 0) break
      const servers = await restingServers(db)
      const share = Math.max(fairShare, Math.ceil(allPlaces / due.length))
      const queue = due.map(row => row.tenant_id as string)
      const entrance = async () => {
        for (let tenantId = queue.shift(); tenantId !== undefined; tenantId = queue.shift()) {
          if (stopped || places.free() <= promised) return
          const free = Math.min(share - places.heldBy(tenantId), places.free() - promised, mostAtOnce)
          if (free <= 0) {
            // It has its share: who comes behind it goes first.
            barren.push(tenantId)
            continue
          }
          promised += free
          const claimed = await enter(tenantId, free, servers).finally(() => {
            promised -= free
          })
          if (!claimed) barren.push(tenantId)
          found ||= claimed === true
          misses ||= claimed === null
        }
      }
      await Promise.all(Array.from({ length: entrances }, entrance))
    }
    leftDue = barren.length > 0 || places.free() <= 0
    missed = misses ? missed + 1 : 0
    if (misses && missed <= mostMissed) gathering ??= setTimeout(wake, gatherMs)
    await setTimer()
    return found
  }

  function waitingBehind(): string[] {
    const now = performance.now()
    for (const [tenantId, until] of behind) if (until <= now) behind.delete(tenantId)
    return [...behind.keys()]
  }

  /** @returns whether there was something to claim; null when another has the tenant in hand */
  async function enter(tenantId: string, most: number, servers: RestingServers): Promise<boolean | null> {
    const actor: Actor = { tenantId, userId: null, role: 'system' }
    const full = places.full()
    const known = plannings
    let claimed: Claimed
    try {
      const claim = () =>
        within(actor, scope =>
          claimDue(
            scope,
            name,
            {
              posts: most,
              mails: Math.max(0, mailLanes - mailing.size),
              calls: Math.max(0, callLanes - calling.size),
            },
            servers,
            full,
          ),
        )
      claimed = await claim()
      if (claimed.braked) {
        await within(actor, endBrakes)
        claimed = await claim()
      }
    } catch (error) {
      log.error('a workspace with due posts could not be entered', { tenant: tenantId, error })
      return false
    }
    if (claimed.jobs.length > 0) crashPoint('after-claim')
    for (const job of claimed.jobs) begin(claimed.tenant, job)
    for (const one of claimed.runs) {
      const performed = performRun(services, tenantId, one, stopping.signal).catch(error =>
        log.error('a run broke', { run: one.id, error }),
      )
      if (one.kind === 'comfyui') run(performed, drawing)
      else run(performed.finally(places.take(tenantId, null).ended))
    }
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
    if (claimed.besideMs !== null && known === plannings)
      behind.set(tenantId, performance.now() + Math.min(claimed.besideMs, behindMs))
    if (claimed.missed) return null
    return (
      claimed.jobs.length +
        claimed.runs.length +
        claimed.mails.length +
        claimed.calls.length +
        claimed.aside >
      0
    )
  }

  function begin(tenant: Tenant, job: ClaimedJob): void {
    const { answered, ended } = places.take(tenant.id, job.platform)
    run(sendJob(services, { together, records, answered }, tenant, job).finally(ended))
  }

  /** What falls due before the next tick is met on the moment. */
  async function setTimer(): Promise<void> {
    clearTimeout(timer)
    if (stopped || places.free() <= 0) return
    const soon = await db.sql`
      select tenant_id, extract(epoch from next_due_at - public.clock())::float8 * 1000 as ms from public.tenant_due
      where next_due_at > public.clock() and next_due_at < public.clock() + ${aheadMs} * interval '1 millisecond'
      order by next_due_at limit ${mostAhead}`
    const ms = soon[0]?.ms as number | undefined
    if (ms !== undefined && ms < horizonMs) timer = setTimeout(() => wake(), Math.ceil(ms))
    warm(soon.map(row => ({ tenantId: row.tenant_id as string, ms: row.ms as number })))
  }

  function wake(planned?: string): void {
    if (stopped) return
    if (planned) {
      behind.delete(planned)
      plannings++
    }
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
        const going = [...running, ...drawing, ...mailing, ...calling]
        if (going.length > 0) await Promise.race(going)
        else if (gathering) await Bun.sleep(gatherMs)
        else if (!looking) return
      }
    },
    lastLook: () => lastLook,
    async stop(ms) {
      stopped = true
      stopping.abort()
      clearTimeout(timer)
      stopGathering()
      // A look under way may just be claiming: what it claims is in flight too.
      const drained = (async () => {
        await looking
        await Promise.all([...running, ...drawing, ...mailing, ...calling])
      })()
      await Promise.race([drained, Bun.sleep(ms)])
    },
  }
}
