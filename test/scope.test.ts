import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { assemble, type Database } from '../src/db/database.ts'
import { openPool } from '../src/db/pool.ts'
import type { Actor } from '../src/db/scope.ts'
import { createTenant, deleteTenantSchema } from '../src/db/tenants.ts'
import { NotFound, Unavailable } from '../src/errors.ts'
import { newId } from '../src/lib/id.ts'
import { cloneDatabase, testSecret } from './setup.ts'

setDefaultTimeout(60_000)

let clone: Awaited<ReturnType<typeof cloneDatabase>>
let northwind: Actor
let southpaw: Actor
const opened: Database[] = []

beforeAll(async () => {
  clone = await cloneDatabase()
  northwind = { tenantId: clone.cast.alice.tenant.id, userId: null, role: 'system' }
  southpaw = { tenantId: clone.cast.dan.tenant.id, userId: null, role: 'system' }
})
afterAll(async () => {
  for (const db of opened) await db.sql.end({ timeout: 1 })
  await clone.drop()
})

/** The app's own way into the database, with a pool as a test wants it. */
async function open(max: number, prepare = true): Promise<Database> {
  const sql = openPool(clone.address(clone.name, 'app'), { name: 'masthead test scope', max, prepare })
  const db = await assemble(sql, clone.db.owner, clone.db.appRole, testSecret)
  opened.push(db)
  return db
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  )
const codeOf = async (work: Promise<unknown>): Promise<string | undefined> =>
  ((await failureOf(work)) as { code?: string } | null)?.code

/** What a connection of the pool is, outside any scope. */
const standing = async (db: Database) =>
  (
    await db.sql`select current_user as login, current_setting('role') as role, current_setting('search_path') as path,
      current_setting('transaction_timeout') as timeout, current_setting('transaction_read_only') as read_only`
  )[0]

describe.each([
  ['prepared', true],
  ['unprepared', false],
])('%s statements', (_, prepare) => {
  test('5,000 interleaved calls of two tenants over four connections: no foreign row', async () => {
    const db = await open(4, prepare)
    const tenants = [northwind, southpaw]
    const rounds = 5000
    let foreign = 0
    let failed = 0
    let next = 0
    const caller = async () => {
      for (let round = next++; round < rounds; round = next++) {
        const actor = tenants[(round * 7 + (round % 3)) % 2] as Actor
        const made = newId()
        const planned = round % 20 === 0
        const seen = await failureOf(
          db.within(actor, async scope => {
            if (round % 5 === 0)
              await scope.sql`insert into teams (id, name) values (${made}, ${actor.tenantId})`
            const [[workspace], teams] = await Promise.all([
              scope.sql`select id, name from workspace`,
              scope.sql`select name from teams where name <> ${actor.tenantId} limit 1`,
            ])
            if (workspace?.id !== actor.tenantId || teams.length > 0) foreign++
            if (planned) throw new Error('planned')
          }),
        )
        if (seen && (seen as Error).message !== 'planned') failed++
        if (planned) {
          const [left] = await db.within(actor, scope => scope.sql`select id from teams where id = ${made}`)
          if (left) foreign++
        }
      }
    }
    await Promise.all(Array.from({ length: 16 }, caller))
    expect({ foreign, failed }).toEqual({ foreign: 0, failed: 0 })
    for (const actor of tenants) {
      const rows = await db.within(actor, scope => scope.sql`select distinct name from teams`)
      expect(rows.map(row => row.name)).toEqual([actor.tenantId])
    }
  }, 60_000)

  test('a transaction that fails leaves a clean connection and no row', async () => {
    const db = await open(1, prepare)
    const id = newId()
    for (const fail of [
      () => Promise.reject(new Error('planned')),
      (sql: Parameters<Parameters<Database['within']>[1]>[0]['sql']) => sql`select * from no_such_table`,
      (sql: Parameters<Parameters<Database['within']>[1]>[0]['sql']) => sql`select 1 / 0`,
    ])
      expect(
        await failureOf(
          db.within(northwind, async scope => {
            await scope.sql`insert into teams (id, name) values (${id}, 'half done')`
            await fail(scope.sql)
          }),
        ),
      ).toBeInstanceOf(Error)
    expect(await standing(db)).toEqual({
      login: clone.db.appRole,
      role: 'none',
      path: 'pg_catalog',
      timeout: '0',
      read_only: 'off',
    })
    expect(
      await db.within(northwind, scope => scope.sql`select id from teams where id = ${id}`),
    ).toHaveLength(0)
  })
})

describe('outside a scope', () => {
  test('the app finds no tenant table, by bare or by full name', async () => {
    const db = await open(1)
    expect(await codeOf(db.sql`select id from users`)).toBe('42P01')
    const { schema } = clone.cast.alice.tenant
    expect(await codeOf(db.sql.unsafe(`select id from ${schema}.users`))).toBe('42501')
    expect(
      await codeOf(db.sql.unsafe(`insert into ${schema}.teams (id, name) values ('${newId()}', 'x')`)),
    ).toBe('42501')
  })

  test('a tenant that never was is not found', async () => {
    const nobody: Actor = { tenantId: newId(), userId: null, role: 'system' }
    expect(await failureOf(clone.db.within(nobody, async () => 1))).toBeInstanceOf(NotFound)
  })
})

