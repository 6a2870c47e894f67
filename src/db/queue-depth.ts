import type { Log } from '../lib/log.ts'
import type { Database } from './database.ts'
import type { Sql } from './pool.ts'

/** Publish jobs that are not over, by state. */
export interface QueueDepth {
  states: Record<(typeof openStates)[number], number>
  /** Scheduled jobs whose moment passed more than 30 seconds ago, and by how many seconds the oldest is late. */
  overdue: number
  latest: number
}
const openStates = ['scheduled', 'publishing', 'held', 'unconfirmed', 'failed'] as const

const isOverdue = `state = 'scheduled' and run_at < public.clock() - interval '30 seconds'`

/** So many workspaces are counted with one statement: enough to be quick, few enough to hold few locks. */
const atOnce = 50
const schemaName = /^tenant_[0-9a-f_]{36}$/

/**
 * Counts the open jobs of all workspaces. It enters every schema, so it is for now and then: on the owner's pool, whose
 * connections end when they are idle and take with them what they remembered of all those tables.
 */
async function countOpenJobs(owner: Sql): Promise<QueueDepth> {
  const depth: QueueDepth = {
    states: Object.fromEntries(openStates.map(state => [state, 0])) as QueueDepth['states'],
    overdue: 0,
    latest: 0,
  }
  const tenants = await owner`
    select schema_name from public.tenants where state in ('active', 'suspended') order by id`
  const schemas = tenants.map(row => row.schema_name as string).filter(name => schemaName.test(name))
  for (let at = 0; at < schemas.length; at += atOnce) {
    const parts = schemas
      .slice(at, at + atOnce)
      .map(
        schema =>
          `select state, run_at from ${schema}.publish_jobs where state not in ('published', 'cancelled')`,
      )
    try {
      const rows = await owner.unsafe(
        `select state, count(*)::int as jobs, count(*) filter (where ${isOverdue})::int as overdue,
          coalesce(extract(epoch from public.clock() - min(run_at) filter (where ${isOverdue})), 0)::float8 as latest
        from (${parts.join(' union all ')}) open group by state`,
      )
      for (const { state, jobs, overdue, latest } of rows) {
        depth.states[state as keyof QueueDepth['states']] += jobs as number
        depth.overdue += overdue as number
        depth.latest = Math.max(depth.latest, latest as number)
      }
    } catch (error) {
      // 42P01, 3F000: one of them was erased meanwhile; the next count has the rest again.
      if (!['42P01', '3F000'].includes((error as { code?: string }).code ?? '')) throw error
    }
  }
  return depth
}

/** Counting takes time that grows with the workspaces: at most a hundredth of it is spent so. */
const share = 100
const leastMs = 60_000

/**
 * The newest count, or null before the first. Being asked starts the next one, behind the answer, when it is time; where
 * nobody asks, nothing is counted.
 */
export function sampledDepth({
  db,
  log,
}: {
  db: Pick<Database, 'owner'>
  log: Log
}): () => { depth: QueueDepth; at: number } | null {
  let newest: { depth: QueueDepth; at: number } | null = null
  let nextAt = 0
  let counting = false
  const count = async () => {
    const began = performance.now()
    try {
      newest = { depth: await countOpenJobs(db.owner), at: Date.now() }
    } catch (error) {
      log.debug('the open posts could not be counted', { error })
    }
    nextAt = performance.now() + Math.max(leastMs, (performance.now() - began) * share)
    counting = false
  }
  return () => {
    if (!counting && performance.now() >= nextAt) {
      counting = true
      void count()
    }
    return newest
  }
}
