import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Stop } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import type { Sql } from './pool.ts'
import { applyTenantSchemaMigration } from './tenants.ts'

export type Side = 'public' | 'tenant'

export interface Migration {
  number: number
  name: string
  side: Side
  up: string
  down: string
  /** SHA-256 of the up text, so that a migration edited after it ran is noticed. */
  checksum: string
}

const root = join(import.meta.dir, '../../migrations')

/** All migrations of both folders in their one number series. */
export function readMigrations(folder = root): Migration[] {
  const all = (['public', 'tenant'] as const).flatMap(side =>
    readdirSync(join(folder, side))
      .filter(file => file.endsWith('.up.sql'))
      .map(file => {
        const name = file.replace(/\.up\.sql$/, '')
        const up = readFileSync(join(folder, side, file), 'utf8')
        const down = readFileSync(join(folder, side, `${name}.down.sql`), 'utf8')
        const checksum = createHash('sha256').update(up).digest('hex')
        return { number: Number.parseInt(name, 10), name, side, up, down, checksum }
      }),
  )
  all.sort((a, b) => a.number - b.number)
  all.forEach((migration, index) => {
    if (migration.number !== index + 1)
      throw new Stop(
        `The migrations are not numbered in one series: ${migration.name} should be number ${index + 1}.`,
      )
  })
  return all
}

export interface MigrationState {
  number: number
  name: string
  side: Side
  applied: boolean
  /** Tenants that are not yet there (tenant migrations only). */
  behind: number
}

/** What is applied and how many tenants are behind. */
export async function migrationStates(owner: Sql): Promise<MigrationState[]> {
  await makeLedger(owner)
  const done = new Set((await owner`select number from public.migrations`).map(row => row.number as number))
  const [table] = await owner`select to_regclass('public.tenants') is not null as exists`
  const states: MigrationState[] = []
  for (const { number, name, side } of readMigrations()) {
    let behind = 0
    if (side === 'tenant' && table?.exists) {
      const [row] =
        await owner`select count(*)::int as behind from public.tenants where state = 'active' and schema_version < ${number}`
      behind = row?.behind as number
    }
    states.push({ number, name, side, applied: done.has(number), behind })
  }
  return states
}

/**
 * Applies what is pending, in order; a tenant migration visits every tenant, each in its own transaction. May be run
 * again after any interruption. Several processes may call it at once: they wait for each other.
 * @returns the number of migrations applied
 */
export async function migrate(owner: Sql, appRole: string, log: Log): Promise<number> {
  return locked(owner, async () => {
    await makeLedger(owner)
    const applied = new Map(
      (await owner`select number, checksum from public.migrations`).map(r => [
        r.number as number,
        r.checksum as string,
      ]),
    )
    const migrations = readMigrations()
    for (const [number, checksum] of applied) {
      const file = migrations[number - 1]
      if (!file)
        throw new Stop(
          `The database has migration ${number}, which this version does not know: run the newer version of Masthead, or restore the backup made before it.`,
        )
      if (file.checksum !== checksum)
        throw new Stop(
          `Migration ${file.name} was changed after it was applied: put the file back as it was and add a new migration.`,
        )
    }
    let count = 0
    for (const migration of migrations) {
      if (migration.side === 'tenant')
        count += (await fanOut(owner, migration, log)) > 0 || !applied.has(migration.number) ? 1 : 0
      if (applied.has(migration.number)) continue
      await owner.begin(async tx => {
        await tx`select pg_advisory_xact_lock(hashtext('masthead ledger'))`
        if (migration.side === 'public')
          await tx.unsafe(migration.up.replaceAll('{app}', `"${appRole}"`)).simple()
        await tx`insert into public.migrations (number, name, side, checksum) values (${migration.number}, ${migration.name}, ${migration.side}, ${migration.checksum})`
      })
      if (migration.side === 'public') count++
      log.info('migrated', { migration: migration.name })
    }
    return count
  })
}

/**
 * Undoes the newest `steps` migrations, newest first.
 * @returns the names of what was undone
 */
export async function migrateDown(owner: Sql, steps: number, log: Log): Promise<string[]> {
  return locked(owner, async () => {
    const rows = await owner`select number from public.migrations order by number desc limit ${steps}`
    const migrations = readMigrations()
    const undone: string[] = []
    for (const { number } of rows) {
      const migration = migrations[(number as number) - 1]
      if (!migration)
        throw new Stop(`Migration ${number} is not among this version's files, so it cannot be undone by it.`)
      if (migration.side === 'tenant') {
        const tenants =
          await owner`select id, schema_name from public.tenants where schema_version >= ${migration.number}`
        for (const tenant of tenants)
          await applyTenantSchemaMigration(owner, tenant.id as string, migration, 'down')
      }
      await owner.begin(async tx => {
        // The ledger itself stays: it is not part of any migration.
        if (migration.side === 'public') await tx.unsafe(migration.down).simple()
        await tx`delete from public.migrations where number = ${migration.number}`
      })
      log.info('undone', { migration: migration.name })
      undone.push(migration.name)
    }
    return undone
  })
}

async function fanOut(owner: Sql, migration: Migration, log: Log): Promise<number> {
  const behind =
    await owner`select id, slug from public.tenants where state = 'active' and schema_version < ${migration.number} order by id`
  let done = 0
  for (const tenant of behind) {
    try {
      if (await applyTenantSchemaMigration(owner, tenant.id as string, migration, 'up')) done++
    } catch (error) {
      await owner`update public.tenants set migration_error = ${`${migration.name}: ${(error as Error).message}`} where id = ${tenant.id}`
      log.error('a tenant could not be migrated', {
        tenant: tenant.slug as string,
        migration: migration.name,
        error,
      })
      throw new Stop(
        `Workspace ${tenant.slug} could not be migrated by ${migration.name}: ${(error as Error).message}. Mend it and run "bun run migrate" again; ${done} others are done.`,
      )
    }
  }
  return done
}

async function makeLedger(owner: Sql): Promise<void> {
  await owner.begin(async tx => {
    await tx`select pg_advisory_xact_lock(hashtext('masthead ledger'))`
    await tx`create table if not exists public.migrations (
      number integer primary key, name text not null, side text not null, checksum text not null,
      applied_at timestamptz not null default now())`
  })
}

/** One run at a time. The lock is the session's, so it ends with the process; the owner's connection is direct. */
async function locked<T>(owner: Sql, work: () => Promise<T>): Promise<T> {
  // A transaction of its own holds the lock, because the pool may hand every query to another connection.
  return owner
    .begin(async tx => {
      await tx`select pg_advisory_xact_lock(hashtext('masthead migrate'))`
      return { result: await work() }
    })
    .then(({ result }) => result as T)
}
