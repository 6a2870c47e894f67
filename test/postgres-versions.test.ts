/** One suite over every PostgreSQL that Masthead runs on, each by an owner and an app that are no superusers. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, readConfig } from '../src/config.ts'
import { type Database, openDatabase } from '../src/db/database.ts'
import { findBinaries } from '../src/db/embedded.ts'
import { migrate, migrateDown } from '../src/db/migrate.ts'
import { readMigrations } from '../src/db/migrations.ts'
import { openPool, type Sql } from '../src/db/pool.ts'
import type { Actor } from '../src/db/scope.ts'
import { deleteTenantSchema } from '../src/db/tenants.ts'
import { NotFound, Stop, Unavailable } from '../src/errors.ts'
import { newId } from '../src/lib/id.ts'
import { createLog } from '../src/lib/log.ts'
import { foundWorkspace } from '../src/team/workspace.ts'
import { type Cluster, makeCluster } from './peers/cluster.ts'
import { describePeer } from './peers/index.ts'
import { olderBinaries, olderVersions } from './peers/postgres/install.ts'
import { startProxy, type TcpProxy } from './peers/proxy.ts'
import { testPassword, testSecret } from './setup.ts'

setDefaultTimeout(60_000)
const quiet = createLog({ level: 'silent', json: false })

describePeer('postgres', 'PostgreSQL of one’s own', () => {
  for (const version of olderVersions) suite(`${version}`, () => olderBinaries(version))
})
suite('18', findBinaries)

function suite(version: string, binaries: () => Promise<{ initdb: string; pg_ctl: string }>): void {
  describe(`PostgreSQL ${version}`, () => {
    let cluster: Cluster
    let admin: Sql
    /** PostgreSQL by TCP, as one’s own is reached. */
    let door: TcpProxy
    const folder = mkdtempSync(join(tmpdir(), 'masthead-version-'))

    beforeAll(async () => {
      cluster = makeCluster(await binaries())
      door = await startProxy({ path: join(cluster.socket, '.s.PGSQL.5432') })
      admin = openPool(
        { socket: cluster.socket, ...cluster.superuser, database: 'postgres' },
        { name: 'versions', max: 1 },
      )
      await admin.unsafe(`create role desk_owner login createrole password 'owner-word'`)
      await admin.unsafe(`create role desk_maker login createrole password 'maker-word'`)
    })
    afterAll(async () => {
      await admin?.end({ timeout: 1 })
      await door?.stop()
      cluster?.remove()
      rmSync(folder, { recursive: true, force: true })
    })

    test('is the version it says', async () => {
      const [row] = await admin`select current_setting('server_version_num')::int / 10000 as major`
      expect(row?.major).toBe(Number(version))
    })

    test('an owner that may make no role is told in a sentence what an administrator has to do', async () => {
      await admin.unsafe(`create role plain_owner login password 'plain-word'`)
      await admin.unsafe('create database plain owner plain_owner')
      const config = readConfig({
        DATA_DIR: folder,
        MASTHEAD_SECRET: testSecret,
        DATABASE_URL: `postgres://plain_app:app-word@127.0.0.1:${door.port}/plain`,
        DATABASE_OWNER_URL: `postgres://plain_owner:plain-word@127.0.0.1:${door.port}/plain`,
      })
      const failed = await openDatabase(config, quiet).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(Stop)
      expect((failed as Stop).message).toContain('create role "plain_app" login noinherit')
      // Done as told, the owner still needs CREATEROLE for the tenants' roles, but no longer for the app's.
      await admin.unsafe(`create role "plain_app" login noinherit password 'app-word'`)
      await admin.unsafe('alter role "plain_app" set search_path = pg_catalog')
      await (await openDatabase(config, quiet)).close()
    })

    describe.each([
      ['DATABASE_URL alone, whose user owns', 'one'],
      ['DATABASE_OWNER_URL and an app of one’s own', 'two'],
    ] as const)('%s', (_, name) => {
      let config: Config
      let db: Database
      const tenants: { actor: Actor; schema: string }[] = []
      const address = (user: string, password: string) =>
        `postgres://${user}:${password}@127.0.0.1:${door.port}/${name}`

      beforeAll(async () => {
        const maker = name === 'one' ? 'desk_owner' : 'desk_maker'
        await admin.unsafe(`create database ${name} owner ${maker}`)
        config = readConfig({
          DATA_DIR: folder,
          MASTHEAD_SECRET: testSecret,
          ...(name === 'one'
            ? { DATABASE_URL: address('desk_owner', 'owner-word') }
            : {
                DATABASE_URL: address('desk_app', 'app-word'),
                DATABASE_OWNER_URL: address('desk_maker', 'maker-word'),
              }),
        })
        db = await openDatabase(config, quiet)
        for (const slug of ['northwind', 'southpaw']) {
          const { tenant } = await foundWorkspace(db, testSecret, {
            slug,
            name: slug,
            zone: 'Europe/Berlin',
            country: 'DE',
            ownerName: 'Alice',
            email: `alice@${slug}.example`,
            password: testPassword,
          })
          tenants.push({
            actor: { tenantId: tenant.id, userId: null, role: 'system' },
            schema: tenant.schema,
          })
        }
      })
      afterAll(async () => {
        await db?.close()
      })
      const [north, south] = [
        () => tenants[0] as (typeof tenants)[0],
        () => tenants[1] as (typeof tenants)[0],
      ]
      const failureOf = (work: Promise<unknown>) =>
        work.then(
          () => null,
          (error: unknown) => error as { code?: string },
        )

      test('neither login is a superuser, and the app owns nothing', async () => {
        const roles = await admin`
          select rolname, rolsuper, rolcreaterole, rolcreatedb, rolinherit from pg_roles where rolname = ${db.appRole}`
        expect([...roles]).toEqual([
          {
            rolname: db.appRole,
            rolsuper: false,
            rolcreaterole: false,
            rolcreatedb: false,
            rolinherit: false,
          },
        ])
        const [owned] = await db.owner`
          select (select count(*) from pg_class where relowner = r.oid) + (select count(*) from pg_namespace where nspowner = r.oid) as things
          from pg_roles r where rolname = ${db.appRole}`
        expect(Number(owned?.things)).toBe(0)
      })

      test('a scope sees and writes its own, many at once, prepared', async () => {
        let foreign = 0
        await Promise.all(
          Array.from({ length: 400 }, (_, n) => {
            const { actor } = tenants[n % 2] as (typeof tenants)[0]
            return db.within(
              actor,
              async ({ sql }) => {
                if (n % 5 === 0)
                  await sql`insert into teams (id, name) values (${newId()}, ${actor.tenantId})`
                const [workspace] = await sql`select id from workspace where id is distinct from ${null}`
                const others = await sql`select id from teams where name <> ${actor.tenantId}`
                foreign += workspace?.id === actor.tenantId && others.length === 0 ? 0 : 1
              },
              { readOnly: n % 5 !== 0 },
            )
          }),
        )
        expect(foreign).toBe(0)
      })

      test('PostgreSQL itself refuses another tenant’s tables, and everything to the app outside a scope', async () => {
        const inside = (text: string) =>
          failureOf(db.within(south().actor, ({ sql }) => (sql as unknown as Sql).unsafe(text)))
        const { schema } = north()
        for (const text of [
          `select id from ${schema}.users`,
          `insert into ${schema}.teams (id, name) values ('${newId()}', 'x')`,
          `delete from ${schema}.content`,
          `drop table ${schema}.content`,
          'create table mine (id uuid)',
          'create temporary table mine (id uuid)',
          'select slug from public.tenants',
          `drop schema ${schema} cascade`,
        ])
          expect({ text, code: (await inside(text))?.code }).toEqual({ text, code: '42501' })
        for (const text of [
          `select id from ${schema}.users`,
          'create temporary table mine (id uuid)',
          'create table public.mine (id uuid)',
          `create role mine`,
        ])
          expect({ text, code: (await failureOf(db.sql.unsafe(text)))?.code }).toEqual({
            text,
            code: '42501',
          })
        expect((await failureOf(db.sql`select id from users`))?.code).toBe('42P01')
      })

      test('a transaction that takes too long is ended by both sides', async () => {
        const slow = db.within(north().actor, ({ sql }) => sql`select pg_sleep(20)`, { timeoutMs: 300 })
        expect(await failureOf(slow)).toBeInstanceOf(Unavailable)
        const until = performance.now() + 3_000
        const left = () => admin`
          select 1 from pg_stat_activity where datname = ${name} and query like '%pg_sleep(20)%' and state = 'active' and pid <> pg_backend_pid()`
        while ((await left()).length > 0 && performance.now() < until) await Bun.sleep(20)
        expect(await left()).toHaveLength(0)
        expect(await failureOf(db.within(north().actor, ({ sql }) => sql`select 1`))).toBeNull()
      })

      test('the newest migrations go down and up again, with tenants present', async () => {
        const all = readMigrations()
        const shape = () => db.owner`
          select n.nspname as schema, c.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type
          from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
          where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and (n.nspname = 'public' or n.nspname like 'tenant_%')
          order by 1, 2, 3`
        const before = await shape()
        const steps = all.length - 2
        expect((await migrateDown(db.owner, steps, quiet)).names).toHaveLength(steps)
        await migrate(db.owner, db.appRole, quiet)
        expect([...(await shape())]).toEqual([...before])
      })

      test('a second start finds it as it is', async () => {
        const again = await openDatabase(config, quiet)
        expect((await again.tenantBySlug('northwind'))?.id).toBe(north().actor.tenantId)
        await again.close()
      })

      test('an erased tenant leaves no schema and no role, and cannot be entered', async () => {
        const { actor, schema } = south()
        await deleteTenantSchema(db.owner, actor.tenantId)
        expect(await failureOf(db.within(actor, ({ sql }) => sql`select 1`))).toBeInstanceOf(NotFound)
        const [left] = await db.owner`
          select (select count(*) from pg_roles where rolname = ${schema}) + (select count(*) from pg_namespace where nspname = ${schema}) as things`
        expect(Number(left?.things)).toBe(0)
      })
    })
  })
}
