/**
 * The whole app as a process of its own, on a cluster of its own, asked by many callers while the database is taken
 * away in four ways: backends killed, the server restarted fast and at once, and the line to it turned half-open.
 * Every request ends in time and cleanly, nothing acknowledged is missing, nothing is doubled, and it serves again
 * without a restart.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findBinaries } from '../src/db/embedded.ts'
import { openPool, type Sql } from '../src/db/pool.ts'
import { type Cluster, makeCluster } from './peers/cluster.ts'
import { startProxy, type TcpProxy } from './peers/proxy.ts'

const mostMs = 20_000
const servesAgainMs = 10_000
const login = { email: 'alice@northwind.example', password: 'a quiet desk by the window' }

let cluster: Cluster
let admin: Sql
const folders: string[] = []
const proxies: TcpProxy[] = []
const apps: App[] = []

interface App {
  child: Bun.Subprocess
  address: string
  code: string
  proxy: TcpProxy
  errors(): string
}

/** The app on a database of its own, reached through a proxy, by an owner who is no superuser. */
async function startApp(database: string): Promise<App> {
  await admin.unsafe(`create database ${database} owner desk_owner`)
  const proxy = await startProxy({ path: join(cluster.socket, '.s.PGSQL.5432') })
  proxies.push(proxy)
  const folder = mkdtempSync(join(tmpdir(), 'masthead-storm-'))
  folders.push(folder)
  const child = Bun.spawn([process.execPath, 'src/main.ts'], {
    cwd: join(import.meta.dir, '..'),
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      DATA_DIR: folder,
      DATABASE_URL: `postgres://desk_owner:desk-word@127.0.0.1:${proxy.port}/${database}`,
      // The login of the app is the whole cluster's, and its password comes from the secret.
      MASTHEAD_SECRET: 'the storm has a secret of forty characters',
      PORT: '0',
      RATE_LIMIT: 'off',
      LOG_LEVEL: 'warn',
    },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let errors = ''
  void (async () => {
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream() as never)) errors += part
  })()
  const reader = child.stdout.getReader()
  let line = ''
  while (!line.includes('\n')) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`it did not start: ${errors}`)
    line += new TextDecoder().decode(value)
  }
  reader.releaseLock()
  const app: App = {
    child,
    address: /http:\/\/[^ ]+/.exec(line)?.[0] ?? '',
    code: /\d{8}/.exec(line)?.[0] ?? '',
    proxy,
    errors: () => errors,
  }
  apps.push(app)
  return app
}

beforeAll(async () => {
  cluster = makeCluster(await findBinaries())
  admin = openPool(
    { socket: cluster.socket, ...cluster.superuser, database: 'postgres' },
    { name: 'storm admin', max: 2 },
  )
  await admin.unsafe(`create role desk_owner login createrole password 'desk-word'`)
}, 60_000)

afterAll(async () => {
  for (const { child } of apps) child.kill('SIGKILL')
  await Promise.all(apps.map(({ child }) => child.exited))
  for (const proxy of proxies) await proxy.stop()
  await admin?.end({ timeout: 1 })
  cluster?.remove()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}, 30_000)

/** What is counted; a line that is no clean answer goes to `wrong`. */
const tally = {
  asked: 0,
  served: 0,
  unavailable: 0,
  running: 0,
  tooLate: 0,
  slowestMs: 0,
  wrong: [] as string[],
}

/** One request: its answer, or null for a clean refusal because the database is away. */
async function ask(app: App, method: string, path: string, headers: object, body?: object) {
  const began = performance.now()
  tally.asked++
  const api = path.startsWith('/api/')
  try {
    const response = await fetch(app.address + path, {
      method,
      headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
      redirect: 'manual',
      signal: AbortSignal.timeout(mostMs + 5_000),
    })
    const text = await response.text()
    const { status } = response
    const type = response.headers.get('content-type') ?? ''
    if (status === 503) {
      tally.unavailable++
      const wait = Number(response.headers.get('retry-after'))
      const shape = api
        ? /problem\+json/.test(type) && JSON.parse(text).code === 'unavailable'
        : /html/.test(type)
      if (!shape || !(wait > 0)) tally.wrong.push(`${method} ${path}: 503 ${type} retry-after ${wait}`)
      return null
    }
    // The first try under this Idempotency-Key is still under way, or about to be found out as lost.
    if (status === 409 && /still running/.test(text)) {
      tally.running++
      return null
    }
    // The database was away for longer than the post was planned ahead.
    if (status === 422 && /time_in_past/.test(text)) {
      tally.tooLate++
      return {}
    }
    if (status >= 300) tally.wrong.push(`${method} ${path}: ${status} ${text.slice(0, 200)}`)
    else tally.served++
    return api ? JSON.parse(text) : text
  } catch (error) {
    tally.wrong.push(`${method} ${path}: ${error}`)
    return null
  } finally {
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - began)
  }
}

