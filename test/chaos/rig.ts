/**
 * Four processes of the app on one database behind a TCP proxy, workspaces full of posts planned through the JSON API, and
 * platforms of ours that keep their own journals. Nothing here knows the app's insides but the founding of workspaces
 * and the reading of rows afterwards.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKey } from '../../src/auth/keys.ts'
import { readConfig } from '../../src/config.ts'
import { findBinaries } from '../../src/db/embedded.ts'
import { openPool, type Sql } from '../../src/db/pool.ts'
import { openServices } from '../../src/open.ts'
import { foundWorkspace } from '../../src/team/workspace.ts'
import { type Cluster, makeCluster } from '../peers/cluster.ts'
import { freePort, type Mastodon, startMastodon } from '../peers/index.ts'
import { startProxy, type TcpProxy } from '../peers/proxy.ts'
import { type Served, serve } from '../peers/serve.ts'
import type { Accepted, Recorded, Shown } from './check.ts'

const secret = 'the chaos has a secret of forty characters!'
const root = join(import.meta.dir, '../..')

export interface Size {
  tenants: number
  posts: number
  /** Over so many milliseconds the posts fall due. */
  overMs: number
}

export interface Process {
  name: string
  address: string
  child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  errors(): string
}

export interface Place {
  id: string
  place: string
  platform: 'mastodon' | 'webhook' | 'rehearsal'
  token?: string
}

export interface Tenant {
  id: string
  slug: string
  key: string
  places: Place[]
}

export interface Rig {
  cluster: Cluster
  admin: Sql
  proxy: TcpProxy
  mastodon: Mastodon
  hostile: Served
  processes: Process[]
  tenants: Tenant[]
  posts: Accepted[]
  /** Asks any process that answers, again and again with one key, until it is answered for good. */
  ask(tenant: Tenant, method: string, path: string, body?: unknown, key?: string): Promise<Answer>
  start(at: number, skewMs?: number): Promise<void>
  /** What the witnesses hold. */
  shown(): Promise<Shown[]>
  recorded(): Promise<Recorded[]>
  /** How many posts have not come to an end. */
  open(): Promise<number>
  close(): Promise<void>
}

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: the rig reads any answer's fields
  body: any
}

