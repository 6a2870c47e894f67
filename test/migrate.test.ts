import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { migrate, migrateDown, migrationStates, readMigrations } from '../src/db/migrate.ts'
import type { Tenant } from '../src/db/scope.ts'
import { applyTenantSchemaMigration, createTenant, deleteTenantSchema } from '../src/db/tenants.ts'
import { Conflict, Invalid, Stop } from '../src/errors.ts'
import { describeSchema, type EmptyDatabase, emptyDatabase, quiet, tracesOf } from './catalog.ts'
import { testSecret } from './setup.ts'

const appRole = 'masthead_app'
const all = readMigrations()
const newestOfTenants = all.filter(migration => migration.side === 'tenant').at(-1)

let base: EmptyDatabase
const made = new Set<string>()
beforeAll(async () => {
  base = await emptyDatabase()
  await migrate(base.owner, appRole, quiet)
})
afterAll(async () => {
  for (const id of made) await deleteTenantSchema(base.owner, id)
  await base.drop()
}, 60_000)

async function newTenant(slug: string, seed: (tenant: Tenant) => Promise<void> = async () => {}) {
  const tenant = await createTenant(base.owner, { slug, secret: testSecret, appRole }, async given => {
    made.add(given.id)
    await seed(given)
  })
  return tenant
}
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  )
const nothing = { tenants: 0, due: 0, directory: 0, schemas: 0, roles: 0, relations: 0 }

setDefaultTimeout(60_000)

describe('the ledger', () => {
  test('up on an empty database, all the way down, up again: the same schema', async () => {
    const fresh = await emptyDatabase()
    try {
      const before = await migrationStates(fresh.owner)
      expect(before.map(({ number, applied }) => ({ number, applied }))).toEqual(
        all.map(({ number }) => ({ number, applied: false })),
      )
      expect(await migrate(fresh.owner, appRole, quiet)).toBe(all.length)
      expect((await migrationStates(fresh.owner)).every(({ applied }) => applied)).toBe(true)
      const first = await describeSchema(fresh.owner, 'public')
      expect(first.length).toBeGreaterThan(40)
      expect(await migrate(fresh.owner, appRole, quiet)).toBe(0)

      expect(await migrateDown(fresh.owner, all.length, quiet)).toEqual(all.map(m => m.name).reverse())
      expect((await migrationStates(fresh.owner)).some(({ applied }) => applied)).toBe(false)
      const left = await describeSchema(fresh.owner, 'public')
      expect(
        left.filter(line => /^(column|table|function|policy)/.test(line) && !/ migrations[ .]/.test(line)),
      ).toEqual([])

      expect(await migrate(fresh.owner, appRole, quiet)).toBe(all.length)
      expect(await describeSchema(fresh.owner, 'public')).toEqual(first)
    } finally {
      await fresh.drop()
    }
  })

  test('a migration that was changed after it ran is refused by name', async () => {
    const [kept] = await base.owner`select checksum from public.migrations where number = 1`
    await base.owner`update public.migrations set checksum = 'of another text' where number = 1`
    try {
      const refused = await failureOf(migrate(base.owner, appRole, quiet))
      expect(refused).toBeInstanceOf(Stop)
      expect(String(refused)).toContain(`${all[0]?.name} was changed after it was applied`)
    } finally {
      await base.owner`update public.migrations set checksum = ${kept?.checksum} where number = 1`
    }
  })

  test('a database of a newer version is refused, up and down', async () => {
    const number = all.length + 1
    await base.owner`insert into public.migrations (number, name, side, checksum) values (${number}, 'later', 'public', '')`
    try {
      for (const attempt of [
        () => migrate(base.owner, appRole, quiet),
        () => migrateDown(base.owner, 1, quiet),
      ]) {
        const refused = await failureOf(attempt())
        expect(refused).toBeInstanceOf(Stop)
        expect(String(refused)).toContain(`igration ${number}`)
      }
    } finally {
      await base.owner`delete from public.migrations where number = ${number}`
    }
  })

  test('three processes that migrate the same empty database at once wait for each other', async () => {
    const fresh = await emptyDatabase()
    const code = `
      import { migrate } from './src/db/migrate.ts'
      import { openPool } from './src/db/pool.ts'
      import { createLog } from './src/lib/log.ts'
      const owner = openPool(${JSON.stringify(fresh.address(fresh.name))}, { name: 'racing', max: 4 })
      console.log(await migrate(owner, '${appRole}', createLog({ level: 'silent', json: false })))
      await owner.end()`
    try {
      // All three are held at the first thing they do, and let go once all three are there.
      const children = await fresh.owner.begin(async tx => {
        await tx`select pg_advisory_xact_lock(hashtext('masthead ledger'))`
        const started = [1, 2, 3].map(() =>
          Bun.spawn([process.execPath, '-e', code], {
            cwd: join(import.meta.dir, '..'),
            stdout: 'pipe',
            stderr: 'pipe',
          }),
        )
        for (let waiting = 0; waiting < started.length; await Bun.sleep(20)) {
          const [row] = await tx`
            select count(*)::int as waiting from pg_locks
            where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = ${fresh.name})`
          waiting = row?.waiting as number
          if (started.some(child => child.exitCode !== null)) break
        }
        return started
      })
      const outcomes = await Promise.all(
        children.map(async child => ({
          code: await child.exited,
          out: (await new Response(child.stdout).text()).trim(),
          err: await new Response(child.stderr).text(),
        })),
      )
      expect(outcomes.map(({ code, err }) => ({ code, err }))).toEqual(
        outcomes.map(() => ({ code: 0, err: '' })),
      )
      expect(outcomes.map(({ out }) => Number(out)).sort()).toEqual([0, 0, all.length])
      expect((await migrationStates(fresh.owner)).every(({ applied }) => applied)).toBe(true)
    } finally {
      await fresh.drop()
    }
  })
})

