import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { cloneSchema } from '../src/db/clone.ts'
import { takeInventory } from '../src/db/inventory.ts'
import { migrate, migrateDown } from '../src/db/migrate.ts'
import { readMigrations } from '../src/db/migrations.ts'
import type { Sql } from '../src/db/pool.ts'
import { applyTenantSchemaMigration } from '../src/db/tenants.ts'
import { checkUpgrade, type UpgradeCheck } from '../src/db/upgrade-check.ts'
import { Stop } from '../src/errors.ts'
import { type House, openHouse } from './cast.ts'
import { describeSchema, quiet } from './catalog.ts'
import { type Extra, migrationsToCome, wider } from './extra-migrations.ts'
import { buildWorld } from './world.ts'

setDefaultTimeout(90_000)

const all = readMigrations()
const newest = all.findLast(({ side }) => side === 'tenant')

let house: House
let schemas: string[]
beforeAll(async () => {
  house = await openHouse()
  await buildWorld(house, house.alice, 'northwind')
  await buildWorld(house, house.dan, 'southpaw')
  schemas = ['public', house.alice.tenant.schema, house.dan.tenant.schema]
})
afterAll(() => house.close())

let undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.reverse()) await step()
  undo = []
  expect(await leftovers()).toEqual([])
})

async function leftovers(): Promise<string[]> {
  const rows = await house.services.db.owner`
    select nspname from pg_namespace where nspname !~ '^(pg_|tenant_)' and nspname not in ('public', 'information_schema')`
  return rows.map(row => row.nspname as string)
}

const check = async (extras: Extra[], more: { slug?: string; free?: number | null } = {}) => {
  const { folder, remove } = migrationsToCome(...extras)
  undo.push(remove)
  return checkUpgrade(house.services.db.owner, { workers: 2, free: null, folder, ...more })
}
const words = (check: UpgradeCheck | null, kind: 'problems' | 'changes') =>
  check?.[kind].map(({ words: said, slugs }) => [said, ...slugs].join(' | '))
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  )

/** Everything the live database holds: definitions, and a sum over each table's rows. */
async function fingerprint() {
  const { owner } = house.services.db
  const tables = await owner`
    select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = any(${schemas}) order by 1`
  const sums = tables.map(async ({ name }) => {
    const [row] = await owner.unsafe(
      `select count(*)::int as rows, sum(hashtextextended(t::text, 0)::numeric)::text as sum from ${name} t`,
    )
    return [name, { ...row }]
  })
  return [await Promise.all(schemas.map(schema => describeSchema(owner, schema))), await Promise.all(sums)]
}

const tenantSide = (up: string, down = ''): Extra => ({ side: 'tenant', up, down })

test('a copy is the schema as it is: columns, keys, indexes, triggers, policies, functions and rows', async () => {
  const { owner } = house.services.db
  // Privileges, and with them the roles of policies, are left out.
  const withoutRoles = (lines: string[]) =>
    lines
      .filter(line => !/^(grant|default|schema) /.test(line))
      .map(line =>
        line
          .replace(/^(table \S+) .*?((?:\{\w+=\d+\})? (?:true|false))$/, '$1 $2')
          .replace(/^(policy \S+ \S+) \{\S+\}/, '$1'),
      )
      .map(line => line.replace(/(\$function\$\s) .*$/s, '$1'))
  const rolledBack = new Error('planned')
  for (const schema of schemas) {
    const original = withoutRoles(await describeSchema(owner, schema))
    await owner
      .begin(async tx => {
        await cloneSchema(tx, schema, 'masthead_copy')
        const copy = withoutRoles(await describeSchema(tx as unknown as Sql, 'masthead_copy'))
        const plain = (lines: string[]) =>
          lines.map(line => line.replaceAll('{schema}.', '').replaceAll('public.', ''))
        expect(plain(copy).sort()).toEqual(plain(original).sort())
        // A key that led to a live table would lock it.
        const outside = await tx`
          select k.conname from pg_constraint k join pg_class f on f.oid = k.confrelid
          where k.connamespace = 'masthead_copy'::regnamespace and f.relnamespace <> k.connamespace`
        expect([...outside]).toEqual([])
        const counts = async (of: string) => [...(await takeInventory(tx, of)).tables]
        expect(await counts('masthead_copy')).toEqual(await counts(schema))
        throw rolledBack
      })
      .catch(error => {
        if (error !== rolledBack) throw error
      })
  }
})

