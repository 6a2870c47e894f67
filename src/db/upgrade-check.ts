import { Stop } from '../errors.ts'
import { hasSchema } from './fan-out.ts'
import { connectionLost, inLanes, lostWords } from './lanes.ts'
import { readLedger, refuseStrangers } from './ledger.ts'
import { type Migration, readMigrations } from './migrations.ts'
import type { Sql } from './pool.ts'
import { type Rehearsal, rehearse } from './rehearsal.ts'

/** Beside tables and indexes a migration writes catalog rows and at least one file of the write-ahead log. */
const leastBytes = 16 * 1024 * 1024

export interface CheckOptions {
  /** One workspace instead of all. */
  slug?: string | undefined
  workers: number
  /** Bytes free where the database lies; null when that is another machine's to know. */
  free: number | null
  folder?: string
  onProgress?: (done: number, total: number) => void
}

export interface UpgradeCheck {
  /** Migrations that are not applied, or have not reached every tenant, in their order. */
  pending: Pick<Migration, 'number' | 'name' | 'side'>[]
  /** How many tenants there are to migrate, and how many of them were rehearsed. */
  tenants: number
  rehearsed: number
  /** What speaks against the upgrade, in words; empty when nothing does. */
  problems: Finding[]
  /** What the migrations change in what was there, in words. */
  changes: Finding[]
  /** How long migrating all of them will take about, in seconds, so many at once. */
  estimateSeconds: number
  slowest: { slug: string; seconds: number } | null
  /** Bytes that the upgrade writes at most, the write-ahead log included. */
  diskNeeded: number
  diskFree: number | null
  /** How long the check itself took. */
  seconds: number
}

/** Something that holds for so many workspaces, the first three by name; for the shared tables or the whole when there is none. */
export interface Finding {
  words: string
  tenants: number
  slugs: string[]
}

interface Candidate {
  id: string
  slug: string
  schema: string
  level: number
}

/**
 * Rehearses what is pending on copies of the shared tables and of one or all tenants; see `rehearse`. Nothing is
 * changed, and the app may go on working.
 *
 * @returns null when nothing is pending
 * @throws Stop when there is no such tenant, no room for the copies, or the files do not fit the database
 */
