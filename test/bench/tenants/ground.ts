/** The database of the tenants bench: a real embedded PostgreSQL with fsync on, and tenants made as the app makes them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, readConfig } from '../../../src/config.ts'
import { type Database, openDatabase } from '../../../src/db/database.ts'
import type { Scope } from '../../../src/db/scope.ts'
import { createTenant, deleteTenantSchema } from '../../../src/db/tenants.ts'
import { newId } from '../../../src/lib/id.ts'
import { createLog } from '../../../src/lib/log.ts'
import { command } from '../desk.ts'

export interface Ground {
  dataDir: string
  config: Config
  db: Database
  /** Ids of the tenants that are there, oldest first. */
  tenants: string[]
  close(): Promise<void>
}

export async function openGround(): Promise<Ground> {
  const dataDir = mkdtempSync(join(tmpdir(), 'masthead-bench-tenants-'))
  // Readable for the database's own user, where root runs this.
  Bun.spawnSync(['chmod', '755', dataDir])
  const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: 'silent' })
  const db = await openDatabase(config, createLog({ level: 'silent', json: false }))
  return {
    dataDir,
    config,
    db,
    tenants: [],
    async close() {
      await db.close()
      await command(dataDir, 'db-stop')
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** How many makers work at once: more gain nothing on two cores (measured: 33.7 a second with one, 45.3 with four). */
const makers = 4

/**
 * Makes `count` more tenants, each with a workspace row and ten pieces of content.
 * @returns how many seconds it took
 */
export async function addTenants(
  ground: Ground,
  count: number,
  seen?: (made: number) => void,
): Promise<number> {
  const began = performance.now()
  const { db, config } = ground
  let next = 0
  const maker = async () => {
    while (next++ < count) {
      const tenant = await createTenant(
        db.owner,
        {
          slug: `bench-${ground.tenants.length + next}-${newId().slice(-8)}`,
          secret: config.secret,
          appRole: db.appRole,
        },
        async made => {
          await db.within({ tenantId: made.id, userId: null, role: 'system' }, scope => fill(scope))
        },
      )
      ground.tenants.push(tenant.id)
      seen?.(ground.tenants.length)
    }
  }
  await Promise.all(Array.from({ length: makers }, maker))
  return (performance.now() - began) / 1000
}

async function fill({ sql, tenant }: Scope): Promise<void> {
  await sql`insert into workspace (id, name, zone) values (${tenant.id}, ${tenant.slug}, 'UTC')`
  const ids = Array.from({ length: 10 }, newId)
  await sql`
    insert into content (id, state, version_id, tags)
    select id, case when at % 2 = 0 then 'draft' else 'approved' end, id, array['bench']
    from unnest(${ids}::uuid[]) with ordinality given (id, at)`
}

/** Erases the newest `count` tenants. @returns milliseconds each took */
export async function eraseNewest(ground: Ground, count: number): Promise<number[]> {
  const times: number[] = []
  for (const id of ground.tenants.splice(-count)) {
    const began = performance.now()
    await deleteTenantSchema(ground.db.owner, id)
    times.push(performance.now() - began)
  }
  return times
}
