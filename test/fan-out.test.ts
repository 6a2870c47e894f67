import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { migrationStates } from '../src/db/ledger.ts'
import { migrate, migrateDown } from '../src/db/migrate.ts'
import { readMigrations } from '../src/db/migrations.ts'
import type { Tenant } from '../src/db/scope.ts'
import { createTenant, deleteTenantSchema } from '../src/db/tenants.ts'
import { Stop } from '../src/errors.ts'
import { describeSchema, type EmptyDatabase, emptyDatabase, quiet } from './catalog.ts'
import { type Extra, migrationsToCome, wider } from './extra-migrations.ts'
import { testSecret } from './setup.ts'

setDefaultTimeout(90_000)

const appRole = 'masthead_app'
const known = readMigrations().length
const many = 64

let base: EmptyDatabase
const tenants: Tenant[] = []
beforeAll(async () => {
  base = await emptyDatabase()
  await migrate(base.owner, appRole, quiet)
  for (let made = 0; made < many; made += 4)
    tenants.push(...(await Promise.all([0, 1, 2, 3].map(n => newTenant(`team-${made + n}`)))))
})
afterAll(async () => {
  for (const { id } of tenants) await deleteTenantSchema(base.owner, id)
  await base.drop()
})

const newTenant = (slug: string) =>
  createTenant(base.owner, { slug, secret: testSecret, appRole }, async () => {})

/** Slow enough to be met half-way. */
const slow: Extra = {
  side: 'tenant',
  up: `${wider.up}select pg_sleep(0.03) from {schema}.workspace right join (select 1) one on true;\n`,
  down: `${wider.down}select pg_sleep(0.03) from {schema}.workspace right join (select 1) one on true;\n`,
}

let undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of undo.reverse()) await step()
  undo = []
})

/** Migrations of a version to come; the test ends with the database as it was before. */
function toCome(...extras: Extra[]) {
  const made = migrationsToCome(...extras)
  undo.push(async () => {
    await migrateDown(base.owner, { to: known }, quiet, { folder: made.folder })
    made.remove()
  })
  return made
}

/** How many tenants stand at each level; each has the column exactly if its level says so. */
async function levels(): Promise<Record<number, number>> {
  const rows = await base.owner`
    select t.schema_version as level, count(*)::int as tenants, count(a.attname)::int as columns,
      count(c.oid)::int as indexes
    from public.tenants t
    left join pg_attribute a on a.attrelid = to_regclass(t.schema_name || '.content') and a.attname = 'campaign'
    left join pg_class c on c.oid = to_regclass(t.schema_name || '.content_campaign')
    group by 1 order by 1`
  for (const row of rows) {
    const there = (row.level as number) > known ? row.tenants : 0
    expect({ ...row }).toMatchObject({ columns: there, indexes: there })
  }
  return Object.fromEntries(rows.map(row => [row.level, row.tenants]))
}

const sameSchemas = async () => {
  const [first, ...others] = await Promise.all(
    tenants.map(({ schema }) => describeSchema(base.owner, schema)),
  )
  for (const other of others) expect(other).toEqual(first as string[])
}

