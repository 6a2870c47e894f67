import { Stop } from '../errors.ts'
import { hasSchema } from './fan-out.ts'
import { type Migration, readMigrations, type Side } from './migrations.ts'
import type { Sql } from './pool.ts'

/** What is applied, by number, with the checksum it had. Empty in a database that Masthead has never met. */
export async function readLedger(owner: Sql): Promise<Map<number, string>> {
  const [table] = await owner`select to_regclass('public.migrations') is not null as exists`
  if (!table?.exists) return new Map()
  const rows = await owner`select number, checksum from public.migrations order by number`
  return new Map(rows.map(row => [row.number as number, row.checksum as string]))
}

export async function makeLedger(owner: Sql): Promise<void> {
  await owner.begin(async tx => {
    await tx`select pg_advisory_xact_lock(hashtext('masthead ledger'))`
    await tx`create table if not exists public.migrations (
      number integer primary key, name text not null, side text not null, checksum text not null,
      applied_at timestamptz not null default now())`
  })
}

/** @throws Stop when the database holds a migration that the files do not, or not with the same text */
export function refuseStrangers(ledger: ReadonlyMap<number, string>, migrations: readonly Migration[]): void {
  for (const [number, checksum] of ledger) {
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
export async function migrationStates(owner: Sql, folder?: string): Promise<MigrationState[]> {
  const ledger = await readLedger(owner)
  const levels = ledger.size > 0 ? await tenantLevels(owner) : []
  const below = (number: number) =>
    levels.filter(({ level }) => level < number).reduce((sum, { tenants }) => sum + tenants, 0)
  return readMigrations(folder).map(({ number, name, side }) => ({
    number,
    name,
    side,
    applied: ledger.has(number),
    behind: side === 'tenant' ? below(number) : 0,
  }))
}

/** How many tenants stand at which level. */
async function tenantLevels(owner: Sql): Promise<{ level: number; tenants: number }[]> {
  const rows = await owner`
    select schema_version as level, count(*)::int as tenants from public.tenants
    where ${hasSchema(owner)} group by schema_version`
  return rows.map(row => ({ level: row.level as number, tenants: row.tenants as number }))
}
