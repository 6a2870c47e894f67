import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Actor, Scope } from '../src/db/scope.ts'
import { newId } from '../src/lib/id.ts'
import { cloneDatabase } from './setup.ts'
import { sourceFiles } from './sources.ts'

setDefaultTimeout(60_000)

let clone: Awaited<ReturnType<typeof cloneDatabase>>
let dan: Actor
let alices: string
let dans: string
beforeAll(async () => {
  clone = await cloneDatabase()
  alices = clone.cast.alice.tenant.schema
  dans = clone.cast.dan.tenant.schema
  dan = { tenantId: clone.cast.dan.tenant.id, userId: clone.cast.dan.id, role: 'owner' }
})
afterAll(() => clone.drop())

/** Sends a text as it is, the way a query written into the code would be sent. */
const say = (scope: Scope, text: string) =>
  scope.sql(Object.assign([text], { raw: [text] }) as unknown as TemplateStringsArray)

/** What PostgreSQL answers in Dan's scope: the error's code, or how many rows. */
const asDan = (text: string): Promise<string | number> =>
  clone.db
    .within(dan, async scope => (await say(scope, text)).count)
    .catch(error => (error as { code?: string }).code ?? String(error))

const denied = '42501'

describe('SQL in one tenant’s scope that names another’s schema', () => {
  test.each([
    'select id from {alice}.users',
    'select count(*) from {alice}.content',
    'select 1 from workspace, {alice}.workspace',
    "insert into {alice}.teams (id, name) values ('{id}', 'x')",
    'insert into teams (id, name) select id, name from {alice}.users',
    "update {alice}.users set name = 'x'",
    'delete from {alice}.users',
    'truncate {alice}.users',
    'lock table {alice}.users',
    'drop table {alice}.users',
    'drop schema {alice} cascade',
    'create table {alice}.mine (id uuid)',
    'create view {alice}.mine as select 1',
    'alter table {alice}.users add column mine text',
    'create index on {alice}.users (id)',
    'grant usage on schema {alice} to {dan}',
    'alter schema {alice} rename to mine',
    'comment on table {alice}.users is null',
    'copy {alice}.users to stdout',
    'explain analyze select id from {alice}.users',
  ])('%s is refused', async text => {
    const sql = text.replaceAll('{alice}', alices).replaceAll('{dan}', dans).replace('{id}', newId())
    expect(await asDan(sql)).toBe(denied)
  })

  test.each([
    'create table mine (id uuid)',
    'create table {dan}.mine (id uuid)',
    'create table public.mine (id uuid)',
    'create schema mine',
    'create role mine',
    'drop table {dan}.users',
    'truncate {dan}.users',
    'alter table {dan}.users add column mine text',
    'drop schema {dan} cascade',
    "update content_versions set text = 'x'",
    'delete from content_versions',
    "update events set type = 'x'",
    'delete from events',
    'alter role {alice} login',
    "create function public.clock2() returns int language sql as 'select 1'",
    "create or replace function public.clock() returns timestamptz language sql as 'select now()'",
    "select pg_read_file('/etc/passwd')",
    'select rolpassword from pg_authid',
    "select lo_import('/etc/passwd')",
    "copy users to '/tmp/users'",
    "copy users from program 'id'",
  ])('nor may it change what it is made of: %s', async text => {
    const sql = text.replaceAll('{dan}', dans).replaceAll('{alice}', alices)
    expect(await asDan(sql)).toBe(denied)
  })
})