function child(folder: string, call = 'migrate(owner, role, log, { folder })') {
  const code = `
    import { migrate, migrateDown } from './src/db/migrate.ts'
    import { openPool } from './src/db/pool.ts'
    import { createLog } from './src/lib/log.ts'
    const owner = openPool(${JSON.stringify(base.address(base.name))}, { name: 'a run', max: 4 })
    const [role, folder, log] = ['${appRole}', ${JSON.stringify(folder)}, createLog({ level: 'silent', json: false })]
    const { names, moved, failed } = await ${call}
    console.log(JSON.stringify({ names, moved, failed }))
    await owner.end()`
  const run = Bun.spawn([process.execPath, '-e', code], {
    cwd: join(import.meta.dir, '..'),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const ended = (async () => {
    const [out, err] = await Promise.all([new Response(run.stdout).text(), new Response(run.stderr).text()])
    return { code: await run.exited, out: out.trim(), err }
  })()
  return { run, ended }
}

/** Waits until so many tenants are on the far side, then kills the run. */
async function killAt(one: ReturnType<typeof child>, direction: 'up' | 'down', atLeast: number) {
  for (let there = 0; there < atLeast; await Bun.sleep(5)) {
    const [row] = await base.owner`
      select count(*) filter (where schema_version > ${known})::int as ahead, count(*)::int as total from public.tenants`
    there = direction === 'up' ? (row?.ahead as number) : (row?.total as number) - (row?.ahead as number)
    expect(one.run.exitCode).toBeNull()
  }
  one.run.kill('SIGKILL')
  await one.ended
  // The server ends what the dead process had open.
  for (let open = 1; open > 0; await Bun.sleep(20)) {
    const [row] = await base.owner`
      select count(*)::int as open from pg_stat_activity
      where datname = current_database() and application_name like 'masthead migr%'`
    open = row?.open as number
  }
}

describe('a run over many tenants', () => {
  test('killed half-way, up and down, the next run finishes and every tenant is exactly there', async () => {
    const { folder } = toCome(slow)
    const first = child(folder)
    await killAt(first, 'up', 15)
    const half = await levels()
    expect(half[known]).toBeGreaterThan(0)
    expect(half[known + 1]).toBeGreaterThanOrEqual(15)
    // The lock went with the process, so nobody waits for the dead.
    const second = await child(folder).ended
    expect([second.code, second.err]).toEqual([0, ''])
    expect(JSON.parse(second.out)).toMatchObject({ moved: half[known], failed: [] })
    expect(await levels()).toEqual({ [known + 1]: many })
    await sameSchemas()

    const back = `migrateDown(owner, { to: ${known} }, log, { folder })`
    await killAt(child(folder, back), 'down', 15)
    const halfBack = await levels()
    expect(halfBack[known + 1]).toBeGreaterThan(0)
    expect((await migrationStates(base.owner, folder)).at(-1)).toMatchObject({ applied: true })
    const again = await child(folder, back).ended
    expect(JSON.parse(again.out)).toMatchObject({ moved: halfBack[known + 1], failed: [] })
    expect(await levels()).toEqual({ [known]: many })
    expect((await migrationStates(base.owner, folder)).at(-1)).toMatchObject({ applied: false })
    await sameSchemas()
    console.log(
      `fan-out: ${many} workspaces; killed at ${half[known + 1]} up and ${halfBack[known]} down, finished by the next run, 0 between levels`,
    )
  })

  test('two runs at once wait for each other: each tenant is moved once', async () => {
    const { folder } = toCome(slow)
    const ended = await Promise.all([child(folder), child(folder)].map(one => one.ended))
    expect(ended.map(({ code, err }) => ({ code, err }))).toEqual([
      { code: 0, err: '' },
      { code: 0, err: '' },
    ])
    const moved = ended.map(({ out }) => JSON.parse(out).moved as number).sort((a, b) => a - b)
    expect(moved).toEqual([0, many])
  })

  test('a run that loses its lock begins no further tenant, and says so; the next one goes on', async () => {
    const { folder } = toCome(slow)
    const running = migrate(base.owner, appRole, quiet, { folder }).then(
      () => null,
      (error: unknown) => error,
    )
    for (let ahead = 0; ahead < 5; await Bun.sleep(5)) ahead = (await levels())[known + 1] ?? 0
    await base.owner`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'masthead migrate'`
    const error = await running
    expect(error).toBeInstanceOf(Stop)
    expect(String(error)).toContain('run the same command again')
    expect((await levels())[known]).toBeGreaterThan(0)
    await migrate(base.owner, appRole, quiet, { folder })
    expect(await levels()).toEqual({ [known + 1]: many })
  })

  test('nothing holds back vacuum while it runs: no transaction is open but those of the tenants', async () => {
    const { folder } = toCome(slow)
    let done = false
    const running = migrate(base.owner, appRole, quiet, { folder }).finally(() => {
      done = true
    })
    let oldest = 0
    let looks = 0
    while (!done) {
      const [row] = await base.owner`
        select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8 as seconds
        from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
      oldest = Math.max(oldest, row?.seconds as number)
      looks++
      await Bun.sleep(20)
    }
    const { moved } = await running
    expect(moved).toBe(many)
    expect(looks).toBeGreaterThan(5)
    expect(oldest).toBeLessThan(0.4)
  })
})

describe('tenants that stand in the way', () => {
  test('one that fails is recorded and named, the rest go on, and mended it follows', async () => {
    const { folder, added } = toCome(wider)
    const [name = ''] = added.map(migration => migration.name)
    const [one, other] = [tenants[3], tenants[40]] as [Tenant, Tenant]
    for (const { schema } of [one, other])
      await base.owner.unsafe(`alter table ${schema}.content add column campaign text`)
    const { names, moved, failed } = await migrate(base.owner, appRole, quiet, { folder })
    expect([names, moved]).toEqual([[name], many - 2])
    expect(failed.map(({ slug, migration, reason }) => ({ slug, migration, reason }))).toEqual(
      [one, other]
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ slug }) => ({
          slug,
          migration: name,
          reason: 'column "campaign" of relation "content" already exists',
        })),
    )
    const rows = await base.owner`
      select slug, schema_version, migration_error from public.tenants where migration_error is not null`
    expect(rows.map(row => row.slug).sort()).toEqual([one.slug, other.slug].sort())
    for (const row of rows) {
      expect(row.schema_version).toBe(known)
      expect(row.migration_error).toBe(`${name}: column "campaign" of relation "content" already exists`)
    }
    expect((await migrationStates(base.owner, folder)).at(-1)).toMatchObject({ applied: true, behind: 2 })

    for (const { schema } of [one, other])
      await base.owner.unsafe(`alter table ${schema}.content drop column campaign`)
    expect(await migrate(base.owner, appRole, quiet, { folder })).toEqual({ names: [], moved: 2, failed: [] })
    const left = await base.owner`select slug from public.tenants where migration_error is not null`
    expect(left).toHaveLength(0)
    expect(await levels()).toEqual({ [known + 1]: many })
    await sameSchemas()
  })

  test('one whose tables are in use goes to the back of the line, and is not waited for', async () => {
    const { folder } = toCome(wider)
    const busy = tenants[0] as Tenant
    const release = Promise.withResolvers<void>()
    const held = base.owner.begin(async tx => {
      await tx.unsafe(`select 1 from ${busy.schema}.content`)
      await release.promise
    })
    const order: number[] = []
    const running = migrate(base.owner, appRole, quiet, { folder, onProgress: done => order.push(done) })
    while ((order.at(-1) ?? 0) < many - 1) await Bun.sleep(5)
    expect(await levels()).toEqual({ [known]: 1, [known + 1]: many - 1 })
    // Its people stand behind the migration for two seconds at most, however long it has to wait.
    await base.owner.begin(async tx => {
      await tx`set local statement_timeout = '5s'`
      await tx.unsafe(`select 1 from ${busy.schema}.content`)
    })
    release.resolve()
    await held
    expect(await running).toMatchObject({ moved: many, failed: [] })
    expect(await levels()).toEqual({ [known + 1]: many })
  })

  test('one that another process holds all the time is left behind in words', async () => {
    const { folder, added } = toCome(wider)
    const held = tenants[7] as Tenant
    const { failed, moved } = await base.owner
      .begin(async tx => {
        await tx`select 1 from public.tenants where id = ${held.id} for no key update`
        const release = Promise.withResolvers<void>()
        // What is recorded about it waits for the same row.
        const waiting = setInterval(async () => {
          const [row] = await base.owner`
          select count(*)::int as waiting from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query ilike 'update public.tenants set migration_error%'`
          if (row?.waiting) release.resolve()
        }, 100)
        const running = migrate(base.owner, appRole, quiet, { folder })
        await release.promise
        clearInterval(waiting)
        return { running }
      })
      .then(({ running }) => running)
    expect(moved).toBe(many - 1)
    expect(failed).toEqual([
      {
        id: held.id,
        slug: held.slug,
        migration: added[0]?.name as string,
        reason: 'its tables were in use all the time',
      },
    ])
    expect(await migrate(base.owner, appRole, quiet, { folder })).toMatchObject({ moved: 1, failed: [] })
  })

  test('a suspended one is migrated, one that is being erased is left alone', async () => {
    const [suspended, erasing] = [tenants[1], tenants[2]] as [Tenant, Tenant]
    const { folder } = toCome(wider)
    const set = (id: string, state: string) =>
      base.owner`update public.tenants set state = ${state} where id = ${id}`
    await set(suspended.id, 'suspended')
    await set(erasing.id, 'erasing')
    try {
      expect(await migrate(base.owner, appRole, quiet, { folder })).toMatchObject({
        moved: many - 1,
        failed: [],
      })
      const [row] = await base.owner`select schema_version from public.tenants where id = ${erasing.id}`
      expect(row?.schema_version).toBe(known)
    } finally {
      for (const { id } of [suspended, erasing]) await set(id, 'active')
    }
  })
})

test('shared and tenant migrations come in the order of their numbers; a tenant takes several in a row', async () => {
  const shared = (table: string): Extra => ({
    side: 'public',
    up: `create table public.${table} (id uuid primary key);\n`,
    down: `drop table public.${table};\n`,
  })
  const note = (column: string, needs: string): Extra => ({
    side: 'tenant',
    up: `alter table {schema}.content add column ${column} uuid references public.${needs} (id);\n`,
    down: `alter table {schema}.content drop column ${column};\n`,
  })
  const { folder, added } = toCome(
    wider,
    shared('campaigns'),
    note('a', 'campaigns'),
    note('b', 'campaigns'),
    shared('brands'),
    note('c', 'brands'),
  )
  const before = await describeSchema(base.owner, tenants[0]?.schema ?? '')
  const up = await migrate(base.owner, appRole, quiet, { folder, workers: 8 })
  expect(up).toEqual({ names: added.map(({ name }) => name), moved: 3 * many, failed: [] })
  const down = await migrateDown(base.owner, { to: known }, quiet, { folder })
  expect(down).toEqual({ names: added.map(({ name }) => name).reverse(), moved: 3 * many, failed: [] })
  expect(await describeSchema(base.owner, tenants[0]?.schema ?? '')).toEqual(before)
  await sameSchemas()
})
