import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { assemble, type Database } from '../src/db/database.ts'
import { lasting } from '../src/db/lasting.ts'
import { openPool, type PoolOptions } from '../src/db/pool.ts'
import type { Actor } from '../src/db/scope.ts'
import { type WatchTimes, watch } from '../src/db/watchdog.ts'
import { Unavailable } from '../src/errors.ts'
import { createLog } from '../src/lib/log.ts'
import { createMetrics } from '../src/lib/metrics.ts'
import { startProxy, type TcpProxy } from './peers/proxy.ts'
import { cloneDatabase, testSecret } from './setup.ts'

setDefaultTimeout(30_000)
const quiet = createLog({ level: 'silent', json: false })

let clone: Awaited<ReturnType<typeof cloneDatabase>>
let northwind: Actor
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  clone = await cloneDatabase()
  northwind = { tenantId: clone.cast.alice.tenant.id, userId: null, role: 'system' }
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
  await clone.drop()
})

interface Watched {
  db: Database
  proxy: TcpProxy
  replaced: string[]
  sentences: string[]
  pools: Parameters<typeof watch>[0]
}

/** The database by way of a proxy, watched in a hurry. */
async function open(times: Partial<WatchTimes> = {}, max = 4): Promise<Watched> {
  const server = clone.address(clone.name)
  if ('url' in server) throw new Error('the test cluster is reached by its socket')
  const proxy = await startProxy({ path: join(server.socket, '.s.PGSQL.5432') })
  const replaced: string[] = []
  const sentences: string[] = []
  const pool = (name: keyof Watched['pools'], options: PoolOptions, answerMs?: number) => {
    const login = clone.address(clone.name, name === 'owner' ? 'owner' : 'app')
    if ('url' in login) throw new Error('the test cluster is reached by its socket')
    const url = `postgres://${login.user}:${encodeURIComponent(login.password)}@127.0.0.1:${proxy.port}/${clone.name}`
    const again = () => {
      replaced.push(name)
      return openPool({ url }, options)
    }
    return lasting(name, openPool({ url }, options), again, answerMs)
  }
  const pools = {
    app: pool('app', { name: 'masthead test watched', max }, 400),
    worker: pool('worker', { name: 'masthead test watched', max: 2 }),
    owner: pool('owner', { name: 'masthead test watched', max: 2 }),
  }
  const { app, worker, owner } = pools
  const db = await assemble(app.sql, owner.sql, clone.db.appRole, testSecret, worker.sql)
  const all = { everyMs: 100, lateMs: 250, giveUpMs: 60_000, ...times }
  const dog = watch(
    pools,
    { log: quiet, metrics: createMetrics() },
    sentence => sentences.push(sentence),
    all,
  )
  closing.push(async () => {
    await Promise.race([dog.stop(), Bun.sleep(500)])
    await Promise.all(Object.values(pools).map(({ sql }) => sql.end({ timeout: 0 })))
    await proxy.stop()
  })
  return { db, proxy, replaced, sentences, pools }
}

const name = async (db: Database) =>
  (await db.within(northwind, scope => scope.sql`select name from workspace`))[0]?.name
async function eventually(what: () => boolean | Promise<boolean>, ms = 8_000): Promise<void> {
  const until = Date.now() + ms
  while (!(await what())) {
    if (Date.now() > until) throw new Error(`not within ${ms} ms: ${what}`)
    await Bun.sleep(20)
  }
}

test('half-open connections are replaced, and whatever held the old pool goes on with the new one', async () => {
  const { db, proxy, replaced } = await open()
  let heard = 0
  await db.owner.listen('masthead_watch_test', () => heard++)
  const { within, tenantById, sql } = db
  // Every connection the pool may have is made, and then lost.
  await Promise.all([1, 2, 3, 4].map(() => within(northwind, scope => scope.sql`select pg_sleep(0.1)`)))
  proxy.swallow('existing')
  const hung = within(northwind, scope => scope.sql`select name from workspace`).catch(error => error)
  const single = await sql`select 1`.catch(error => error)
  expect(single).toBeInstanceOf(Unavailable)
  await eventually(() => replaced.includes('app') && replaced.includes('owner'))
  expect(await hung).toBeInstanceOf(Unavailable)
  db.forgetTenant(northwind.tenantId)
  expect((await tenantById(northwind.tenantId))?.slug).toBe('northwind')
  expect((await within(northwind, scope => scope.sql`select name from workspace`))[0]?.name).toBe(
    'Northwind Coffee',
  )
  await eventually(async () => {
    await clone.db.owner`select pg_notify('masthead_watch_test', '')`
    return heard > 0
  })
})

test('without a watchdog too, what waits is answered in time, and a late scope gives its connection back', async () => {
  const { db, proxy, replaced } = await open({ everyMs: 600_000 }, 2)
  const read = () =>
    db
      .within(northwind, scope => scope.sql`select name from workspace`, { timeoutMs: 200 })
      .catch(error => error)
  await Promise.all([1, 2].map(() => db.within(northwind, scope => scope.sql`select pg_sleep(0.1)`)))
  proxy.swallow('existing')
  const began = performance.now()
  const hung = await Promise.all([db.sql`select 1`.catch(error => error), read()])
  for (const error of hung) expect(error).toBeInstanceOf(Unavailable)
  expect(performance.now() - began).toBeLessThan(3_000)
  // The single query's connection is still hung; a scope that was sent behind it frees that one too.
  await eventually(async () => (await read())[0]?.name === 'Northwind Coffee')
  expect(replaced).toEqual([])
})

test('a LISTEN that went deaf alone is noticed, and listens again', async () => {
  const { db, proxy, replaced, pools } = await open({}, 2)
  let heard = 0
  await pools.owner.sql.listen('masthead_deaf_test', () => heard++)
  // Only the one that listens is connected now: the others are made anew.
  await db.owner`select 1`
  proxy.swallow('existing')
  await eventually(() => replaced.includes('owner'))
  await eventually(async () => {
    await clone.db.owner`select pg_notify('masthead_deaf_test', '')`
    return heard > 0
  })
})

test('a healthy pool is left alone, and so is a busy one that answers others', async () => {
  const { db, replaced, pools } = await open({ lateMs: 150 }, 2)
  const until = Date.now() + 1_500
  const busy = Array.from({ length: 30 }, async () => {
    while (Date.now() < until) await db.within(northwind, scope => scope.sql`select pg_sleep(0.03)`)
  })
  await Bun.sleep(100)
  const waited = performance.now()
  await pools.app.sql`select 1`.catch(() => {})
  expect(performance.now() - waited).toBeGreaterThan(150)
  await Promise.all(busy)
  expect(replaced).toEqual([])
})

test('when no pool answers for long enough it gives up once, with a sentence', async () => {
  const { proxy, sentences, db } = await open({ giveUpMs: 1_200 })
  expect(await name(db)).toBe('Northwind Coffee')
  await Bun.sleep(1_500)
  expect(sentences).toEqual([])
  proxy.swallow('all')
  await eventually(() => sentences.length > 0)
  expect(sentences[0]).toMatch(/^The database has not answered for \d+ seconds: .*\.$/)
  await Bun.sleep(500)
  expect(sentences).toHaveLength(1)
})

test('a database that comes back in time is served from again without giving up', async () => {
  const { proxy, sentences, db } = await open({ giveUpMs: 4_000 })
  proxy.swallow('all')
  await Bun.sleep(1_000)
  proxy.pass()
  const back = performance.now()
  await eventually(() => name(db).then(Boolean, () => false))
  expect(performance.now() - back).toBeLessThan(5_000)
  expect(sentences).toEqual([])
})