describe('the shared tables', () => {
  test('who the tenants are, their keys and the migrations are not a tenant’s to read', async () => {
    for (const sql of [
      'select id from public.tenants',
      'select data_key from public.tenants',
      'select number from public.migrations',
      "update public.tenants set slug = 'x'",
      'delete from public.tenants',
      "update public.countries set name = 'x'",
      'delete from public.platforms',
      "insert into public.timezones (name) values ('x')",
    ])
      expect({ sql, answer: await asDan(sql) }).toEqual({ sql, answer: denied })
    for (const table of ['countries', 'timezones', 'platforms'])
      expect(await asDan(`select 1 from ${table}`)).toBeGreaterThan(0)
  })

  test('of what is due a tenant sees and lowers its own row only', async () => {
    const { owner } = clone.db
    const of = async (schema: string) =>
      (await owner`select tenant_id, role, next_due_at from public.tenant_due where role = ${schema}`)[0]
    const before = await of(alices)
    const rows = await clone.db.within(dan, scope => scope.sql`select role from tenant_due`)
    expect(rows.map(row => row.role)).toEqual([dans])
    expect(await asDan(`update tenant_due set next_due_at = now() where role = '${alices}'`)).toBe(0)
    expect(await asDan('update tenant_due set next_due_at = now()')).toBe(1)
    expect(await of(alices)).toEqual(before)
    for (const sql of [
      `update tenant_due set role = '${alices}x'`,
      `update tenant_due set tenant_id = '${newId()}'`,
      'delete from tenant_due',
      `insert into tenant_due (tenant_id, role) values ('${newId()}', '${dans}')`,
    ])
      expect({ sql, answer: await asDan(sql) }).toEqual({ sql, answer: denied })
  })

  test('of the sign-in directory it sees, adds and removes its own rows only', async () => {
    const all = async () =>
      (await clone.db.owner`select 1 from public.sign_in_directory where role = ${alices}`).length
    const before = await all()
    expect(before).toBeGreaterThan(0)
    const rows = await clone.db.within(dan, scope => scope.sql`select distinct role from sign_in_directory`)
    expect(rows.map(row => row.role)).toEqual([dans])
    expect(await asDan(`delete from sign_in_directory where role = '${alices}'`)).toBe(0)
    const { id } = clone.cast.alice.tenant
    expect(
      await asDan(
        `insert into sign_in_directory (address_hash, role, tenant_id) values ('\\x00', '${alices}', '${id}')`,
      ),
    ).toBe(denied)
    expect(await asDan(`update sign_in_directory set role = '${alices}'`)).toBe(denied)
    expect(await all()).toBe(before)
  })

  test('the app’s own login writes none of them', async () => {
    const { sql } = clone.db
    for (const text of [
      "update public.tenants set slug = 'x'",
      'delete from public.tenants',
      'delete from public.migrations',
      `insert into public.tenants (id, slug, schema_name, data_key) values ('${newId()}', 'x', 'x', '')`,
      `create table public.mine (id uuid)`,
      `create schema mine`,
      `create role mine`,
      `drop schema ${dans} cascade`,
    ])
      expect({ text, code: await sql.unsafe(text).catch(error => error.code) }).toEqual({
        text,
        code: denied,
      })
    expect((await sql`update public.tenant_due set next_due_at = now()`).count).toBe(0)
  })
})