export async function openRig(size: Size): Promise<Rig> {
  const cluster = makeCluster(await findBinaries(), { max_connections: '250' })
  const admin = openPool(
    { socket: cluster.socket, ...cluster.superuser, database: 'postgres' },
    { name: 'chaos admin', max: 2 },
  )
  await admin.unsafe(`create role desk_owner login createrole password 'desk-word'`)
  await admin.unsafe('create database chaos owner desk_owner')
  const proxy = await startProxy({ path: join(cluster.socket, '.s.PGSQL.5432') })
  const folder = mkdtempSync(join(tmpdir(), 'masthead-chaos-'))
  chmodSync(folder, 0o755)
  const [mastodon, arrivals] = [await startMastodon({ rateLimit: 1_000_000 }), new Map<string, Shown>()]
  const hostile = await serve(request => {
    const id = request.headers.get('webhook-id') ?? ''
    const { data } = JSON.parse(Buffer.from(request.raw).toString()) as { data: { text?: string } }
    // The receiver knows a repeat by its id, as the standard says.
    if (data.text && !arrivals.has(id))
      arrivals.set(id, { place: request.path, text: data.text, at: request.at.getTime() })
    return Response.json({ id })
  })
  const environment = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    DATA_DIR: folder,
    DATABASE_URL: `postgres://desk_owner:desk-word@127.0.0.1:${proxy.port}/chaos`,
    MASTHEAD_SECRET: secret,
    RATE_LIMIT: 'off',
    LOG_LEVEL: 'warn',
    OUTBOUND_ALLOW: [mastodon.host, new URL(hostile.url).host].join(','),
  }
  const processes: Process[] = []

  async function start(at: number, skewMs = 0): Promise<void> {
    const port = processes[at] ? new URL(processes[at].address).port : String(await freePort())
    const skew = skewMs === 0 ? [] : ['--preload', join(import.meta.dir, 'skew.ts')]
    const child = Bun.spawn([process.execPath, '--no-env-file', ...skew, 'src/main.ts'], {
      cwd: root,
      env: { ...environment, PORT: port, SKEW_MS: String(skewMs) },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    let errors = ''
    void (async () => {
      const decoder = new TextDecoder()
      for await (const part of child.stderr) errors = (errors + decoder.decode(part)).slice(-20_000)
    })()
    const line = await child.stdout.getReader().read()
    const address = /http:\/\/[^ ]+/.exec(new TextDecoder().decode(line.value))?.[0]
    if (!address) throw new Error(`Process ${at + 1} did not start: ${errors}`)
    processes[at] = { name: `process ${at + 1}`, address, child, errors: () => errors }
  }

  const own = await openServices(
    readConfig({ ...environment, DATABASE_URL: environment.DATABASE_URL, LOG_LEVEL: 'silent' }),
  )
  const { db } = own.services
  const tenants: Tenant[] = []
  const inside = <T>(tenant: Tenant, work: Parameters<typeof db.within<T>>[1]) =>
    db.within({ tenantId: tenant.id, userId: null, role: 'system' }, work, { readOnly: true })

  async function ask(
    tenant: Tenant,
    method: string,
    path: string,
    body?: unknown,
    key?: string,
  ): Promise<Answer> {
    let last = ''
    for (let tries = 0; tries < 150; tries++) {
      const alive = processes.filter(({ child }) => child.exitCode === null && child.signalCode === null)
      const { address } = alive[tries % Math.max(1, alive.length)] ?? { address: 'http://127.0.0.1:1' }
      try {
        const answer = await fetch(`${address}/api/v1${path}`, {
          method,
          headers: {
            authorization: `Bearer ${tenant.key}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(key ? { 'idempotency-key': key } : {}),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(8_000),
        })
        const text = await answer.text()
        const still = answer.status === 409 && /still running/.test(text)
        if (answer.status < 500 && !still) return { status: answer.status, body: JSON.parse(text || 'null') }
        last = `${answer.status} ${text.slice(0, 200)}`
      } catch (error) {
        last = String(error)
      }
      await Bun.sleep(100)
    }
    throw new Error(`${method} ${path} was never answered: ${last}`)
  }

  async function found(n: number): Promise<void> {
    const slug = `desk-${n}`
    const { tenant, ownerId } = await foundWorkspace(db, secret, {
      slug,
      name: slug,
      zone: 'Europe/Berlin',
      ownerName: 'Ines',
      email: `ines@${slug}.example`,
      password: 'a quiet desk by the window',
    })
    const { key } = await db.within({ tenantId: tenant.id, userId: ownerId, role: 'owner' }, scope =>
      createKey(scope, { name: 'chaos' }),
    )
    tenants.push({ id: tenant.id, slug, key, places: [] })
  }

  async function connect(tenant: Tenant): Promise<void> {
    const person = mastodon.addAccount(tenant.slug.replace('-', '_'))
    const hook = `/${tenant.slug}`
    const wanted = [
      {
        platform: 'mastodon',
        place: person.id,
        token: person.token,
        settings: { instance: mastodon.url, token: person.token },
      },
      { platform: 'webhook', place: hook, settings: { url: hostile.url + hook } },
      { platform: 'rehearsal', place: '', settings: {} },
    ] as const
    for (const { settings, ...one } of wanted) {
      const made = await ask(tenant, 'POST', '/accounts', { platform: one.platform, settings })
      if (made.status !== 201) throw new Error(`${one.platform}: ${JSON.stringify(made.body)}`)
      tenant.places.push({ ...one, id: made.body.id, place: one.place || made.body.id })
    }
  }

  await Promise.all(Array.from({ length: size.tenants }, (_, n) => found(n)))
  for (const at of [0, 1, 2, 3]) await start(at)
  await Promise.all(tenants.map(connect))

  const rig: Rig = {
    cluster,
    admin,
    proxy,
    mastodon,
    hostile,
    processes,
    tenants,
    posts: [],
    ask,
    start,
    async shown() {
      const arrived = await Promise.all(
        tenants.map(tenant =>
          inside(tenant, ({ sql }) => sql`select account_id, text, arrived_at from rehearsal_posts`),
        ),
      )
      return [
        ...mastodon.accepted.map(one => ({ place: one.accountId, text: one.text, at: one.at.getTime() })),
        ...arrivals.values(),
        ...arrived.flat().map(row => ({
          place: row.account_id as string,
          text: row.text as string,
          at: (row.arrived_at as Date).getTime(),
        })),
      ]
    },
    async recorded() {
      const rows = await Promise.all(
        tenants.map(async tenant => ({
          tenant: tenant.slug,
          rows: await inside(
            tenant,
            ({ sql }) => sql`
              select j.id, j.state,
                (select count(*)::int from publish_attempts a where a.job_id = j.id and (a.ended_at is null or a.outcome is null)) as open,
                (select count(*)::int from events e where e.subject_id = j.id and e.type = 'publish_job.published') as told
              from publish_jobs j`,
          ),
        })),
      )
      return rows.flatMap(({ tenant, rows: jobs }) =>
        jobs.map(row => ({
          job: row.id as string,
          tenant,
          state: row.state as string,
          openAttempts: row.open as number,
          publishedEvents: row.told as number,
        })),
      )
    },
    async open() {
      const rows = await rig.recorded()
      const mine = new Set(rig.posts.map(({ job }) => job))
      return rows.filter(row => mine.has(row.job) && ['scheduled', 'publishing'].includes(row.state)).length
    },
    async close() {
      for (const { child } of processes) child.kill('SIGCONT')
      for (const { child } of processes) child.kill('SIGKILL')
      await Promise.all(processes.map(({ child }) => child.exited))
      await own.close()
      await Promise.all([proxy.stop(), mastodon.stop(), hostile.stop()])
      await admin.end({ timeout: 1 })
      cluster.remove()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return rig
}

/** Plans the posts of one run, each once, and keeps what was accepted. @returns when the first falls due */
export async function plan(rig: Rig, size: Size, run: string, random: () => number): Promise<number> {
  const leadMs = 3_000 + size.tenants * size.posts * 40
  const from = Date.now() + leadMs
  rig.posts = []
  const planOne = async (tenant: Tenant, n: number) => {
    const text = `${run} ${tenant.slug} ${n}`
    const place = tenant.places[n % tenant.places.length]
    if (!place) throw new Error('a workspace without accounts')
    const made = await rig.ask(tenant, 'POST', '/content', { text }, `${text} content`.replaceAll(' ', '-'))
    // A machine that is slow at planning falls behind the plan, not out of it.
    const dueAt = Math.max(from + Math.floor(random() * size.overMs), Date.now() + 2_500)
    const job = await rig.ask(
      tenant,
      'POST',
      `/content/${made.body.id}/publish-jobs`,
      { accounts: [place.id], at: new Date(dueAt).toISOString() },
      `${text} job`.replaceAll(' ', '-'),
    )
    if (job.status !== 201) throw new Error(`${text}: ${job.status} ${JSON.stringify(job.body)}`)
    rig.posts.push({
      job: job.body.items[0].id,
      tenant: tenant.slug,
      place: place.place,
      texts: [text],
      dueAt,
      cancelledAt: null,
    })
  }
  await Promise.all(
    rig.tenants.map(async tenant => {
      for (let n = 0; n < size.posts; n++) await planOne(tenant, n)
    }),
  )
  return from
}
