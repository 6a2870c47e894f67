import type { Log } from '../lib/log.ts'
import type { Database } from './database.ts'
import type { Sql } from './pool.ts'

/** What is not over, of all workspaces. */
export interface QueueDepth {
  /** Publish jobs, by state. */
  states: Record<(typeof openStates)[number], number>
  /** Scheduled jobs whose moment passed more than 30 seconds ago, and by how many seconds the oldest is late. */
  overdue: number
  latest: number
  /** Mails and messages to event webhooks: by state, and for how many seconds the oldest that is not sent has waited. */
  deliveries: Record<(typeof deliveryKinds)[number], { states: Record<UnsentState, number>; oldest: number }>
}
const openStates = ['scheduled', 'publishing', 'held', 'unconfirmed', 'failed'] as const
const deliveryKinds = ['mail', 'webhook'] as const
const unsentStates = ['waiting', 'sending', 'failed'] as const
type UnsentState = (typeof unsentStates)[number]

const isOverdue = `state = 'scheduled' and run_at < public.clock() - interval '30 seconds'`

/** So many workspaces are counted with one statement: enough to be quick, few enough to hold few locks. */
const atOnce = 50
const schemaName = /^tenant_[0-9a-f_]{36}$/

const none = <State extends string>(states: readonly State[]) =>
  Object.fromEntries(states.map(state => [state, 0])) as Record<State, number>

/**
 * Counts what is open in all workspaces. It enters every schema, so it is for now and then: on the owner's pool, whose
 * connections end when they are idle and take with them what they remembered of all those tables.
 */
async function countOpen(owner: Sql): Promise<QueueDepth> {
  const deliveries = () => ({ states: none(unsentStates), oldest: 0 })
  const depth: QueueDepth = {
    states: none(openStates),
    overdue: 0,
    latest: 0,
    deliveries: { mail: deliveries(), webhook: deliveries() },
  }
  const tenants = await owner`
    select schema_name from public.tenants where state in ('active', 'suspended') order by id`
  const schemas = tenants.map(row => row.schema_name as string).filter(name => schemaName.test(name))
  for (let at = 0; at < schemas.length; at += atOnce) {
    const some = schemas.slice(at, at + atOnce)
    for (const { state, jobs, overdue, latest } of await countEach(owner, some, openJobs)) {
      depth.states[state as keyof QueueDepth['states']] += jobs as number
      depth.overdue += overdue as number
      depth.latest = Math.max(depth.latest, latest as number)
    }
    for (const { kind, state, unsent, oldest } of await countEach(owner, some, unsentDeliveries)) {
      const of = depth.deliveries[kind as keyof QueueDepth['deliveries']]
      of.states[state as UnsentState] += unsent as number
      of.oldest = Math.max(of.oldest, oldest as number)
    }
  }
  return depth
}

/** What is read of each schema, and what is counted of all that. */
interface Count {
  from(schema: string): string
  counted(open: string): string
}

const openJobs: Count = {
  from: schema =>
    `select state, run_at from ${schema}.publish_jobs where state not in ('published', 'cancelled')`,
  counted: open => `
    select state, count(*)::int as jobs, count(*) filter (where ${isOverdue})::int as overdue,
      coalesce(extract(epoch from public.clock() - min(run_at) filter (where ${isOverdue})), 0)::float8 as latest
    from (${open}) open group by state`,
}

const unsentDeliveries: Count = {
  from: schema => `select kind, state, created_at from ${schema}.deliveries where state <> 'delivered'`,
  counted: open => `
    select kind, state, count(*)::int as unsent,
      coalesce(extract(epoch from public.clock() - min(created_at) filter (where state <> 'failed')), 0)::float8 as oldest
    from (${open}) open group by kind, state`,
}

async function countEach(owner: Sql, schemas: readonly string[], { from, counted }: Count) {
  try {
    return await owner.unsafe(counted(schemas.map(from).join(' union all ')))
  } catch (error) {
    // 42P01, 3F000: one of them was erased meanwhile; the next count has the rest again.
    if (!['42P01', '3F000'].includes((error as { code?: string }).code ?? '')) throw error
    return []
  }
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
      newest = { depth: await countOpen(db.owner), at: Date.now() }
    } catch (error) {
      log.debug('what is open could not be counted', { error })
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