describe('what a tenant’s schema is made of', () => {
  test('no table or view has a name that one in public has', async () => {
    const both = await clone.db.owner`
      select a.relname as name from pg_class a join pg_class b on b.relname = a.relname
      where a.relnamespace = 'public'::regnamespace and b.relnamespace = ${dans}::regnamespace`
    expect(both.map(row => row.name)).toEqual([])
    const made = (folder: string, schema: string) =>
      sourceFiles([folder], /\.up\.sql$/).flatMap(({ text }) =>
        [
          ...text.matchAll(new RegExp(`\\b(?:table|view)\\s+(?:if not exists\\s+)?${schema}\\.(\\w+)`, 'gi')),
        ].map(([, name]) => name),
      )
    const tenants = new Set(made('migrations/tenant', '\\{schema\\}'))
    const shared = new Set(made('migrations/public', 'public'))
    expect([tenants.size > 20, shared.size > 5]).toEqual([true, true])
    expect([...shared].filter(name => tenants.has(name))).toEqual([])
  })

  test('every table has a uuid as its key, no sequence, and foreign keys that stay inside', async () => {
    const { owner } = clone.db
    const keys = await owner`
      select c.relname as table, format_type(a.atttypid, a.atttypmod) as type
      from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = ${dans}
      left join pg_index i on i.indrelid = c.oid and i.indisprimary
      left join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
      where c.relkind = 'r'`
    expect(keys.length).toBeGreaterThan(20)
    for (const key of keys) expect({ ...key }).toEqual({ table: key.table, type: 'uuid' })
    const strangers = await owner`
      select c.relkind, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${dans} and c.relkind not in ('r', 'i')`
    expect([...strangers]).toEqual([])
    const outside = await owner`
      select conname from pg_constraint k join pg_namespace n on n.oid = k.connamespace
      join pg_class f on f.oid = k.confrelid where n.nspname = ${dans} and f.relnamespace <> n.oid`
    expect([...outside]).toEqual([])
  })

  test('every table that says when it changed is touched by the one shared trigger', async () => {
    const rows = await clone.db.owner`
      select c.relname as table, (select string_agg(p.pronamespace::regnamespace || '.' || p.proname, ',')
        from pg_trigger t join pg_proc p on p.oid = t.tgfoid
        where t.tgrelid = c.oid and not t.tgisinternal) as triggers
      from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = ${dans}
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'updated_at' where c.relkind = 'r'`
    expect(rows.length).toBeGreaterThan(5)
    for (const row of rows)
      expect({ ...row }).toEqual({ table: row.table, triggers: 'public.update_updated_at_column' })
  })
})