describe('tenants and migrations', () => {
  test('a tenant that was left behind catches up, and has the same schema as before', async () => {
    if (!newestOfTenants) throw new Error('there is no tenant migration')
    const [left, other] = [await newTenant('left-behind'), await newTenant('up-to-date')]
    const whole = await describeSchema(base.owner, left.schema)
    expect(await describeSchema(base.owner, other.schema)).toEqual(whole)

    expect(await applyTenantSchemaMigration(base.owner, left.id, newestOfTenants, 'down')).toBe(true)
    expect(await applyTenantSchemaMigration(base.owner, left.id, newestOfTenants, 'down')).toBe(false)
    const behind = (await migrationStates(base.owner)).find(m => m.number === newestOfTenants.number)
    expect(behind?.behind).toBe(1)
    expect(await migrate(base.owner, appRole, quiet)).toBe(1)
    expect(await describeSchema(base.owner, left.schema)).toEqual(whole)

    expect(await migrateDown(base.owner, all.length - newestOfTenants.number + 1, quiet)).toContain(
      newestOfTenants.name,
    )
    expect((await describeSchema(base.owner, left.schema)).length).toBeLessThan(whole.length)
    await migrate(base.owner, appRole, quiet)
    for (const tenant of [left, other]) expect(await describeSchema(base.owner, tenant.schema)).toEqual(whole)
  })

  test('a tenant that cannot be migrated is named and keeps its data; mended, the next run goes on', async () => {
    if (!newestOfTenants) throw new Error('there is no tenant migration')
    const tenant = await newTenant('in-the-way')
    await applyTenantSchemaMigration(base.owner, tenant.id, newestOfTenants, 'down')
    const [last] = /create table \{schema\}\.(\w+)/.exec(newestOfTenants.up)?.slice(1) ?? []
    await base.owner.unsafe(`create table ${tenant.schema}.${last} (kept text)`)
    const refused = await failureOf(migrate(base.owner, appRole, quiet))
    expect(refused).toBeInstanceOf(Stop)
    expect(String(refused)).toContain('in-the-way')
    const [row] =
      await base.owner`select schema_version, migration_error from public.tenants where id = ${tenant.id}`
    expect(row?.schema_version).toBe(newestOfTenants.number - 1)
    expect(row?.migration_error).toContain(newestOfTenants.name)
    expect(
      (await describeSchema(base.owner, tenant.schema)).filter(line => line.startsWith('column')),
    ).toHaveLength(1)
    await base.owner.unsafe(`drop table ${tenant.schema}.${last}`)
    expect(await migrate(base.owner, appRole, quiet)).toBe(1)
    const [mended] =
      await base.owner`select schema_version, migration_error from public.tenants where id = ${tenant.id}`
    expect({ ...mended }).toEqual({ schema_version: all.length, migration_error: null })
  })
})

describe('making and erasing a tenant', () => {
  test('nothing is left of an erased one: schema, role, directory, row; erasing again is fine', async () => {
    const tenant = await newTenant('short-lived', async ({ id, schema }) => {
      await base.owner`insert into public.sign_in_directory (address_hash, role, tenant_id) values ('\\x01', ${schema}, ${id})`
    })
    expect(await tracesOf(base.owner, tenant.id)).toMatchObject({
      tenants: 1,
      due: 1,
      directory: 1,
      schemas: 1,
      roles: 1,
    })
    await deleteTenantSchema(base.owner, tenant.id)
    expect(await tracesOf(base.owner, tenant.id)).toEqual(nothing)
    await deleteTenantSchema(base.owner, tenant.id)
  })

  test('nothing is left of one whose first rows fail, and its address is free again', async () => {
    let id = ''
    const failed = await failureOf(
      newTenant('never-born', async tenant => {
        id = tenant.id
        const [state] = await base.owner`select state from public.tenants where id = ${id}`
        expect(state?.state).toBe('creating')
        throw new Error('planned')
      }),
    )
    expect(String(failed)).toContain('planned')
    expect(await tracesOf(base.owner, id)).toEqual(nothing)
    expect((await newTenant('never-born')).slug).toBe('never-born')
  })

  test('an address that is taken or cannot be one is refused in words', async () => {
    await newTenant('only-one')
    expect(await failureOf(newTenant('only-one'))).toBeInstanceOf(Conflict)
    for (const slug of ['', '-x', 'x-', 'Über', 'a b', 'admin', 'api', 'x'.repeat(41), '../x', 'a;drop'])
      expect(await failureOf(newTenant(slug))).toBeInstanceOf(Invalid)
  })

  test('eight creations at once all succeed, and of two with one address one does', async () => {
    const born = await Promise.all(Array.from({ length: 8 }, (_, n) => newTenant(`together-${n}`)))
    const [first] = born
    const whole = await describeSchema(base.owner, first?.schema ?? '')
    for (const { schema } of born) expect(await describeSchema(base.owner, schema)).toEqual(whole)
    const race = await Promise.allSettled([newTenant('twin'), newTenant('twin'), newTenant('twin')])
    expect(race.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const lost of race) if (lost.status === 'rejected') expect(lost.reason).toBeInstanceOf(Conflict)
  })
})
