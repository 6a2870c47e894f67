import type { Scope, Within } from '../db/scope.ts'
import type { Log } from '../lib/log.ts'
import { warmClaim } from './claim.ts'
import { armJobs } from './lease.ts'
import { warmRecord } from './record.ts'

/** A workspace stays warm for about as long as its connection lives (`db/pool.ts`). */
const warmMs = 10 * 60_000
/** Of so many it is remembered that they are warm. */
const most = 1_000
/** At a time: it is done ahead of the moment, and leaves connections to what is being sent. */
const atOnce = 2

/**
 * Goes ahead through what a claim and a send ask, for nothing, so that a workspace's tables are loaded and its statements
 * planned when its moment comes. It changes nothing and waits for nobody; what it does not get to is met cold.
 */
export function createWarmer(within: Within, log: Log): (tenants: readonly string[]) => void {
  const warmed = new Map<string, number>()
  const waiting = new Set<string>()
  let going = 0

  async function go(): Promise<void> {
    going++
    for (const tenantId of waiting) {
      waiting.delete(tenantId)
      try {
        await within({ tenantId, userId: null, role: 'system' }, warm)
      } catch (error) {
        log.debug('a workspace could not be warmed', { tenant: tenantId, error })
      }
    }
    going--
  }

  return tenants => {
    const now = performance.now()
    for (const tenantId of tenants) {
      if (now - (warmed.get(tenantId) ?? Number.NEGATIVE_INFINITY) < warmMs) continue
      if (warmed.size >= most) warmed.clear()
      warmed.set(tenantId, now)
      waiting.add(tenantId)
    }
    while (going < Math.min(atOnce, waiting.size)) void go()
  }
}

async function warm(scope: Scope): Promise<void> {
  await Promise.all([warmClaim(scope), armJobs(scope, []), warmRecord(scope)])
}
