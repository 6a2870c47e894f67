import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { assemble, type Database } from '../src/db/database.ts'
import { openPool } from '../src/db/pool.ts'
import type { Actor, Scope } from '../src/db/scope.ts'
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
        const writes = round % 5 === 0
        const seen = await failureOf(
          db.within(
            actor,
            async scope => {
              if (writes) await scope.sql`insert into teams (id, name) values (${made}, ${actor.tenantId})`
              const [[workspace], teams] = await Promise.all([
                scope.sql`select id, name from workspace`,
                scope.sql`select name from teams where name <> ${actor.tenantId} limit 1`,
              ])
              if (workspace?.id !== actor.tenantId || teams.length > 0) foreign++
              if (planned) throw new Error('planned')
            },
            { readOnly: !writes },
          ),
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

test('of two that wait for each other one is undone whole, in words, and may come again at once', async () => {
  const db = await open(2)
  const ids = [newId(), newId()] as const
  await db.within(northwind, async ({ sql }) => {
    for (const id of ids) await sql`insert into teams (id, name) values (${id}, ${id})`
  })
  const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
  const crossing = (own: 0 | 1, other: 0 | 1) =>
    db.within(northwind, async ({ sql }) => {
      await sql`update teams set name = ${`crossing ${own}`} where id = ${ids[own]}`
      both[own].resolve()
      await both[other].promise
      await sql`update teams set name = ${`crossing ${own}`} where id = ${ids[other]}`
    })
  const [refused, ...more] = (await Promise.all([crossing(0, 1), crossing(1, 0)].map(failureOf))).filter(
    error => error !== null,
  )
  expect(more).toEqual([])
  expect(refused).toBeInstanceOf(Unavailable)
  expect(refused).toMatchObject({
    retryAfterSeconds: 1,
    message: expect.stringContaining('nothing of yours was done'),
  })
  expect((refused as { cause: unknown }).cause).toMatchObject({ code: '40P01' })
  const names = await db.within(
    northwind,
    ({ sql }) => sql`select distinct name from teams where id = any(${ids}::uuid[])`,
  )
  expect(names).toHaveLength(1)
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

describe('the head, and what rides behind it', () => {
  const terminate = (pid: number) => clone.db.owner`select pg_terminate_backend(${pid})`
  const pidOf = async (db: Database) => (await db.sql`select pg_backend_pid() as pid`)[0]?.pid as number
  const gone = async (pid: number) => {
    await terminate(pid)
    while ((await clone.db.owner`select 1 from pg_stat_activity where pid = ${pid}`).length > 0)
      await Bun.sleep(5)
  }
  const teamsNamed = (name: string) =>
    clone.db.within(northwind, scope => scope.sql`select id from teams where name = ${name}`)

  test('a head that fails acknowledges nothing, though the work looks away, and its connection is clean', async () => {
    const db = await open(1)
    const made = await createTenant(
      db.owner,
      { slug: 'headless', secret: testSecret, appRole: db.appRole },
      async () => {},
    )
    await db.within({ tenantId: made.id, userId: null, role: 'system' }, s => s.sql`select 1`)
    await deleteTenantSchema(db.owner, made.id)
    for (const readOnly of [true, false])
      for (const work of [
        async () => {},
        (scope: Scope) => scope.sql`select 1`.catch(() => {}),
        async (scope: Scope) => void scope.sql`select code from countries`.execute(),
      ])
        expect(
          await failureOf(db.within({ tenantId: made.id, userId: null, role: 'system' }, work, { readOnly })),
        ).toBeInstanceOf(NotFound)
    expect((await standing(db))?.role).toBe('none')
    expect((await db.within(southpaw, s => s.sql`select id from workspace`))[0]?.id).toBe(southpaw.tenantId)
  })

  test('a connection that dies between the head and the first query, or before COMMIT, acknowledges nothing', async () => {
    const db = await open(1)
    for (const [name, work] of [
      ['dies early', async () => {}],
      [
        'dies late',
        (scope: Scope) => scope.sql`insert into teams (id, name) values (${newId()}, 'dies late')`,
      ],
    ] as const) {
      const pid = await pidOf(db)
      const failed = await failureOf(
        db.within(northwind, async scope => {
          await work(scope)
          await gone(pid)
          if (name === 'dies early')
            await scope.sql`insert into teams (id, name) values (${newId()}, ${name})`
        }),
      )
      expect(failed).toBeInstanceOf(Unavailable)
      expect(await teamsNamed(name)).toHaveLength(0)
      expect((await db.within(southpaw, s => s.sql`select id from workspace`))[0]?.id).toBe(southpaw.tenantId)
    }
  })

  test('a reader’s connection that dies behind its unanswered COMMIT harms nobody after it', async () => {
    const db = await open(1)
    for (let round = 0; round < 20; round++) {
      const pid = await pidOf(db)
      await db.within(northwind, s => s.sql`select id from workspace`, { readOnly: true })
      const killed = terminate(pid)
      const next = await Promise.all(
        Array.from({ length: 8 }, () =>
          db.within(southpaw, s => s.sql`select id from workspace`, { readOnly: true }).catch(e => e),
        ),
      )
      await killed
      for (const answer of next)
        if (answer instanceof Error) expect(answer).toBeInstanceOf(Unavailable)
        else expect(answer[0].id).toBe(southpaw.tenantId)
      let again = await failureOf(db.sql`select 1`)
      for (let tries = 0; again && tries < 20; tries++) again = await failureOf(db.sql`select 1`)
      expect(again).toBeNull()
    }
  })

  test('a throw after the last query undoes it', async () => {
    const db = await open(1)
    const failed = db.within(northwind, async scope => {
      await scope.sql`insert into teams (id, name) values (${newId()}, 'thrown away')`
      throw new Error('planned')
    })
    expect(String(await failureOf(failed))).toContain('planned')
    expect(await teamsNamed('thrown away')).toHaveLength(0)
  })

  test('a failed query that the work looked away from fails the scope with its own cause', async () => {
    const db = await open(1)
    for (const readOnly of [true, false]) {
      const work = async (scope: Scope) => {
        await scope.sql`select 1 / 0`.catch(() => {})
        return 'done'
      }
      expect(await codeOf(db.within(northwind, work, { readOnly }))).toBe('22012')
      const later = async (scope: Scope) => {
        await work(scope)
        await scope.sql`select 1`
      }
      expect(await codeOf(db.within(northwind, later, { readOnly }))).toBe('22012')
    }
  })

  test('a value that cannot be sent fails its own query only, also behind an unanswered head', async () => {
    const db = await open(1)
    const failed = db.within(northwind, async scope => {
      const [, first] = await Promise.allSettled([
        scope.sql`select ${undefined}::text`,
        scope.sql`select id from workspace`,
      ])
      expect(first).toMatchObject({ status: 'fulfilled', value: [{ id: northwind.tenantId }] })
      return 'done'
    })
    expect(await codeOf(failed)).toBe('UNDEFINED_VALUE')
    expect((await db.within(southpaw, s => s.sql`select id from workspace`))[0]?.id).toBe(southpaw.tenantId)
  })

  test('a storm of killed connections: no foreign row, nothing acknowledged and missing, nothing refused and kept', async () => {
    const db = await open(4)
    const acknowledged = new Set<string>()
    const undone: string[] = []
    const until = Date.now() + 3_000
    let [foreign, done, refused] = [0, 0, 0]
    const caller = async (_: unknown, lane: number) => {
      for (let round = 0; Date.now() < until; round++) {
        const actor = (lane + round) % 2 ? northwind : southpaw
        const made = newId()
        const writes = round % 3 === 0
        const failed = await failureOf(
          db.within(
            actor,
            async scope => {
              if (writes) await scope.sql`insert into teams (id, name) values (${made}, 'storm')`
              const [workspace] = await scope.sql`select id from workspace`
              if (workspace?.id !== actor.tenantId) foreign++
              if (writes && round % 2) throw new Error('planned')
            },
            { readOnly: !writes },
          ),
        )
        if (!failed) done++
        if (!failed && writes) acknowledged.add(made)
        if (failed instanceof Unavailable) refused++
        else if (failed) {
          expect(String(failed)).toContain('planned')
          undone.push(made)
        }
      }
    }
    let killed = 0
    const callers = Promise.all(Array.from({ length: 12 }, caller))
    while (Date.now() < until) {
      await Bun.sleep(100)
      killed += (
        await clone.db.owner`select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'masthead test scope' and datname = ${clone.name}`
      ).length
    }
    await callers
    const kept = new Set(
      (
        await Promise.all(
          [northwind, southpaw].map(actor =>
            clone.db.within(actor, scope => scope.sql`select id from teams where name = 'storm'`),
          ),
        )
      ).flatMap(rows => rows.map(row => row.id as string)),
    )
    const unsure = [...kept].filter(id => !acknowledged.has(id)).length
    console.log({ killed, done, acknowledged: acknowledged.size, refused, unsure })
    expect(killed).toBeGreaterThan(20)
    expect(foreign).toBe(0)
    expect([...acknowledged].filter(id => !kept.has(id))).toEqual([])
    expect(undone.filter(id => kept.has(id))).toEqual([])
    expect(await failureOf(db.within(southpaw, s => s.sql`select 1`))).toBeNull()
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

test('a backend that may not become the tenant is let go, and the next one may', async () => {
  const db = await open(1)
  const made = await createTenant(
    db.owner,
    { slug: 'granted-late', secret: testSecret, appRole: db.appRole },
    async () => {},
  )
  const actor: Actor = { tenantId: made.id, userId: null, role: 'system' }
  const backend = () => db.within(actor, s => s.sql`select pg_backend_pid() as pid`)
  const [before] = await backend()
  await db.owner.unsafe(`revoke ${made.schema} from "${db.appRole}"`)
  expect(await failureOf(backend())).toBeInstanceOf(Unavailable)
  await db.owner.unsafe(`grant ${made.schema} to "${db.appRole}" with inherit false, set true`)
  const [after] = await backend()
  expect(after?.pid).not.toBe(before?.pid)
  await deleteTenantSchema(db.owner, made.id)
})

describe('at home', () => {
  const where = (db: Database, actor: Actor) =>
    db.within(
      actor,
      async ({ sql }) => {
        const [row] = await sql`select pg_backend_pid() as pid, (select name from workspace) as name`
        return { pid: row?.pid as number, name: row?.name as string }
      },
      { home: true },
    )

  test('a tenant meets the same backend again, whoever else is busy, and reads its own rows', async () => {
    const db = await open(4)
    const met = await Promise.all(
      Array.from({ length: 60 }, (_, round) => where(db, round % 3 === 0 ? southpaw : northwind)),
    )
    const of = (rest: boolean) => met.filter((_, round) => (round % 3 === 0) === rest)
    for (const rows of [of(true), of(false)])
      expect(new Set(rows.map(row => JSON.stringify(row))).size).toBe(1)
    expect(of(true)[0]?.name).not.toBe(of(false)[0]?.name)
  })

  test('who comes without a home gets what waits for nobody, and who waits for a home gets it when it is free', async () => {
    const db = await open(2)
    const { pid } = await where(db, northwind)
    const gate = Promise.withResolvers<void>()
    const held = db.within(northwind, () => gate.promise, { home: true })
    const waiting = where(db, northwind)
    const [other] = await db.within(northwind, ({ sql }) => sql`select pg_backend_pid() as pid`)
    expect(other?.pid).not.toBe(pid)
    expect(await Promise.race([waiting, Bun.sleep(50).then(() => 'waits')])).toBe('waits')
    gate.resolve()
    await held
    expect((await waiting).pid).toBe(pid)
  })

  test('two tenants on one connection keep a plan each', async () => {
    const db = await open(1)
    for (let round = 0; round < 3; round++) for (const actor of [northwind, southpaw]) await where(db, actor)
    const [kept] = await db.within(
      northwind,
      ({ sql }) => sql`
        select count(*)::int as statements, sum(generic_plans)::int as generic from pg_prepared_statements
        where statement like 'select pg_backend_pid() as pid, (select name%'`,
      { home: true },
    )
    expect(kept).toEqual({ statements: 2, generic: 6 })
  })

  test('a home whose connection is cut is made again, for those who wait for it too', async () => {
    const db = await open(2)
    const { pid } = await where(db, northwind)
    const gate = Promise.withResolvers<void>()
    const held = failureOf(db.within(northwind, () => gate.promise, { home: true }))
    const waiting = where(db, northwind)
    await clone.db.owner`select pg_terminate_backend(${pid}, 5000)`
    gate.resolve()
    expect(await held).toBeInstanceOf(Unavailable)
    expect((await waiting).pid).not.toBe(pid)
  })
})