describe('the sources', () => {
  /** Which files below `folders` match, as a list for a readable failure. */
  const matching = (folders: string[], pattern: RegExp, name = /\.(tsx?|sql)$/) =>
    sourceFiles(folders, name)
      .filter(({ text }) => pattern.test(text))
      .map(({ path }) => path)

  test('only the scope changes role or search_path', () => {
    const changing =
      /(?<!update\s+\w+\s+)\bset\s+(local\s+|session\s+)?role\b|\breset\s+(role|all|session)|\bset_config\b|\bset\s+(local\s+|session\s+)?(search_path|masthead\b)|session\s+authorization|\bdiscard\s+all/i
    expect(matching(['src'], changing).sort()).toEqual(['src/db/database.ts', 'src/db/scope.ts'])
    // In database.ts it is the login's own default, set by the owner or, in a sentence, by an administrator.
    const [database] = sourceFiles(['src/db'], /database\.ts$/)
    const own = /alter role "\$\{where\.appRole\}" set search_path = pg_catalog/g
    expect(database?.text).toMatch(own)
    expect(database?.text.replace(own, '')).not.toMatch(changing)
  })

  /** The texts between backticks, where all SQL of the sources stands. */
  const texts = (folders: string[]) =>
    sourceFiles(folders, /\.tsx?$/).flatMap(({ path, text }) =>
      [...text.replace(/^\s*(\/\/|\*).*$/gm, '').matchAll(/`(?:[^`\\]|\\.)*`/g)].map(([said]) => ({
        path,
        said,
      })),
    )

  test('no SQL changes the session it is sent in: that would outlive its transaction', () => {
    const lasting =
      /(^`|;)\s*set\s+(?!(?:local|transaction)\b)\w|\b(deallocate|discard\s+\w)|\bprepare\s+\w+\s*(\([^)]*\)\s*)?as\b|\bwith\s+hold\b|(^`|;)\s*(un)?listen\s|\btemp(orary)?\s+(table|view|sequence)\b|\bpg_temp\.|\blo_(create?|import|from_bytea|put|unlink)\b|\bload\s+'/i
    const found = texts(['src']).filter(({ said }) => lasting.test(said))
    expect(found.map(({ path, said }) => `${path}: ${said}`)).toEqual([])
    // A lock that is the session's is for the owner's own connection only.
    const locks = texts(['src']).filter(({ said }) => /\bpg_(try_)?advisory_(un)?lock\w*\s*\(/i.test(said))
    expect(locks.filter(({ path }) => !path.startsWith('src/db/'))).toEqual([])
  })

  test('nothing is made or changed in a DO block', () => {
    const blocks = [
      ...texts(['src']).map(({ path, said }) => ({ path, text: said })),
      ...sourceFiles(['migrations'], /\.sql$/).map(({ path, text }) => ({
        path,
        text: text.replace(/^\s*--.*$/gm, ''),
      })),
    ]
    expect(blocks.filter(({ text }) => /\bdo\s+(language\s+\w+\s+)?(\$\w*\$|')/i.test(text))).toEqual([])
  })

  test('text is sent as SQL in the database’s own folder only', () => {
    const unsafe = matching(['src'], /\bunsafe\s*\(|\.file\s*\(\s*['"`].*\.sql/)
    // The demo's clock is the one exception: it replaces public.clock() in a database that is only for the demo.
    expect(unsafe.filter(path => !path.startsWith('src/db/'))).toEqual(['src/cli/demo/clock.ts'])
  })

  test('every column is named', () => {
    expect(
      matching(
        ['src', 'migrations'],
        /\bselect\s+(distinct\s+)?(\w+\.)?\*|\breturning\s+(\w+\.)?\*|\b(select|returning)\s[^;`]*,\s*\w+\.\*/i,
      ),
    ).toEqual([])
  })

  test('a tenant’s migrations are single statements, with qualified names and no code of their own', () => {
    for (const { path, text } of sourceFiles(['migrations/tenant'], /\.sql$/)) {
      const sql = text.replace(/^\s*--.*$/gm, '')
      expect({ path, code: /\bdo\s+\$|\$\$|\blanguage\s+plpgsql/i.test(sql) }).toEqual({ path, code: false })
      expect({ path, counters: /\b(big|small)?serial\b|\bgenerated\b.*\bas identity/i.test(sql) }).toEqual({
        path,
        counters: false,
      })
      expect({
        path,
        shared: /\bon\s+public\.|\ball tables\b|references\s+(?!\{schema\})/i.test(sql),
      }).toEqual({
        path,
        shared: false,
      })
      const bare = sql.match(
        /\b(?:create|alter|drop)\s+table\s+(?:if\s+(?:not\s+)?exists\s+)?(?!\{schema\}\.)\S+/gi,
      )
      expect({ path, bare }).toEqual({ path, bare: null })
      expect({ path, twoInALine: /;[^\n]*\S[^\n]*$/m.test(sql.replace(/;\s*$/gm, '')) }).toEqual({
        path,
        twoInALine: false,
      })
    }
  })

  test('every migration can be undone', () => {
    const names = sourceFiles(['migrations'], /\.sql$/).map(({ path }) => path)
    for (const up of names.filter(path => path.endsWith('.up.sql')))
      expect(names).toContain(up.replace(/\.up\.sql$/, '.down.sql'))
  })

  test('the environment is read in one place', () => {
    const readers = matching(['src', 'views'], /\bprocess\.env\b|\bBun\.env\b|import\.meta\.env/, /\.tsx?$/)
    // embedded.ts hands it on to PostgreSQL's own programs.
    expect(readers.filter(path => !path.startsWith('src/cli/')).sort()).toEqual([
      'src/config.ts',
      'src/db/embedded.ts',
    ])
  })

  test('the owner’s login is used for making, erasing and looking after tenants only', () => {
    const users = matching(
      ['src'],
      /\b(db|database)\.owner\b|\bowner\s*[`(]\s*(select|insert|update|delete)?/,
      /\.tsx?$/,
    )
    const known =
      /^src\/(db|cli|tenants|backup|doctor)\/|^src\/(start|team\/(workspace|setup-pages))\.ts$|^src\/jobs\/(sweep|crontab)\.ts$/
    expect(users.filter(path => !known.test(path))).toEqual([])
  })
})
