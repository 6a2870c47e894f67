import { Stop } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { connectionLost, inLanes, lostWords } from './lanes.ts'
import type { Migration } from './migrations.ts'
import type { Sql } from './pool.ts'
import { applyTenantSchemaMigration } from './tenants.ts'

export interface FailedTenant {
  id: string
  slug: string
  /** The migration it did not take. */
  migration: string
  reason: string
}

export interface FanOut {
  /** How many tenants were moved. */
  moved: number
  failed: FailedTenant[]
}

export interface FanOutOptions {
  /** How many tenants at once. */
  workers: number
  /** Aborted when another run may be under way: no further tenant is begun. */
  lost?: AbortSignal
  onProgress?: (done: number, total: number) => void
}

/** What PostgreSQL says when somebody else is in the way for now: a lock not had in time, a deadlock. */
const busyCodes = new Set(['55P03', '40P01'])

/**
 * Takes all tenants through `migrations`, several at once, each migration of a tenant in a transaction of its own with
 * its level: whatever ends the run, the next one goes on. A tenant whose tables are in use goes to the back of the
 * line; one that fails keeps its level, its error is recorded, and the others go on.
 *
 * @param migrations of tenants, in the order in which they are to be applied: the newest first for `down`
 * @param before tenants that failed earlier in the same run: they are left out
 * @throws Stop when the connection is lost
 */
export async function fanOut(
  owner: Sql,
  migrations: readonly Migration[],
  direction: 'up' | 'down',
  log: Log,
  { workers, lost, onProgress }: FanOutOptions,
  before: readonly FailedTenant[] = [],
): Promise<FanOut> {
  const result: FanOut = { moved: 0, failed: [] }
  const goal = migrations.at(-1)?.number ?? 0
  const ahead = (level: number) => (migration: Migration) =>
    direction === 'up' ? migration.number > level : migration.number <= level
  const fail = async (tenant: Tenant, migration: string, reason: string, error?: unknown) => {
    await owner`update public.tenants set migration_error = ${`${migration}: ${reason}`} where id = ${tenant.id}`
    log.error('a tenant could not be migrated', { tenant: tenant.slug, migration, error: error ?? reason })
    result.failed.push({ id: tenant.id, slug: tenant.slug, migration, reason })
  }
  let done = 0
  // Again until there is none: a workspace may have been made meanwhile by a process of the version before.
  for (;;) {
    const leftOut = [...before, ...result.failed].map(({ id }) => id)
    const tenants = await tenantsToMove(owner, goal, direction, leftOut)
    if (tenants.length === 0) return result
    const total = done + tenants.length
    onProgress?.(done, total)
    const stuckAt = new Map<string, string>()
    const busy = await inLanes(
      owner,
      tenants,
      { name: 'masthead migration', workers, ...(lost ? { lost } : {}) },
      async (sql, tenant) => {
        let at = ''
        try {
          let moved = false
          for (const migration of migrations.filter(ahead(tenant.level))) {
            at = migration.name
            moved = (await applyTenantSchemaMigration(sql, tenant.id, migration, direction)) || moved
          }
          if (moved) result.moved++
        } catch (error) {
          if (connectionLost(error)) throw new Stop(lostWords)
          stuckAt.set(tenant.id, at)
          if (busyCodes.has((error as { code?: string }).code ?? '')) return false
          await fail(tenant, at, (error as Error).message, error)
        }
        onProgress?.(++done, total)
        return true
      },
    )
    for (const tenant of busy)
      await fail(tenant, stuckAt.get(tenant.id) ?? '', 'its tables were in use all the time')
  }
}

interface Tenant {
  id: string
  slug: string
  level: number
}

async function tenantsToMove(
  owner: Sql,
  goal: number,
  direction: 'up' | 'down',
  leftOut: string[],
): Promise<Tenant[]> {
  const rows = await owner`
    select id, slug, schema_version from public.tenants
    where ${hasSchema(owner)} and id <> all(${leftOut}::uuid[])
      and ${direction === 'up' ? owner`schema_version < ${goal}` : owner`schema_version >= ${goal}`}
    order by id`
  return rows.map(row => ({
    id: row.id as string,
    slug: row.slug as string,
    level: row.schema_version as number,
  }))
}

/** A tenant gets its level in the transaction that makes its schema; one that is being erased may have none any more. */
export const hasSchema = (sql: Sql) => sql`state <> 'erasing' and schema_version > 0`
