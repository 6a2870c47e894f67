import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { migrationStates } from '../src/db/ledger.ts'
import { migrate, migrateDown } from '../src/db/migrate.ts'
import { readMigrations } from '../src/db/migrations.ts'
import type { Sql } from '../src/db/pool.ts'
import type { Tenant } from '../src/db/scope.ts'
import { applyTenantSchemaMigration, createTenant, deleteTenantSchema } from '../src/db/tenants.ts'
import { Conflict, Invalid, Stop } from '../src/errors.ts'
import { openHouse } from './cast.ts'
import { describeSchema, type EmptyDatabase, emptyDatabase, quiet, tracesOf } from './catalog.ts'
import { migrationsToCome, wider } from './extra-migrations.ts'
import { testSecret } from './setup.ts'
import { buildWorld } from './world.ts'

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
      expect((await migrate(fresh.owner, appRole, quiet)).names).toEqual(all.map(m => m.name))
      expect((await migrationStates(fresh.owner)).every(({ applied }) => applied)).toBe(true)
      const first = await describeSchema(fresh.owner, 'public')
      expect(first.length).toBeGreaterThan(40)
      expect(await migrate(fresh.owner, appRole, quiet)).toEqual({ names: [], moved: 0, failed: [] })

      expect((await migrateDown(fresh.owner, all.length, quiet)).names).toEqual(
        all.map(m => m.name).reverse(),
      )
      expect((await migrationStates(fresh.owner)).some(({ applied }) => applied)).toBe(false)
      const left = await describeSchema(fresh.owner, 'public')
      expect(
        left.filter(line => /^(column|table|function|policy)/.test(line) && !/ migrations[ .]/.test(line)),
      ).toEqual([])

      expect((await migrate(fresh.owner, appRole, quiet)).names).toEqual(all.map(m => m.name))
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
      const { names } = await migrate(owner, '${appRole}', createLog({ level: 'silent', json: false }))
      console.log(names.length)
      await owner.end()`
    try {
      // The first is held at the first thing it writes, and let go once all three are there.
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
          const [row] = await base.owner`
            select count(*) filter (where application_name = 'masthead migrate')::int as runs,
              count(*) filter (where application_name = 'racing' and wait_event_type = 'Lock')::int as held
            from pg_stat_activity where datname = ${fresh.name}`
          waiting = row?.held ? (row.runs as number) : 0
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
    expect(await migrate(base.owner, appRole, quiet)).toEqual({ names: [], moved: 1, failed: [] })
    expect(await describeSchema(base.owner, left.schema)).toEqual(whole)

    expect((await migrateDown(base.owner, { to: newestOfTenants.number - 1 }, quiet)).names).toContain(
      newestOfTenants.name,
    )
    for (const { schema } of [left, other])
      expect(await describeSchema(base.owner, schema)).not.toEqual(whole)
    await migrate(base.owner, appRole, quiet)
    for (const { schema } of [left, other]) expect(await describeSchema(base.owner, schema)).toEqual(whole)
  })

  test('the first migration is not undone while there are workspaces', async () => {
    await newTenant('still-here')
    const refused = await failureOf(migrateDown(base.owner, all.length, quiet))
    expect(refused).toBeInstanceOf(Stop)
    expect(String(refused)).toContain('erase them first')
    expect((await migrationStates(base.owner)).every(({ applied }) => applied)).toBe(true)
  })

  test('a workspace that the version before makes is made at its level, and catches up', async () => {
    const toCome = migrationsToCome(wider)
    const goal = all.length + 1
    try {
      await migrate(base.owner, appRole, quiet, { folder: toCome.folder })
      const tenant = await newTenant('made-by-the-old')
      const level = async () =>
        (await base.owner`select schema_version from public.tenants where id = ${tenant.id}`)[0]
          ?.schema_version
      expect(await level()).toBe(all.length)
      expect(await migrate(base.owner, appRole, quiet, { folder: toCome.folder })).toMatchObject({ moved: 1 })
      expect(await level()).toBe(goal)
      await migrateDown(base.owner, { to: all.length }, quiet, { folder: toCome.folder })
    } finally {
      toCome.remove()
    }
  })
})

describe('every migration that has landed', () => {
  test.each(all.filter(({ number }) => number > 1).reverse())(
    'up, down, up of $name with workspaces and what they hold: the same schema',
    async ({ number }) => {
      const house = await openHouse()
      try {
        await buildWorld(house, house.alice, 'northwind')
        await buildWorld(house, house.dan, 'southpaw')
        const { owner } = house.services.db
        const schemas = ['public', house.alice.tenant.schema, house.dan.tenant.schema]
        const describeAll = () => Promise.all(schemas.map(schema => describeSchema(owner, schema)))
        const whole = await describeAll()
        const before = await rowsOf(owner, schemas)
        const down = await migrateDown(owner, { to: number - 1 }, quiet)
        expect(down.names).toHaveLength(all.length - number + 1)
        expect(down.failed).toEqual([])
        expect(await describeAll()).not.toEqual(whole)
        const between = await rowsOf(owner, schemas)
        // What stays keeps its rows; what the undone migrations had made is gone.
        for (const [table, rows] of Object.entries(between))
          if (!table.endsWith('.migrations')) expect([table, rows]).toEqual([table, before[table] ?? 0])
        await migrate(owner, appRole, quiet)
        expect(await describeAll()).toEqual(whole)
        expect(await rowsOf(owner, schemas)).toMatchObject({ ...between, 'public.migrations': all.length })
      } finally {
        await house.close()
      }
    },
  )
})

/** Rows by table, `schema.table`. */
async function rowsOf(owner: Sql, schemas: string[]): Promise<Record<string, number>> {
  const tables = await owner`
    select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = any(${schemas}) order by 1`
  const counted = tables.map(async ({ name }) => {
    const [row] = await owner.unsafe(`select count(*)::int as rows from ${name}`)
    return [name, row?.rows] as const
  })
  return Object.fromEntries(await Promise.all(counted))
}

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