async function found(app: App) {
  const made = await fetch(`${app.address}/setup`, {
    method: 'POST',
    headers: { origin: app.address },
    body: new URLSearchParams({
      code: app.code,
      name: 'Northwind',
      zone: 'Europe/Berlin',
      ownerName: 'Alice',
      ...login,
      slug: 'northwind',
    }),
    redirect: 'manual',
  })
  expect(made.status).toBe(303)
  const cookie = made.headers.get('set-cookie')?.split(';')[0] ?? ''
  const signed = await ask(app, 'POST', '/api/v1/sessions', {}, { workspace: 'northwind', ...login })
  const bearer = { authorization: `Bearer ${signed.token}` }
  const { items } = await ask(app, 'GET', '/api/v1/accounts', bearer)
  const feed = items.find((one: { platform: string }) => one.platform === 'feed').id as string
  return { bearer, page: { cookie }, feed }
}

test('killed backends, restarts and a half-open line: clean answers in time, nothing lost, nothing doubled', async () => {
  const lonely = startApp('lonely').then(async app => {
    // Its database goes silent at once and stays so: it is to end by itself after a minute.
    app.proxy.swallow('all')
    const since = performance.now()
    const code = await app.child.exited
    return {
      code,
      seconds: (performance.now() - since) / 1000,
      words: app.errors().trim().split('\n').at(-1),
    }
  })
  const app = await startApp('storm')
  const { bearer, page, feed } = await found(app)

  /** The text of a piece → its id, from the first acknowledgement on. */
  const acknowledged = new Map<string, string>()
  const planned = new Map<string, string>()
  let over = false
  const keyed = (key: string) => ({ ...bearer, 'idempotency-key': key })
  /** Asks until it is answered: with one key, so that a lost answer doubles nothing. */
  async function insist(path: string, key: string, body: object) {
    for (let tries = 0; tries < 60; tries++) {
      const answer = await ask(app, 'POST', path, keyed(key), body)
      if (answer) return answer
      await Bun.sleep(300)
    }
    return null
  }
  const writer = async (_: unknown, lane: number) => {
    for (let turn = 0; !over; turn++) {
      const text = `storm ${lane} ${turn}`
      const made = await insist('/api/v1/content', `write-${lane}-${turn}`, { text })
      if (!made?.id) continue
      acknowledged.set(text, made.id)
      if (turn % 4 !== 0) continue
      const at = new Date(Date.now() + 1_500).toISOString()
      const body = { accounts: [feed], at }
      const jobs = await insist(`/api/v1/content/${made.id}/publish-jobs`, `plan-${lane}-${turn}`, body)
      if (jobs?.items) planned.set(jobs.items[0].id, made.id)
    }
  }
  const reader = (path: string, headers: object) => async () => {
    while (!over) {
      await ask(app, 'GET', path, headers)
      await Bun.sleep(10)
    }
  }
  const callers = [
    ...Array.from({ length: 6 }, writer),
    ...Array.from({ length: 3 }, reader('/api/v1/content?limit=5', bearer)),
    ...Array.from({ length: 2 }, reader('/w/northwind/calendar', page)),
    ...Array.from({ length: 2 }, reader('/w/northwind/content', page)),
  ]

  /** How long it takes until it serves reads, pages and writes again, and says so itself. */
  async function servesAgain(since: number): Promise<number> {
    const good = async (path: string, headers: Record<string, string> = {}) =>
      fetch(app.address + path, { headers, redirect: 'manual', signal: AbortSignal.timeout(2_000) }).then(
        ({ status }) => status === 200,
        () => false,
      )
    const writes = acknowledged.size
    while (performance.now() - since < servesAgainMs * 2) {
      if (
        acknowledged.size > writes &&
        (await good('/readyz')) &&
        (await Promise.all(Array.from({ length: 12 }, () => good('/api/v1/content?limit=1', bearer)))).every(
          Boolean,
        ) &&
        (await good('/w/northwind/calendar', page as never))
      )
        break
      await Bun.sleep(50)
    }
    return Math.round(performance.now() - since)
  }
  const again: Record<string, number> = {}
  const unready: Record<string, boolean> = {}
  // An answer of /readyz holds for a second.
  const isUnready = async () => {
    for (const until = Date.now() + 4_000; Date.now() < until; await Bun.sleep(100)) {
      const answer = await fetch(`${app.address}/readyz`, { signal: AbortSignal.timeout(6_000) }).catch(
        () => null,
      )
      if (answer?.status === 503) return true
    }
    return false
  }

  await Bun.sleep(1_000)
  let killed = 0
  for (const until = Date.now() + 4_000; Date.now() < until; ) {
    await Bun.sleep(100)
    killed += (
      await admin`select pg_terminate_backend(pid) from (select pid from pg_stat_activity
        where datname = 'storm' order by random() limit 1) as one`
    ).length
  }
  again.killed = await servesAgain(performance.now())

  for (const mode of ['fast', 'immediate'] as const) {
    cluster.stopServer(mode)
    await Bun.sleep(700)
    unready[mode] = await isUnready()
    await Bun.sleep(300)
    cluster.start()
    again[mode] = await servesAgain(performance.now())
  }

  // The line is dead at once, and new connections pass. Before that, every connection the pool may have is made.
  await Promise.all(Array.from({ length: 60 }, () => ask(app, 'GET', '/api/v1/content?limit=5', bearer)))
  app.proxy.swallow('existing')
  again.halfOpen = await servesAgain(performance.now())
  // Nothing passes for some seconds, then new connections do.
  app.proxy.swallow('all')
  await Bun.sleep(500)
  unready.swallowed = await isUnready()
  app.proxy.pass()
  again.swallowed = await servesAgain(performance.now())

  over = true
  await Promise.all(callers)
  expect(app.child.exitCode).toBeNull()

  const stateOf = async (job: string) =>
    (await ask(app, 'GET', `/api/v1/publish-jobs/${job}`, bearer))?.state as string | undefined
  const states = new Map<string, string | undefined>()
  // A claim that its process could not keep is looked at again when its lease of 20 s is over.
  for (const until = Date.now() + 25_000; Date.now() < until; await Bun.sleep(200)) {
    for (const job of planned.keys()) if (states.get(job) !== 'published') states.set(job, await stateOf(job))
    if ([...planned.keys()].every(job => states.get(job) === 'published')) break
  }
  const store = openPool(
    { socket: cluster.socket, ...cluster.superuser, database: 'storm' },
    { name: 'storm look', max: 1 },
  )
  const [tenant] = await store`select schema_name from public.tenants`
  const inside = tenant?.schema_name as string
  const texts = (
    await store.unsafe(
      `select v.text from ${inside}.content c join ${inside}.content_versions v on v.content_id = c.id`,
    )
  ).map(row => row.text as string)
  const attempts = await store.unsafe(
    `select j.id, count(*) filter (where a.outcome = 'published')::int as published from ${inside}.publish_jobs j
      left join ${inside}.publish_attempts a on a.job_id = j.id group by j.id`,
  )
  await store.end({ timeout: 1 })

  const doubled = texts.length - new Set(texts).size
  const missing = [...acknowledged.keys()].filter(text => !texts.includes(text))
  const unpublished = [...planned.keys()].filter(job => states.get(job) !== 'published')
  const { wrong, ...counts } = tally
  const alone = await lonely
  console.log(
    `storm: ${JSON.stringify({ ...counts, slowestMs: Math.round(counts.slowestMs), killed })}, serves again after ms ${JSON.stringify(again)}; ` +
      `${acknowledged.size} writes acknowledged, ${missing.length} missing, ${doubled} doubled; ` +
      `${planned.size} posts planned, ${unpublished.length} unpublished; a silent database ended the process after ${Math.round(alone.seconds)} s`,
  )
  expect([...new Set(wrong)]).toEqual([])
  expect(counts.slowestMs).toBeLessThan(mostMs)
  expect(counts.unavailable).toBeGreaterThan(10)
  for (const [fault, ms] of Object.entries(again))
    expect({ fault, late: ms > servesAgainMs }).toEqual({ fault, late: false })
  expect(unready).toEqual({ fast: true, immediate: true, swallowed: true })
  expect({ missing, doubled, unpublished }).toEqual({ missing: [], doubled: 0, unpublished: [] })
  expect(attempts.filter(({ published }) => published > 1)).toEqual([])
  expect(attempts.filter(({ published }) => published === 1).length).toBeGreaterThanOrEqual(planned.size)
  expect(acknowledged.size).toBeGreaterThan(50)
  expect(planned.size).toBeGreaterThan(10)
  expect(alone.code).toBe(1)
  expect(alone.words).toMatch(/^The database has not answered for \d+ seconds: .*\.$/)
}, 180_000)
