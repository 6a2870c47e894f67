import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { openDatabase } from '../src/db/database.ts'
import { behindPooler, keepsPrepared } from '../src/db/pool.ts'
import { openRedis } from '../src/db/redis.ts'
import type { Actor } from '../src/db/scope.ts'
import { Stop } from '../src/errors.ts'
import { redisCounter } from '../src/http/limits.ts'
import { createLog } from '../src/lib/log.ts'
import { openServices } from '../src/open.ts'
import type { Services } from '../src/services.ts'
import { type House, openHouse } from './cast.ts'
import { describePeer, type Pgbouncer, type Redis, startPgbouncer, startRedis } from './peers/index.ts'
import { cloneDatabase, testPassword, testSecret } from './setup.ts'

setDefaultTimeout(60_000)
const quiet = createLog({ level: 'silent', json: false })

async function ask(app: App, method: string, path: string, key?: string, body?: unknown) {
  const response = await app.handle(
    new Request(`http://localhost/api/v1${path}`, {
      method,
      headers: {
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer's fields
  return { status: response.status, headers: response.headers, body: (await response.json()) as any }
}

describePeer('pgbouncer', 'behind PgBouncer in transaction pooling', () => {
  let clone: Awaited<ReturnType<typeof cloneDatabase>>
  let pooler: Pgbouncer
  let direct: Pgbouncer
  let opened: { services: Services; close(): Promise<void> }
  let app: App
  const folder = mkdtempSync(join(tmpdir(), 'masthead-pooled-'))

  beforeAll(async () => {
    clone = await cloneDatabase()
    const [owner, login] = [clone.address(clone.name), clone.address(clone.name, 'app')]
    if ('url' in owner || 'url' in login) throw new Error('the test cluster is reached by its socket')
    const users = { [owner.user]: owner.password, [login.user]: login.password }
    const behind = { pgSocketOrHost: owner.socket, port: 5432, database: clone.name, users }
    pooler = await startPgbouncer({ ...behind, poolSize: 3 })
    // The cluster listens on its socket only: a session pooler stands in for a direct address of it.
    direct = await startPgbouncer({ ...behind, settings: { pool_mode: 'session' } })
    const config = readConfig({
      DATA_DIR: folder,
      MASTHEAD_SECRET: testSecret,
      LOG_LEVEL: 'silent',
      RATE_LIMIT: 'off',
      DATABASE_URL: pooler.url(login.user),
      DATABASE_OWNER_URL: direct.url(owner.user),
    })
    opened = await openServices(config)
    app = createApp(opened.services)
  })
  afterAll(async () => {
    await opened?.close()
    await pooler?.stop()
    await direct?.stop()
    await clone?.drop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('the pooler is recognised, and prepared statements are off; directly they are on', async () => {
    expect(await behindPooler({ url: pooler.url('masthead_app') })).toBe(true)
    expect(await behindPooler(clone.address(clone.name, 'app'))).toBe(false)
    expect(opened.services.db.sql.options.prepare).toBe(false)
    expect(clone.db.sql.options.prepare).toBe(true)
  })

  test('the start says that a pooler stands there, and what that changes', async () => {
    const said: string[] = []
    const log = { ...quiet, info: (what: string) => void said.push(what) }
    await (await openDatabase(opened.services.config, log)).close()
    expect(said.filter(what => /pooler/.test(what))).toEqual([
      'a connection pooler stands before the database: prepared statements are off (PGBOUNCER_PREPARE=1 turns them on with PgBouncer 1.21 or newer)',
    ])
  })

  test.each([3, 20])(
    'PGBOUNCER_PREPARE=1 and a pooler of %d connections that loses them: refused',
    async poolSize => {
      const [owner, login] = [clone.address(clone.name), clone.address(clone.name, 'app')]
      if ('url' in owner || 'url' in login) throw new Error('the test cluster is reached by its socket')
      const users = { [login.user]: login.password }
      const behind = { pgSocketOrHost: owner.socket, port: 5432, database: clone.name, users }
      const other = await startPgbouncer({ ...behind, poolSize })
      try {
        const config = {
          ...opened.services.config,
          pgbouncerPrepare: true,
          databaseUrl: other.url(login.user),
        }
        const failed = await openDatabase(config, quiet).catch((error: unknown) => error)
        expect(failed).toBeInstanceOf(Stop)
        expect((failed as Stop).message).toMatch(/^PGBOUNCER_PREPARE is 1, but .* 1\.21 or newer .*\.$/)
      } finally {
        await other.stop()
      }
    },
  )

  test('a server of our own keeps what is prepared on it', async () => {
    expect(await keepsPrepared(clone.address(clone.name, 'app'))).toBe(true)
  })

  test('4,000 interleaved calls of two tenants from two processes’ pools over three connections: no foreign row', async () => {
    const second = await openServices(opened.services.config)
    try {
      const tenants: Actor[] = [clone.cast.alice, clone.cast.dan].map(({ tenant }) => ({
        tenantId: tenant.id,
        userId: null,
        role: 'system',
      }))
      let foreign = 0
      let next = 0
      const caller = async (_: unknown, lane: number) => {
        const { within } = (lane % 2 ? opened : second).services.db
        for (let round = next++; round < 4000; round = next++) {
          const actor = tenants[(round * 7 + (round % 3)) % 2] as Actor
          const planned = round % 20 === 0
          await within(actor, async scope => {
            const [[workspace], people] = await Promise.all([
              scope.sql`select id from workspace where id is distinct from ${null}`,
              scope.sql`select email from users where removed_at is null`,
            ])
            const mine = actor === tenants[0] ? '@northwind.example' : '@southpaw.example'
            if (workspace?.id !== actor.tenantId) foreign++
            if (!people.every(({ email }) => (email as string).endsWith(mine))) foreign++
            if (planned) throw new Error('planned')
          }).catch(error => {
            if (!planned) throw error
          })
        }
      }
      await Promise.all(Array.from({ length: 12 }, caller))
      expect(foreign).toBe(0)
    } finally {
      await second.close()
    }
  })

  test('signing in and writing work, many at a time', async () => {
    const { email, tenant } = clone.cast.alice
    const login = { workspace: tenant.slug, email, password: testPassword }
    const signed = await ask(app, 'POST', '/sessions', undefined, login)
    expect(signed.status).toBe(201)
    const { token } = signed.body
    expect((await ask(app, 'GET', '/me', token)).body.user.email).toBe(email)
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        ask(app, 'POST', '/content', n % 2 ? clone.cast.dan.key : token, { text: `number ${n}` }),
      ),
    )
    expect(made.map(({ status }) => status)).toEqual(Array(40).fill(201))
    for (const [key, rest] of [
      [token, 0],
      [clone.cast.dan.key, 1],
    ] as const) {
      const { body } = await ask(app, 'GET', '/content?limit=100', key)
      const numbers = (body.items as { text: string }[]).map(({ text }) => Number(text.split(' ')[1]))
      expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n * 2 + rest))
    }
  })
})

describePeer('redis', 'with Redis', () => {
  let house: House
  let redis: Redis
  let apps: App[]
  let clients: ReturnType<typeof openRedis>[]

  beforeAll(async () => {
    house = await openHouse()
    redis = await startRedis()
    clients = [1, 2].map(() => openRedis(redis.url, quiet))
    await Promise.all(clients.map(client => new Promise<void>(ready => client.once('ready', () => ready()))))
    apps = clients.map(client => createApp({ ...house.services, counter: redisCounter(client) }))
  })
  afterAll(async () => {
    for (const client of clients ?? []) client.disconnect()
    await redis?.stop()
    await house?.close()
  })
  const app = (n: number): App => apps[n % 2] as App

  test('two instances count one person’s sign-ins together', async () => {
    const { email, tenant } = house.bob
    const attempt = (n: number, password: string) =>
      ask(app(n), 'POST', '/sessions', undefined, { workspace: tenant.slug, email, password })
    for (let n = 0; n < 5; n++) expect((await attempt(n, 'not the password')).status).toBe(401)
    for (const n of [0, 1]) {
      const told = await attempt(n, testPassword)
      expect(told.status).toBe(429)
      expect(Number(told.headers.get('retry-after'))).toBeGreaterThan(60)
    }
    const names = (await clients[0]?.keys('*')) ?? []
    expect(names.length).toBeGreaterThan(0)
    expect(names.join()).not.toContain(email)
  })

  test('two instances count one key’s requests together', async () => {
    const statuses: number[] = []
    for (let batch = 0; batch < 31; batch++)
      statuses.push(
        ...(
          await Promise.all(Array.from({ length: 20 }, (_, n) => ask(app(n), 'GET', '/me', house.cora.key)))
        ).map(({ status }) => status),
      )
    expect(statuses.filter(status => status === 200)).toHaveLength(600)
    for (const n of [0, 1]) expect((await ask(app(n), 'GET', '/me', house.cora.key)).status).toBe(429)
    expect((await ask(app(0), 'GET', '/me', house.ann.key)).status).toBe(200)
  })

  test('a Redis that hangs, and one that dies mid-flight, costs no request', async () => {
    process.kill(redis.pid, 'SIGSTOP')
    try {
      const started = performance.now()
      const hung = await Promise.all([0, 1, 2, 3].map(n => ask(app(n), 'GET', '/me', house.ann.key)))
      expect(hung.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      expect(performance.now() - started).toBeLessThan(5_000)
    } finally {
      process.kill(redis.pid, 'SIGCONT')
    }
    const flying = Array.from({ length: 60 }, async (_, n) => {
      if (n === 20) process.kill(redis.pid, 'SIGKILL')
      return (await ask(app(n), 'GET', '/me', house.ann.key)).status
    })
    expect(new Set(await Promise.all(flying))).toEqual(new Set([200]))
    // Alone, each instance still counts: five wrong sign-ins are enough.
    const { email, tenant } = house.ann
    const attempt = () =>
      ask(app(0), 'POST', '/sessions', undefined, { workspace: tenant.slug, email, password: 'wrong one' })
    for (let n = 0; n < 5; n++) expect((await attempt()).status).toBe(401)
    expect((await attempt()).status).toBe(429)
  })
})
