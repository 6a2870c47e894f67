/** The publishing engine of one process on an embedded PostgreSQL of its own, fsync on, and workspaces full of posts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../../src/config.ts'
import type { Scope } from '../../../src/db/scope.ts'
import { createTenant } from '../../../src/db/tenants.ts'
import { newId } from '../../../src/lib/id.ts'
import { openServices } from '../../../src/open.ts'
import { platforms } from '../../../src/platforms/index.ts'
import type { Services } from '../../../src/services.ts'
import { command } from '../desk.ts'

export interface BenchHouse {
  services: Services
  tenants: string[]
  dataDir: string
  close(): Promise<void>
}

/** How many accounts each workspace publishes to. */
export const accountsEach = 10

/** A platform that answers at once, in place of the rehearsal network's journal: armed as every other, then taken. */
export function answerAtOnce(sent: (jobId: string) => void): void {
  platforms.rehearsal.publish = async (_account, post, sending) => {
    await sending.arm()
    sent(post.jobId)
    return { is: 'published', remoteId: post.jobId, remoteUrl: null }
  }
}

export async function openBenchHouse(tenants: number): Promise<BenchHouse> {
  const dataDir = mkdtempSync(join(tmpdir(), 'masthead-bench-publishing-'))
  // Readable for the database's own user, where root runs this.
  Bun.spawnSync(['chmod', '755', dataDir])
  const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: 'silent', RATE_LIMIT: 'off' })
  const { services, close } = await openServices(config)
  const { db } = services
  const ids: string[] = []
  let next = 0
  const maker = async () => {
    while (next++ < tenants) {
      const slug = `bench-${next}`
      const made = await createTenant(
        db.owner,
        { slug, secret: config.secret, appRole: db.appRole },
        async tenant => {
          await db.within({ tenantId: tenant.id, userId: null, role: 'system' }, scope => furnish(scope))
        },
      )
      ids.push(made.id)
    }
  }
  await Promise.all([maker(), maker(), maker(), maker()])
  return {
    services,
    tenants: ids,
    dataDir,
    async close() {
      await close()
      await command(dataDir, 'db-stop')
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

async function furnish({ sql, tenant }: Scope): Promise<void> {
  await sql`insert into workspace (id, name, zone) values (${tenant.id}, ${tenant.slug}, 'UTC')`
  const accounts = Array.from({ length: accountsEach }, newId)
  await sql`
    insert into social_accounts (id, platform, name, handle, remote_id, limits)
    select id, 'rehearsal', 'Rehearsal', 'rehearsal', id::text, ${sql.json(platforms.rehearsal.limits)}
    from unnest(${accounts}::uuid[]) given (id)`
}

/** Plans `count` posts of every workspace for one instant, spread evenly over its accounts. */
export async function planPosts(house: BenchHouse, count: number, at: Date): Promise<void> {
  const { within } = house.services.db
  for (const tenantId of house.tenants)
    await within({ tenantId, userId: null, role: 'system' }, async ({ sql }) => {
      const ids = Array.from({ length: count }, newId)
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
          on a.place = 1 + (given.place - 1) % ${accountsEach}`
      await sql`
        update tenant_due set next_due_at = least(next_due_at, ${at}) where tenant_id = ${tenantId}`
    })
}

export interface Published {
  /** Milliseconds after the planned instant at which the send began, by the database's clock. */
  late: number[]
  states: Record<string, number>
}

/** What became of all posts, read from the tables. */
export async function outcome(house: BenchHouse): Promise<Published> {
  const late: number[] = []
  const states: Record<string, number> = {}
  for (const tenantId of house.tenants) {
    const rows = await house.services.db.within(
      { tenantId, userId: null, role: 'system' },
      ({ sql }) => sql`
        select j.state, extract(epoch from coalesce(a.armed_at, a.started_at) - j.run_at)::float8 * 1000 as late
        from publish_jobs j left join publish_attempts a on a.id = j.attempt_id`,
      { readOnly: true },
    )
    for (const row of rows) {
      states[row.state as string] = (states[row.state as string] ?? 0) + 1
      if (row.late !== null) late.push(row.late as number)
    }
  }
  return { late, states }
}
