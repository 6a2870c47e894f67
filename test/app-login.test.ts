import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { assemble, makeAppLogin } from '../src/db/database.ts'
import { migrate } from '../src/db/migrate.ts'
import { openPool } from '../src/db/pool.ts'
import { createTenant, deleteTenantSchema } from '../src/db/tenants.ts'
import { Stop } from '../src/errors.ts'
import { type EmptyDatabase, emptyDatabase, quiet, tracesOf } from './catalog.ts'
import { testSecret } from './setup.ts'

setDefaultTimeout(60_000)

const suffix = randomBytes(4).toString('hex')
const appRole = `mh_test_app_${suffix}`
const ownerRole = `mh_test_owner_${suffix}`
const appPassword = "it's a password"
let base: EmptyDatabase
beforeAll(async () => {
  base = await emptyDatabase()
})
afterAll(async () => {
  const { owner } = base
  for (const role of [appRole, ownerRole]) {
    const [found] = await owner`select 1 from pg_roles where rolname = ${role}`
    if (!found) continue
    await owner.unsafe(`reassign owned by ${role} to current_user`)
    await owner.unsafe(`drop owned by ${role}`)
  }
  await owner.unsafe(`drop role if exists ${appRole}`)
  await owner.unsafe(`drop role if exists ${ownerRole}`)
  await base.drop()
})

test('an owner who is no superuser makes the app’s login, migrates, and makes and erases tenants', async () => {
  await base.owner.unsafe(`create role ${ownerRole} login createrole password 'x'`)
  await base.owner.unsafe(`alter database ${base.name} owner to ${ownerRole}`)
  const address = base.address(base.name)
  if ('url' in address) throw new Error('the test cluster is reached by its socket')
  const owner = openPool({ ...address, user: ownerRole, password: 'x' }, { name: 'test owner', max: 4 })
  const sql = openPool({ ...address, user: appRole, password: appPassword }, { name: 'test app', max: 2 })
  try {
    await makeAppLogin(owner, { appRole, appPassword })
    await makeAppLogin(owner, { appRole, appPassword: 'not asked for twice' })
    await migrate(owner, appRole, quiet)
    const db = await assemble(sql, owner, appRole, testSecret)
    const tenant = await createTenant(owner, { slug: 'modest', secret: testSecret, appRole }, async () => {})
    const actor = { tenantId: tenant.id, userId: null, role: 'system' } as const
    const [row] = await db.within(
      actor,
      scope => scope.sql`select current_user as role, session_user as login`,
    )
    expect({ ...row }).toEqual({ role: tenant.schema, login: appRole })
    const [login] = await base.owner`
      select rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolbypassrls, rolconfig from pg_roles where rolname = ${appRole}`
    expect({ ...login }).toEqual({
      rolsuper: false,
      rolinherit: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolbypassrls: false,
      rolconfig: ['search_path=pg_catalog'],
    })
    await deleteTenantSchema(owner, tenant.id)
    expect(Object.values(await tracesOf(base.owner, tenant.id))).toEqual([0, 0, 0, 0, 0, 0])
  } finally {
    await sql.end({ timeout: 1 })
    await owner.end({ timeout: 1 })
  }
})

test('the app does not log in as a superuser, nor under a name that needs quoting', async () => {
  const address = base.address(base.name)
  if ('url' in address) throw new Error('the test cluster is reached by its socket')
  for (const [role, word] of [
    [address.user, 'superuser'],
    ['app"; drop role postgres; --', 'letters'],
  ] as const) {
    const refused = await makeAppLogin(base.owner, { appRole: role, appPassword }).catch(error => error)
    expect(refused).toBeInstanceOf(Stop)
    expect(refused.message).toContain(word)
  }
})

test('two databases of one cluster that start at once do not collide over the login they share', async () => {
  const other = await emptyDatabase()
  try {
    const starts = Array.from({ length: 30 }, (_, n) =>
      makeAppLogin((n % 2 ? base : other).owner, { appRole: 'masthead_app', appPassword }),
    )
    const outcomes = await Promise.allSettled(starts)
    expect(outcomes.flatMap(one => (one.status === 'rejected' ? [String(one.reason)] : []))).toEqual([])
  } finally {
    await other.drop()
  }
})