describe('a rehearsal', () => {
  test('of nothing says so', async () => {
    expect(await check([])).toBeNull()
    expect(await check([], { slug: 'southpaw' })).toBeNull()
  })

  test('of all workspaces goes through, tells time and room, and leaves nothing', async () => {
    const before = await fingerprint()
    const result = await check([wider])
    expect(result).toMatchObject({
      pending: [{ number: all.length + 1, side: 'tenant' }],
      tenants: 2,
      rehearsed: 2,
      problems: [],
      changes: [],
      diskFree: null,
    })
    expect(result?.estimateSeconds).toBeGreaterThan(0)
    expect(result?.estimateSeconds).toBeLessThan(result?.seconds ?? 0)
    expect(['northwind', 'southpaw']).toContain(result?.slowest?.slug as string)
    // An index of its own is written, and the log file's size comes on top.
    expect(result?.diskNeeded).toBeGreaterThan(16 * 1024 * 1024 + 2 * 2 * 8192 - 1)
    expect(await fingerprint()).toEqual(before)
  })

  test('of one workspace reckons for all', async () => {
    const result = await check([wider], { slug: 'northwind' })
    expect(result).toMatchObject({ tenants: 2, rehearsed: 1, slowest: { slug: 'northwind' } })
    const unknown = await failureOf(check([wider], { slug: 'nowhere' }))
    expect(unknown).toBeInstanceOf(Stop)
    expect(String(unknown)).toContain('There is no workspace "nowhere"')
  })

  test('finds the workspace that something grew in by hand', async () => {
    const { owner } = house.services.db
    const { schema } = house.dan.tenant
    await owner.unsafe(`alter table ${schema}.content add column campaign text`)
    undo.push(() => owner.unsafe(`alter table ${schema}.content drop column campaign`))
    expect(words(await check([wider]), 'problems')).toEqual([
      `${String(all.length + 1).padStart(4, '0')}_to_come fails: column "campaign" of relation "content" already exists | southpaw`,
    ])
  })

  test('finds the rows that would not fit, and names no copy', async () => {
    const strict = tenantSide(
      'alter table {schema}.content add constraint short check (cardinality(tags) = 0);\n',
    )
    const problems = words(await check([strict]), 'problems') ?? []
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('is violated by some row')
    expect(problems[0]).not.toContain('rehearsal')
  })

  test('finds rows that would be lost, and says where', async () => {
    const losing = tenantSide(`delete from {schema}.comments;\ndrop table {schema}.notifications;\n`)
    const problems = words(await check([losing]), 'problems') ?? []
    expect(problems).toContain('comments has 1 row fewer | northwind | southpaw')
    expect(problems.some(said => /^notifications is gone with \d+ rows? \|/.test(said))).toBe(true)
  })

  test('tells what changes in what was there, by table and column', async () => {
    const changing = tenantSide(
      `update {schema}.social_accounts set handle = handle || '!';
insert into {schema}.teams (id, name) values ('00000000-0000-7000-8000-000000000001', 'Everybody');
alter table {schema}.media drop column name;
`,
    )
    const result = await check([changing])
    expect(result?.problems).toEqual([])
    expect(words(result, 'changes')?.sort()).toEqual(
      [
        'media.name is gone | northwind | southpaw',
        'social_accounts has other values in handle, updated_at | northwind | southpaw',
        'teams has 1 row more | northwind | southpaw',
        'the accounts read otherwise than before | northwind | southpaw',
      ].sort(),
    )
  })

  test('finds that a workspace could not be read any more', async () => {
    const renaming = tenantSide('alter table {schema}.publish_jobs rename column zone to time_zone;\n')
    expect(words(await check([renaming]), 'problems')).toEqual([
      'a month of the calendar cannot be read afterwards (column j.zone does not exist) | northwind | southpaw',
    ])
  })

  test('of shared migrations works on copies of the shared tables, also where tenants need them', async () => {
    const before = await fingerprint()
    const shared: Extra = {
      side: 'public',
      up: `create table public.campaigns (id uuid primary key, tenant_id uuid not null references public.tenants (id));
alter table public.tenants add column plan text not null default 'small';
alter policy own on public.tenant_due using (role = current_user);
drop policy clock on public.tenant_due;
create policy clock on public.tenant_due for select to {app} using (true);
grant select on public.campaigns to {app};
update public.countries set name = upper(name) where code = 'DE';
`,
      down: '',
    }
    const needing = tenantSide(
      `alter table {schema}.content add column campaign uuid references public.campaigns (id);
grant select on {schema}.content to {schema};
revoke update on {schema}.content from {schema};
`,
    )
    // Nobody is kept waiting for the shared tables meanwhile.
    const traffic = (async () => {
      const statuses: number[] = []
      for (let n = 0; n < 20; n++) {
        house.services.db.forgetTenant(house.alice.tenant.id)
        statuses.push((await house.alice.api('GET', '/content')).status)
      }
      return statuses
    })()
    const result = await check([shared, needing])
    expect(result).toMatchObject({ problems: [], rehearsed: 2 })
    expect(words(result, 'changes')).toEqual(['countries has other values in name'])
    expect(new Set(await traffic)).toEqual(new Set([200]))
    expect(await fingerprint()).toEqual(before)

    const broken: Extra = {
      side: 'public',
      up: 'alter table public.tenants add column slug text;\n',
      down: '',
    }
    const problems = words(await check([broken]), 'problems')
    expect(problems).toEqual([
      `${String(all.length + 1).padStart(4, '0')}_to_come fails: column "slug" of relation "tenants" already exists`,
    ])
  })

  test('starts from the level where each workspace stands', async () => {
    if (!newest) throw new Error('there is no tenant migration')
    const { owner } = house.services.db
    await applyTenantSchemaMigration(owner, house.dan.tenant.id, newest, 'down')
    undo.push(() => migrate(owner, 'masthead_app', quiet))
    const one = await check([])
    expect(one).toMatchObject({ pending: [{ name: newest.name }], tenants: 1, rehearsed: 1, problems: [] })
    expect(await check([wider])).toMatchObject({
      tenants: 2,
      pending: [{ name: newest.name }, {}],
      problems: [],
    })
    expect(await check([wider], { slug: 'northwind' })).toMatchObject({
      pending: [{ number: all.length + 1 }],
    })
  })

  test('refuses where the copies or the upgrade would fill the disk', async () => {
    const cramped = await failureOf(check([wider], { free: 100_000 }))
    expect(cramped).toBeInstanceOf(Stop)
    expect(String(cramped)).toContain('make room first')
    const tight = await check([wider], { free: 12_000_000 })
    expect(words(tight, 'problems')?.[0]).toMatch(/^it writes up to \d+ MB, and 12 MB are free$/)
  })

  test('killed in the middle leaves nothing', async () => {
    const { owner } = house.services.db
    const { folder, remove } = migrationsToCome(tenantSide(`${wider.up}select pg_sleep(20);\n`, wider.down))
    undo.push(remove)
    const [row] = await owner`select current_database() as name`
    const code = `
      import { checkUpgrade } from './src/db/upgrade-check.ts'
      import { openPool } from './src/db/pool.ts'
      const owner = openPool(JSON.parse(process.env.ADDRESS), { name: 'a check', max: 2 })
      await checkUpgrade(owner, { workers: 2, free: null, folder: ${JSON.stringify(folder)} })`
    const { testServer } = await import('./setup.ts')
    const child = Bun.spawn([process.execPath, '-e', code], {
      cwd: join(import.meta.dir, '..'),
      env: { ...process.env, ADDRESS: JSON.stringify((await testServer())(row?.name as string)) },
    })
    const sleeping = async () =>
      (
        await owner`
          select pid from pg_stat_activity
          where datname = current_database() and application_name = 'masthead rehearsal' and wait_event = 'PgSleep'`
      ).map(({ pid }) => pid as number)
    while ((await sleeping()).length < 2) await Bun.sleep(20)
    child.kill('SIGKILL')
    await child.exited
    // The server looks at the socket when the statement is over; that need not be waited for here.
    for (const pid of await sleeping()) await owner`select pg_terminate_backend(${pid})`
    while ((await sleeping()).length > 0) await Bun.sleep(20)
    expect(await leftovers()).toEqual([])
    for (const { tenant } of [house.alice, house.dan])
      expect(await describeSchema(owner, tenant.schema)).toEqual(
        await describeSchema(owner, house.alice.tenant.schema),
      )
  })

  test('agrees with what the migration then does, and costs less than it says', async () => {
    const { owner } = house.services.db
    const toCome = migrationsToCome(wider)
    undo.push(async () => {
      await migrateDown(owner, { to: all.length }, quiet, { folder: toCome.folder })
      toCome.remove()
    })
    const result = await checkUpgrade(owner, { workers: 2, free: null, folder: toCome.folder })
    const [before] = await owner`select pg_database_size(current_database())::float8 as bytes`
    const done = await migrate(owner, 'masthead_app', quiet, { folder: toCome.folder })
    const [after] = await owner`select pg_database_size(current_database())::float8 as bytes`
    expect(done).toMatchObject({ moved: 2, failed: [] })
    expect((after?.bytes as number) - (before?.bytes as number)).toBeLessThan(result?.diskNeeded ?? 0)
  })
})
