import { writeLowered } from '../db/due.ts'
import type { Scope, Within } from '../db/scope.ts'
import type { Log } from '../lib/log.ts'
import { claimSoonest } from './claim.ts'
import { lockDue, writeDue } from './due-row.ts'
import { armJobs } from './lease.ts'
import { recordOutcomes } from './record.ts'

/** A workspace stays warm for about as long as its connection lives (`db/pool.ts`). */
const warmMs = 10 * 60_000
/** Of so many it is remembered that they are warm. */
const most = 1_000
/** At a time: it is done ahead of the moment, and leaves connections to what is being sent. */
const atOnce = 2
/** So close to its moment a workspace is left alone: what is rehearsed holds the row that a claim looks for. */
const spareMs = 250

export interface Soon {
  tenantId: string
  /** Milliseconds until something of it is due. */
  ms: number
}

/**
 * Rehearses ahead of a workspace's moment what comes then, and takes it all back: the next post is claimed, armed and
 * recorded in a transaction that is rolled back. What a backend does once a workspace (load its tables, plan its
 * statements, compile its triggers) is over then. What this does not get to is met cold.
 */
export function createWarmer(within: Within, log: Log): (soon: readonly Soon[]) => void {
  const warmed = new Map<string, number>()
  const waiting = new Map<string, number>()
  let going = 0

  async function go(): Promise<void> {
    going++
    for (const [tenantId, until] of waiting) {
      waiting.delete(tenantId)
      if (performance.now() > until) continue
      await within({ tenantId, userId: null, role: 'system' }, rehearse).catch(error => {
        if (!(error instanceof TakenBack))
          log.debug('a workspace could not be warmed', { tenant: tenantId, error })
      })
    }
    going--
  }

  return soon => {
    const now = performance.now()
    for (const { tenantId, ms } of soon) {
      if (now - (warmed.get(tenantId) ?? Number.NEGATIVE_INFINITY) < warmMs) continue
      if (warmed.size >= most) warmed.clear()
      warmed.set(tenantId, now)
      waiting.set(tenantId, now + ms - spareMs)
    }
    while (going < Math.min(atOnce, waiting.size)) void go()
  }
}

class TakenBack extends Error {}

async function rehearse(scope: Scope): Promise<never> {
  await lockDue(scope)
  const job = await claimSoonest(scope)
  if (job) {
    await armJobs(scope, [{ job, known: {}, sent: job.opened?.payload }])
    const outcome = { is: 'published', remoteId: '', remoteUrl: null } as const
    await recordOutcomes(scope, [{ job, outcome, notes: [] }])
  }
  // Last, as everywhere: who wants to plan something waits for that row.
  await writeDue(scope)
  await writeLowered(scope)
  throw new TakenBack()
}