describe('a query sent after its scope is over', () => {
  test('a forgotten await in one tenant reads nothing of the next', async () => {
    const db = await open(1)
    const gate = Promise.withResolvers<void>()
    const { late, lazy } = await db.within(northwind, async scope => {
      await scope.sql`select 1`
      const query = scope.sql`select id from workspace`
      return {
        late: failureOf(gate.promise.then(() => scope.sql`select id from workspace`)),
        // Wrapped, because returning a lazy query would send it.
        lazy: () => failureOf(Promise.resolve(query)),
      }
    })
    await db.within(southpaw, async scope => {
      await scope.sql`select 1`
      gate.resolve()
      expect(String(await late)).toContain('after its scope was over')
      expect(String(await lazy())).toContain('after its scope was over')
      expect((await scope.sql`select id from workspace`)[0]?.id).toBe(southpaw.tenantId)
    })
  })

  test('the other branch of a failed Promise.all writes nothing into the next tenant', async () => {
    const db = await open(1)
    const gate = Promise.withResolvers<void>()
    const id = newId()
    let branch: Promise<unknown> = Promise.resolve()
    const failed = failureOf(
      db.within(northwind, async scope => {
        branch = failureOf(
          gate.promise.then(() => scope.sql`insert into teams (id, name) values (${id}, 'astray')`),
        )
        await Promise.all([branch, Promise.reject(new Error('planned'))])
      }),
    )
    expect(String(await failed)).toContain('planned')
    await db.within(southpaw, async scope => {
      await scope.sql`select 1`
      gate.resolve()
      expect(String(await branch)).toContain('after its scope was over')
    })
    for (const actor of [northwind, southpaw])
      expect(await db.within(actor, scope => scope.sql`select id from teams where id = ${id}`)).toHaveLength(
        0,
      )
  })
})

describe('deadlines', () => {
  test('a statement that takes too long ends as Unavailable, and the pool goes on', async () => {
    const db = await open(2)
    const started = performance.now()
    const slow = () => failureOf(db.within(northwind, s => s.sql`select pg_sleep(20)`, { timeoutMs: 200 }))
    for (const error of await Promise.all([slow(), slow(), slow()])) expect(error).toBeInstanceOf(Unavailable)
    expect(performance.now() - started).toBeLessThan(5_000)
    const calls = Array.from({ length: 20 }, () => db.within(southpaw, s => s.sql`select id from workspace`))
    for (const [row] of await Promise.all(calls)) expect(row?.id).toBe(southpaw.tenantId)
    expect((await standing(db))?.login).toBe(clone.db.appRole)
  })

  test('work that never ends is given up, and its connection comes back', async () => {
    const db = await open(1)
    const never = new Promise<never>(() => {})
    const idle = db.within(
      northwind,
      async scope => {
        await scope.sql`select 1`
        await never
      },
      { timeoutMs: 200 },
    )
    expect(await failureOf(idle)).toBeInstanceOf(Unavailable)
    expect((await db.within(southpaw, s => s.sql`select id from workspace`))[0]?.id).toBe(southpaw.tenantId)
  })

  test('a killed connection ends as Unavailable, and the pool goes on', async () => {
    const db = await open(2)
    const started = Promise.withResolvers<number>()
    const hit = failureOf(
      db.within(northwind, async scope => {
        started.resolve((await scope.sql`select pg_backend_pid() as pid`)[0]?.pid as number)
        await scope.sql`select pg_sleep(20)`
      }),
    )
    await clone.db.owner`select pg_terminate_backend(${await started.promise})`
    expect(await hit).toBeInstanceOf(Unavailable)
    const calls = Array.from({ length: 10 }, () => db.within(southpaw, s => s.sql`select id from workspace`))
    for (const [row] of await Promise.all(calls)) expect(row?.id).toBe(southpaw.tenantId)
  })
})

test('a read-only scope refuses to write', async () => {
  const writing = clone.db.within(northwind, s => s.sql`update workspace set name = 'changed'`, {
    readOnly: true,
  })
  expect(await codeOf(writing)).toBe('25006')
})

test('a tenant that was erased a moment ago is closed, whatever lies in public under a table’s name', async () => {
  const db = await open(2)
  const made = await createTenant(
    db.owner,
    { slug: 'short-lived', secret: testSecret, appRole: db.appRole },
    async () => {},
  )
  const actor: Actor = { tenantId: made.id, userId: null, role: 'system' }
  const read = () => db.within(actor, s => s.sql`select name from workspace`)
  expect(await read()).toHaveLength(0)
  await db.owner`create table public.workspace (name text)`
  await db.owner`insert into public.workspace values ('everybody’s')`
  await db.owner`grant select on public.workspace to public`
  try {
    await deleteTenantSchema(db.owner, made.id)
    expect(await failureOf(read())).toBeInstanceOf(NotFound)
    expect(await failureOf(db.within(actor, s => s.sql`select code from countries`))).toBeInstanceOf(NotFound)
  } finally {
    await db.owner`drop table public.workspace`
  }
})
