import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createKey } from '../src/auth/keys.ts'
import { hashPassword } from '../src/auth/password.ts'
import { assemble, type Database, makeAppLogin } from '../src/db/database.ts'
import { ownerUser, startEmbedded } from '../src/db/embedded.ts'
import { migrate } from '../src/db/migrate.ts'
import { readMigrations } from '../src/db/migrations.ts'
import { type Address, openPool, waitFor } from '../src/db/pool.ts'
import { seedReference } from '../src/db/seed.ts'
import { createLog } from '../src/lib/log.ts'
import { derivePassword } from '../src/lib/seal.ts'
import type { Role } from '../src/permissions.ts'
import { addUser } from '../src/team/users.ts'
import { foundWorkspace } from '../src/team/workspace.ts'

/** The tests' own PostgreSQL: one cluster a user and machine, shared by all runs, without fsync. */
const folder = join(tmpdir(), `masthead-test-${userInfo().username}`)
export const testSecret = 'the tests share one secret of forty characters'
export const testPassword = 'a quiet desk by the window'
const appRole = 'masthead_app'
const quiet = createLog({ level: 'silent', json: false })

export interface Member {
  id: string
  name: string
  email: string
  role: Role
  key: string
  tenant: { id: string; slug: string; schema: string }
}
export type Cast = Record<'alice' | 'bob' | 'cora' | 'ann' | 'dan', Member>

const ownerPassword = derivePassword(testSecret, 'database owner')
const appPassword = derivePassword(testSecret, 'database app')
export const appLogin = { appRole, appPassword }

export async function testServer(): Promise<(database: string, user?: 'owner' | 'app') => Address> {
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const cluster = await startEmbedded(folder, ownerPassword, quiet, {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '400',
  })
  return (database, user = 'owner') =>
    user === 'owner'
      ? { socket: cluster.socket, user: ownerUser, password: ownerPassword, database }
      : { socket: cluster.socket, user: appRole, password: appPassword, database }
}

/** The template holds the cast; its name changes with whatever it is made from. */
function templateName(): string {
  const hash = createHash('sha256')
  for (const migration of readMigrations()) hash.update(migration.up)
  for (const file of [
    import.meta.path,
    ...['team/workspace.ts', 'team/users.ts', 'db/seed.ts', 'db/tenants.ts', 'lib/seal.ts'].map(f =>
      join(import.meta.dir, '../src', f),
    ),
  ])
    hash.update(readFileSync(file))
  return `mh_template_${hash.digest('hex').slice(0, 12)}`
}

async function template(
  address: Awaited<ReturnType<typeof testServer>>,
): Promise<{ name: string; cast: Cast }> {
  const name = templateName()
  const castFile = join(folder, `${name}.json`)
  const admin = openPool(address('postgres'), { name: 'masthead test set-up', max: 1 })
  await waitFor(admin, folder, quiet)
  try {
    // One builder at a time, over all test processes: the lock is held by this session.
    await admin`select pg_advisory_lock(hashtext('masthead test template'))`
    const [found] = await admin`select 1 from pg_database where datname = ${name}`
    if (!found || !existsSync(castFile)) {
      const building = `${name}_building`
      await admin.unsafe(`drop database if exists ${building} with (force)`)
      await admin.unsafe(`drop database if exists ${name} with (force)`)
      await admin.unsafe(`create database ${building}`)
      const cast = await fill(address, building)
      await admin.unsafe(`alter database ${building} rename to ${name}`)
      writeFileSync(castFile, JSON.stringify(cast))
    }
    await admin`select pg_advisory_unlock(hashtext('masthead test template'))`
  } finally {
    await admin.end({ timeout: 1 })
  }
  return { name, cast: JSON.parse(readFileSync(castFile, 'utf8')) as Cast }
}

async function fill(address: Awaited<ReturnType<typeof testServer>>, database: string): Promise<Cast> {
  const owner = openPool(address(database), { name: 'masthead test owner', max: 4 })
  await makeAppLogin(owner, appLogin)
  await migrate(owner, appRole, quiet)
  await seedReference(owner)
  const sql = openPool(address(database, 'app'), { name: 'masthead test app', max: 4 })
  const db = await assemble(sql, owner, appRole, testSecret)
  const passwordHash = await hashPassword(testPassword)
  const found = async (slug: string, name: string, zone: string, owner: string) => {
    const email = `${owner.toLowerCase()}@${slug}.example`
    const { tenant, ownerId } = await foundWorkspace(db, testSecret, {
      slug,
      name,
      zone,
      country: 'DE',
      ownerName: owner,
      email,
      password: testPassword,
    })
    const member = (id: string, name: string, email: string, role: Role) =>
      db.within({ tenantId: tenant.id, userId: id, role: 'system' }, async scope => {
        const { key } = await createKey(scope, { name: 'test' }, id)
        return { id, name, email, role, key, tenant: { id: tenant.id, slug, schema: tenant.schema } }
      })
    const join = async (name: string, role: Role) => {
      const email = `${name.toLowerCase()}@${slug}.example`
      const id = await db.within({ tenantId: tenant.id, userId: null, role: 'system' }, scope =>
        addUser(scope, { name, email, role, passwordHash }),
      )
      return member(id, name, email, role)
    }
    return { owner: await member(ownerId, owner, email, 'owner'), join }
  }
  const northwind = await found('northwind', 'Northwind Coffee', 'Europe/Berlin', 'Alice')
  const southpaw = await found('southpaw', 'Southpaw Records', 'America/New_York', 'Dan')
  const cast: Cast = {
    alice: northwind.owner,
    bob: await northwind.join('Bob', 'editor'),
    cora: await northwind.join('Cora', 'reviewer'),
    ann: await northwind.join('Ann', 'author'),
    dan: southpaw.owner,
  }
  await db.close()
  return cast
}

/** A database of its own for one test file, cloned from the template with the cast in it. */
export async function cloneDatabase(max = 6): Promise<{
  db: Database
  cast: Cast
  name: string
  address: Awaited<ReturnType<typeof testServer>>
  drop(): Promise<void>
}> {
  const address = await testServer()
  const { name: from, cast } = await template(address)
  const name = `mh_test_${randomBytes(6).toString('hex')}`
  const admin = openPool(address('postgres'), { name: 'masthead test set-up', max: 1 })
  await admin.unsafe(`create database ${name} template ${from} strategy file_copy`)
  const owner = openPool(address(name), { name: 'masthead test owner', max: 4 })
  const sql = openPool(address(name, 'app'), { name: 'masthead test app', max })
  const db = await assemble(sql, owner, appRole, testSecret)
  return {
    db,
    cast,
    name,
    address,
    async drop() {
      await db.close()
      await admin.unsafe(`drop database if exists ${name} with (force)`)
      await admin.end({ timeout: 1 })
    },
  }
}
