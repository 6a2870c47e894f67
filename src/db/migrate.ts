import { Stop } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { type FailedTenant, type FanOutOptions, fanOut, hasSchema } from './fan-out.ts'
import { alone } from './lanes.ts'
import { makeLedger, readLedger, refuseStrangers } from './ledger.ts'
import { type Migration, readMigrations } from './migrations.ts'
import type { Sql } from './pool.ts'

/** How many tenants are migrated at once when nothing else is said: two cores have no use for more. */
export const defaultWorkers = 4
const runName = 'masthead migrate'
/** A shared table that is in use is tried so often, each time for two seconds. */
const mostTries = 10

export interface MigrateOptions extends Partial<FanOutOptions> {
  /** Where the migrations are, if not among the program's own files. */
  folder?: string
}

export interface Migrated {
  /** Names of the migrations that were applied for the first time, or undone. */
  names: string[]
  /** How many times a tenant was moved. */
  moved: number
  /** Tenants that stayed where they were; the next run tries them again. */
  failed: FailedTenant[]
}

/**
 * Applies what is pending, in the order of the numbers; tenants are taken through consecutive tenant migrations one
 * after another, several tenants at once. A tenant that fails is recorded and does not stop the rest. May be run again
 * after any interruption. Several processes may call it at once: they wait for each other.
 *
 * @throws Stop when the files do not fit the database, or a migration of the shared tables cannot be applied
 */
export async function migrate(
  owner: Sql,
  appRole: string,
  log: Log,
  { folder, workers = defaultWorkers, onProgress }: MigrateOptions = {},
): Promise<Migrated> {
  const migrations = readMigrations(folder)
  if (await upToDate(owner, migrations)) return { names: [], moved: 0, failed: [] }
  return alone(owner, runName, log, async lost => {
    await makeLedger(owner)
    const ledger = await readLedger(owner)
    refuseStrangers(ledger, migrations)
    const result: Migrated = { names: [], moved: 0, failed: [] }
    for (const block of blocksOf(migrations)) {
      lost.throwIfAborted()
      for (const migration of block.filter(({ number }) => !ledger.has(number))) {
        await enter(owner, migration, appRole)
        result.names.push(migration.name)
        log.info('migrated', { migration: migration.name })
      }
      // The ledger comes first: a workspace that is made from now on is made at the new level.
      if (block[0]?.side === 'public') continue
      const options = { workers, lost, ...(onProgress ? { onProgress } : {}) }
      const { moved, failed } = await fanOut(owner, block, 'up', log, options, result.failed)
      result.moved += moved
      result.failed.push(...failed)
    }
    return result
  })
}

/**
 * Undoes migrations, newest first. One that a tenant cannot take back stays in the ledger, and nothing older is undone.
 *
 * @param back how many of the newest, or down to which level: the latter may be said again after an interruption
 * @throws Stop when there is nothing to undo, or the files of what is to be undone are missing
 */
export async function migrateDown(
  owner: Sql,
  back: number | { to: number },
  log: Log,
  { folder, workers = defaultWorkers, onProgress }: MigrateOptions = {},
): Promise<Migrated> {
  const migrations = readMigrations(folder)
  return alone(owner, runName, log, async lost => {
    const applied = [...(await readLedger(owner)).keys()].sort((a, b) => b - a)
    const numbers = typeof back === 'number' ? applied.slice(0, back) : applied.filter(n => n > back.to)
    const undoing = numbers.map(number => {
      const migration = migrations[number - 1]
      if (migration) return migration
      throw new Stop(`Migration ${number} is not among this version's files, so it cannot be undone by it.`)
    })
    if (numbers.includes(1)) await refuseToLoseTenants(owner)
    const result: Migrated = { names: [], moved: 0, failed: [] }
    for (const block of blocksOf(undoing)) {
      lost.throwIfAborted()
      if (block[0]?.side === 'tenant') {
        const options = { workers, lost, ...(onProgress ? { onProgress } : {}) }
        const { moved, failed } = await fanOut(owner, block, 'down', log, options)
        result.moved += moved
        result.failed.push(...failed)
        if (failed.length > 0) return result
      }
      for (const migration of block) {
        await leave(owner, migration)
        result.names.push(migration.name)
        log.info('undone', { migration: migration.name })
      }
    }
    return result
  })
}

/** Consecutive migrations of one side: public ones each alone, those of tenants together. */
function blocksOf(migrations: readonly Migration[]): Migration[][] {
  const blocks: Migration[][] = []
  for (const migration of migrations) {
    const last = blocks.at(-1)
    if (migration.side === 'tenant' && last?.[0]?.side === 'tenant') last.push(migration)
    else blocks.push([migration])
  }
  return blocks
}

/** The usual case of a start: one look, no lock. */
async function upToDate(owner: Sql, migrations: readonly Migration[]): Promise<boolean> {
  const ledger = await readLedger(owner)
  refuseStrangers(ledger, migrations)
  if (ledger.size < migrations.length) return false
  const goal = migrations.findLast(({ side }) => side === 'tenant')?.number ?? 0
  const [behind] = await owner`
    select 1 from public.tenants where ${hasSchema(owner)} and schema_version < ${goal} limit 1`
  return behind === undefined
}

/** Writes a migration into the ledger; a public one is applied in the same transaction. */
async function enter(owner: Sql, migration: Migration, appRole: string): Promise<void> {
  const { number, name, side, checksum } = migration
  await patiently(migration, () =>
    owner.begin(async tx => {
      await tx`select pg_advisory_xact_lock(hashtext('masthead ledger'))`
      if (side === 'public') {
        await tx`set local lock_timeout = '2s'`
        await tx.unsafe(migration.up.replaceAll('{app}', `"${appRole}"`)).simple()
      }
      await tx`insert into public.migrations (number, name, side, checksum) values (${number}, ${name}, ${side}, ${checksum})`
    }),
  )
}

/** The reverse of `enter`. The ledger itself stays: it is not part of any migration. */
async function leave(owner: Sql, migration: Migration): Promise<void> {
  const { number, side } = migration
  await patiently(migration, () =>
    owner.begin(async tx => {
      await tx`select pg_advisory_xact_lock(hashtext('masthead ledger'))`
      if (side === 'public') {
        await tx`set local lock_timeout = '2s'`
        // A tenant's level may be the number of a shared migration; it goes with it.
        await tx`update public.tenants set schema_version = ${number - 1} where schema_version >= ${number}`
        await tx.unsafe(migration.down).simple()
      }
      // One that never got there is not behind any more.
      else
        await tx`update public.tenants set migration_error = null where migration_error is not null and schema_version < ${number}`
      await tx`delete from public.migrations where number = ${number}`
    }),
  )
}

/** A shared table may be in use: whoever wants it after us waits too, so we let go and ask again. */
async function patiently(migration: Migration, work: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await work()
      return
    } catch (error) {
      if ((error as { code?: string }).code !== '55P03') throw error
      if (tries === mostTries)
        throw new Stop(
          `${migration.name} could not have the shared tables, because they were in use all the time: run it again at a quieter hour, or end the transactions that are open for long.`,
        )
      await Bun.sleep(100 * tries)
    }
  }
}

/** Without the list of tenants, their schemas and roles would be nobody's. */
async function refuseToLoseTenants(owner: Sql): Promise<void> {
  const [row] = await owner`select count(*)::int as tenants from public.tenants`
  if (row?.tenants)
    throw new Stop(
      `The first migration holds the list of the workspaces, and there are ${row.tenants}: erase them first (bun run tenant erase), or undo fewer.`,
    )
}
