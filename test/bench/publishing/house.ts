/** An embedded PostgreSQL of the bench's own, fsync on, and workspaces full of posts in it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../../src/config.ts'
import { ownerUser, startEmbedded } from '../../../src/db/embedded.ts'
import type { Address } from '../../../src/db/pool.ts'
import type { Scope } from '../../../src/db/scope.ts'
import { createTenant } from '../../../src/db/tenants.ts'
import { newId } from '../../../src/lib/id.ts'
import { derivePassword } from '../../../src/lib/seal.ts'
import { openServices } from '../../../src/open.ts'
import { rehearsal } from '../../../src/platforms/rehearsal.ts'
import type { Services } from '../../../src/services.ts'
import { command } from '../desk.ts'

export interface BenchHouse {
  services: Services
  tenants: string[]
  dataDir: string
  /** The cluster's owner, for the bench's own look at it and for the libraries' database. */
  owner(database: string): Address & { socket: string }
  /** Makes workspaces until there are so many. */
  grow(tenants: number): Promise<void>
  close(): Promise<void>
}

/** How many accounts each workspace publishes to. */
export const accountsEach = 10

/** @param tenants so many workspaces to begin with */
export async function openBenchHouse(tenants: number): Promise<BenchHouse> {
  const dataDir = mkdtempSync(join(tmpdir(), 'masthead-bench-publishing-'))
  // Readable for the database's own user, where root runs this.
  Bun.spawnSync(['chmod', '755', dataDir])
  const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: 'silent', RATE_LIMIT: 'off' })
  const password = derivePassword(config.secret, 'database owner')
  const quiet = { debug() {}, info() {}, warn() {}, error() {} }
  const cluster = await startEmbedded(dataDir, password, quiet, {
    shared_preload_libraries: 'pg_stat_statements',
    // Each tenant's statements are statements of their own; one that is forgotten is missing from the counts.
    'pg_stat_statements.max': '60000',
  })
  const { services, close } = await openServices(config)
  const { db } = services
  const ids: string[] = []
  const makeOne = async () => {
    const slug = `bench-${newId().slice(-12)}`
    const made = await createTenant(
      db.owner,
      { slug, secret: config.secret, appRole: db.appRole },
      async tenant => db.within({ tenantId: tenant.id, userId: null, role: 'system' }, furnish),
    )
    ids.push(made.id)
  }
  const house: BenchHouse = {
    services,
    tenants: ids,
    dataDir,
    owner: database => ({ socket: cluster.socket, user: ownerUser, password, database }),
    async grow(wanted) {
      await inLanes(Math.max(0, wanted - ids.length), 4, makeOne)
      // As tenants that have lived for a while: what is done daily is spread over the day, nothing else is due.
      await db.owner`
        update public.tenant_due set swept_at = public.clock() - random() * interval '23 hours', counts_due_at = null,
          read_back_due_at = null, forecast_due_at = public.clock() + (1 + 22 * random()) * interval '1 hour'`
    },
    async close() {
      await close()
      await command(dataDir, 'db-stop')
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
  await house.grow(tenants)
  return house
}

async function furnish({ sql, tenant }: Scope): Promise<void> {
  await sql`insert into workspace (id, name, zone) values (${tenant.id}, ${tenant.slug}, 'UTC')`
  const accounts = Array.from({ length: accountsEach }, newId)
  await sql`
    insert into social_accounts (id, platform, name, handle, remote_id, limits)
    select id, 'rehearsal', 'Rehearsal', 'rehearsal', id::text, ${sql.json(rehearsal.limits)}
    from unnest(${accounts}::uuid[]) given (id)`
}

/** Calls `work` `count` times, `lanes` at once. */
export async function inLanes(count: number, lanes: number, work: (at: number) => Promise<unknown>) {
  let next = 0
  const lane = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** Plans `count` posts for one instant, spread evenly over the first `tenants` workspaces and their accounts. */
export async function planPosts(
  { services, tenants }: BenchHouse,
  count: number,
  at: Date,
  over: { tenants: number; accounts: number },
): Promise<void> {
  await inLanes(over.tenants, 4, async place => {
    const tenantId = tenants[place] as string
    const mine = Math.floor(count / over.tenants) + (place < count % over.tenants ? 1 : 0)
    await services.db.within({ tenantId, userId: null, role: 'system' }, async ({ sql }) => {
      const ids = Array.from({ length: mine }, newId)
      await sql`
        insert into content (id, version_id, state) select id, id, 'draft' from unnest(${ids}::uuid[]) given (id)`
      await sql`
        insert into content_versions (id, content_id, number, text)
        select id, id, 1, 'A short report from the roastery.' from unnest(${ids}::uuid[]) given (id)`
      await sql`
        insert into publish_jobs (id, content_id, version_id, account_id, state, run_at, local, zone)
        select given.id, given.id, given.id, a.id, 'scheduled', ${at}, '2026-01-01T00:00', 'UTC'
        from unnest(${ids}::uuid[]) with ordinality given (id, place)
        join (select id, row_number() over (order by id) as place from social_accounts) a
          on a.place = 1 + (given.place - 1) % ${over.accounts}`
      await sql`
        update tenant_due set next_due_at = least(next_due_at, ${at}) where tenant_id = ${tenantId}`
    })
  })
}

/** How many posts are in which state, read from all workspaces. */
export async function statesNow({ services, tenants }: BenchHouse): Promise<Record<string, number>> {
  const states: Record<string, number> = {}
  await inLanes(tenants.length, 4, async place => {
    const rows = await services.db.within(
      { tenantId: tenants[place] as string, userId: null, role: 'system' },
      ({ sql }) => sql`select state, count(*)::int as jobs from publish_jobs group by state`,
      { readOnly: true },
    )
    for (const { state, jobs } of rows) states[state] = (states[state] ?? 0) + jobs
  })
  return states
}