export async function checkUpgrade(owner: Sql, options: CheckOptions): Promise<UpgradeCheck | null> {
  const started = performance.now()
  const { workers, free, onProgress } = options
  const migrations = readMigrations(options.folder)
  const ledger = await readLedger(owner)
  refuseStrangers(ledger, migrations)
  if (!ledger.has(1))
    throw new Stop('There is nothing in this database yet: start the app, and it makes what it needs.')
  const missing = migrations.filter(({ number }) => !ledger.has(number))
  const ofTenant = (level: number) =>
    migrations.filter(({ number, side }) =>
      side === 'tenant' ? number > level : missing.some(one => one.number === number),
    )
  const tenants = (await candidates(owner, migrations, options.slug)).filter(({ level }) =>
    ofTenant(level).some(({ side }) => side === 'tenant'),
  )
  const behind = new Set(tenants.flatMap(({ level }) => ofTenant(level)))
  const pending = migrations.filter(migration => missing.includes(migration) || behind.has(migration))
  if (pending.length === 0) return null
  await refuseWithoutRoom(owner, tenants, workers, free)

  const problems = new Findings()
  const changes = new Findings()
  const total = { ms: 0, written: 0, slowest: null as UpgradeCheck['slowest'] }
  const note = ({ failed, lost, unreadable, changed, ms, written }: Rehearsal, slug: string | null) => {
    if (failed) problems.add(`${failed.migration} fails: ${failed.reason}`, slug)
    for (const words of [...lost, ...unreadable]) problems.add(words, slug)
    for (const words of changed) changes.add(words, slug)
    total.written += written
    if (slug === null) return ms
    total.ms += ms
    if (ms > (total.slowest?.seconds ?? -1) * 1000) total.slowest = { slug, seconds: ms / 1000 }
    return ms
  }
  const sharedMs = missing.some(({ side }) => side === 'public')
    ? note(await rehearse(owner, 'public', missing), null)
    : 0
  const sharedWritten = total.written
  let done = 0
  const lanes = { name: 'masthead rehearsal', workers }
  const busy = await inLanes(owner, tenants, lanes, async (sql, { slug, schema, level }) => {
    try {
      note(await rehearse(sql, schema, ofTenant(level)), slug)
    } catch (error) {
      if (connectionLost(error)) throw new Stop(lostWords)
      if ((error as { code?: string }).code === '55P03') return false
      problems.add(`no copy could be made: ${(error as Error).message}`, slug)
    }
    onProgress?.(++done, tenants.length)
    return true
  })
  for (const { slug } of busy)
    problems.add('no copy could be made, its tables were in use all the time', slug)

  const all = options.slug === undefined ? tenants.length : (await candidates(owner, migrations)).length
  const scale = tenants.length > 0 ? all / tenants.length : 1
  const diskNeeded = leastBytes + 2 * (sharedWritten + (total.written - sharedWritten) * scale)
  if (free !== null && diskNeeded > free)
    problems.add(`it writes up to ${inMegabytes(diskNeeded)}, and ${inMegabytes(free)} are free`, null)
  return {
    pending: pending.map(({ number, name, side }) => ({ number, name, side })),
    tenants: all,
    rehearsed: tenants.length,
    problems: problems.list(),
    changes: changes.list(),
    estimateSeconds: (sharedMs + (total.ms * scale) / Math.min(workers, Math.max(1, all))) / 1000,
    slowest: total.slowest,
    diskNeeded,
    diskFree: free,
    seconds: (performance.now() - started) / 1000,
  }
}

export const inMegabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`

/** The same finding in many workspaces is told once. */
class Findings {
  private readonly found = new Map<string, string[]>()

  add(words: string, slug: string | null): void {
    const slugs = this.found.get(words) ?? []
    this.found.set(words, slug === null ? slugs : [...slugs, slug])
  }

  list(): Finding[] {
    return [...this.found].map(([words, slugs]) => ({
      words,
      tenants: slugs.length,
      slugs: slugs.sort().slice(0, 3),
    }))
  }
}

/** The tenants that stand below the newest level, or the one with this slug. */
async function candidates(owner: Sql, migrations: readonly Migration[], slug?: string): Promise<Candidate[]> {
  const goal = migrations.findLast(({ side }) => side === 'tenant')?.number ?? 0
  const rows = await owner`
    select id, slug, schema_name, schema_version from public.tenants
    where ${hasSchema(owner)} and ${slug === undefined ? owner`schema_version < ${goal}` : owner`slug = ${slug}`}
    order by id`
  if (slug !== undefined && rows.length === 0)
    throw new Stop(`There is no workspace "${slug}": see bun run tenant list.`)
  return rows.map(row => ({
    id: row.id as string,
    slug: row.slug as string,
    schema: row.schema_name as string,
    level: row.schema_version as number,
  }))
}

/** The copies that exist at one time are those of the largest tenants at worst. */
async function refuseWithoutRoom(
  owner: Sql,
  tenants: readonly Candidate[],
  workers: number,
  free: number | null,
): Promise<void> {
  if (free === null || tenants.length === 0) return
  const [row] = await owner`
    select coalesce(sum(bytes), 0)::float8 as bytes from (
      select sum(pg_table_size(c.oid)) as bytes
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = any(${tenants.map(({ schema }) => schema)}) and c.relkind in ('r', 'i')
      group by n.oid order by 1 desc limit ${workers}) largest`
  // As much again for the write-ahead log.
  const bytes = 2 * (row?.bytes as number)
  if (bytes > free)
    throw new Stop(
      `The rehearsal copies the largest workspaces, which takes ${inMegabytes(bytes)}, and ${inMegabytes(free)} are free: make room first.`,
    )
}
