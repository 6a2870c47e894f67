/**
 * Four processes of the app on one database, workspaces with an account at each network, and platforms that keep their
 * own journals. Nothing here knows the app's insides but the founding of workspaces and the reading of rows afterwards.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { createKey } from '../../src/auth/keys.ts'
import { readConfig } from '../../src/config.ts'
import { findBinaries } from '../../src/db/embedded.ts'
import { openPool, type Sql } from '../../src/db/pool.ts'
import type { Scope } from '../../src/db/scope.ts'
import { openServices } from '../../src/open.ts'
import { foundWorkspace } from '../../src/team/workspace.ts'
import { type Cluster, makeCluster } from '../peers/cluster.ts'
import { type Answer, type Asking, createAsk } from './ask.ts'
import type { Accepted, Recorded, Shown } from './check.ts'
import { type Home, type Network, type Platforms, startPlatforms } from './platforms.ts'
import { openProcesses, type Processes, places, root } from './processes.ts'
import type { RedisLine } from './redis.ts'

const secret = 'the chaos has a secret of forty characters!'

export interface Account {
  id: string
  network: Network | 'rehearsal'
  /** As its network's witness names it. */
  place: string
  /** Absent for the rehearsal network, which is the app's own. */
  home?: Home
}

export interface Tenant {
  id: string
  slug: string
  key: string
  accounts: Account[]
  /** Those that only the play uses which connected them. */
  own: Account[]
  /** Ids in its media library. */
  pictures: string[]
}

export interface Rig {
  cluster: Cluster
  redis: RedisLine | null
  /** Where the processes keep pictures. */
  dataDir: string
  /** The superuser, past the proxies. */
  admin: Sql
  platforms: Platforms
  processes: Processes
  tenants: Tenant[]
  /** What was accepted in the play under way. */
  posts: Accepted[]
  /** Asks any process that answers, again and again with one key, until it is answered for good. */
  ask(tenant: Tenant, method: string, path: string, asking?: Asking): Promise<Answer>
  /** Connects an account, or connects it anew with these settings. @returns its id */
  connect(tenant: Tenant, platform: string, settings: object): Promise<string>
  /** Connects a webhook for one play alone, at an address that leads to the receiver. */
  connectOwn(tenant: Tenant, address: string): Promise<Account>
  /** Reads in a workspace; again, when the database is just away. */
  inside<T>(tenant: Tenant, read: (scope: Scope) => Promise<T>): Promise<T>
  /** Runs a command of the operator's. @throws with what it says when it fails */
  command(name: string, ...words: string[]): void
  /** A superuser's pool in a database of the cluster, to be ended by whoever asked for it. */
  ownerOf(database: string): Promise<Sql>
  shown(): Promise<Shown[]>
  /** The jobs whose text begins with the name of a play. */
  recorded(play: string): Promise<Recorded[]>
  close(): Promise<void>
}

/** @param redis the processes work together by it; without it they do by the database alone */
export async function openRig(tenantCount: number, redis: RedisLine | null): Promise<Rig> {
  const cluster = makeCluster(await findBinaries(), { max_connections: '250' })
  const admin = openPool(
    { socket: cluster.socket, ...cluster.superuser, database: 'postgres' },
    { name: 'chaos admin', max: 2 },
  )
  await admin.unsafe(`create role desk_owner login createrole password 'desk-word'`)
  await admin.unsafe('create database chaos owner desk_owner')
  const folder = mkdtempSync(join(tmpdir(), 'masthead-chaos-'))
  chmodSync(folder, 0o755)
  const platforms = await startPlatforms()
  const environment = (port: number) => ({
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    DATA_DIR: folder,
    DATABASE_URL: `postgres://desk_owner:desk-word@127.0.0.1:${port}/chaos`,
    MASTHEAD_SECRET: secret,
    RATE_LIMIT: 'off',
    LOG_LEVEL: 'warn',
    OUTBOUND_ALLOW: platforms.hosts.join(','),
    ...(redis ? { REDIS_URL: redis.url } : {}),
  })
  const processes = await openProcesses(join(cluster.socket, '.s.PGSQL.5432'), environment)
  const own = await openServices(
    readConfig({ ...environment(processes.lines[0]?.port ?? 0), LOG_LEVEL: 'silent' }),
  )
  const { db } = own.services
  const tenants: Tenant[] = []

  const rig: Rig = {
    cluster,
    redis,
    dataDir: folder,
    admin,
    platforms,
    processes,
    tenants,
    posts: [],
    ask: createAsk(processes),
    async connect(tenant, platform, settings) {
      const made = await rig.ask(tenant, 'POST', '/accounts', { body: { platform, settings } })
      if (made.status !== 201 && made.status !== 200)
        throw new Error(`${platform} of ${tenant.slug} was not connected: ${JSON.stringify(made.body)}`)
      return made.body.id as string
    },
    async connectOwn(tenant, address) {
      const id = await rig.connect(tenant, 'webhook', { url: address })
      const account: Account = { id, network: 'webhook', place: new URL(address).pathname }
      tenant.own.push(account)
      return account
    },
    async inside(tenant, read) {
      for (let tries = 1; ; tries++)
        try {
          return await db.within({ tenantId: tenant.id, userId: null, role: 'system' }, read, {
            readOnly: true,
          })
        } catch (error) {
          if (tries === 100) throw error
          await Bun.sleep(100)
        }
    },
    command(name, ...words) {
      const { exitCode, stderr } = Bun.spawnSync(
        [process.execPath, '--no-env-file', join(root, 'src/cli', `${name}.ts`), ...words],
        { cwd: root, env: environment(processes.lines[0]?.port ?? 0) },
      )
      if (exitCode !== 0) throw new Error(`${name} ${words.join(' ')}: ${stderr}`)
    },
    ownerOf: async database =>
      openPool({ socket: cluster.socket, ...cluster.superuser, database }, { name: 'chaos owner', max: 1 }),
    async shown() {
      const arrived = await Promise.all(
        tenants.map(tenant =>
          rig.inside(
            tenant,
            ({ sql }) => sql`select account_id, text, arrived_at, images from rehearsal_posts`,
          ),
        ),
      )
      return [
        ...(await platforms.shown()),
        ...arrived.flat().map(row => ({
          place: row.account_id as string,
          text: row.text as string,
          at: (row.arrived_at as Date).getTime(),
          alts: (row.images as { alt: string }[]).map(({ alt }) => alt),
        })),
      ]
    },
    async recorded(play) {
      const rows = await Promise.all(
        tenants.map(async tenant => ({ tenant: tenant.slug, jobs: await rig.inside(tenant, jobsOf(play)) })),
      )
      return rows.flatMap(({ tenant, jobs }) =>
        jobs.map(row => ({
          job: row.id as string,
          tenant,
          text: row.text as string,
          state: row.state as string,
          openAttempts: row.open as number,
          publishedEvents: row.told as number,
        })),
      )
    },
    async close() {
      await processes.stop()
      await own.close()
      await platforms.stop()
      await admin.end({ timeout: 1 })
      cluster.remove()
      rmSync(folder, { recursive: true, force: true })
    },
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
    tenants.push({ id: tenant.id, slug, key, accounts: [], own: [], pictures: [] })
  }

  async function settle(tenant: Tenant): Promise<void> {
    for (const home of await platforms.homes(tenant.slug.replace('-', ''))) {
      const { network, place, platform, settings } = home
      tenant.accounts.push({ id: await rig.connect(tenant, platform, settings), network, place, home })
    }
    const id = await rig.connect(tenant, 'rehearsal', {})
    tenant.accounts.push({ id, network: 'rehearsal', place: id })
    for (const n of [1, 2, 3, 4]) tenant.pictures.push(await upload(tenant, n))
  }

  async function upload(tenant: Tenant, n: number): Promise<string> {
    const background = { r: 40 * n, g: tenants.indexOf(tenant) * 5, b: 90 }
    const bytes = await sharp({ create: { width: 60, height: 40, channels: 3, background } })
      .png()
      .toBuffer()
    const form = new FormData()
    form.set('file', new File([new Uint8Array(bytes)], `picture-${n}.png`, { type: 'image/png' }))
    form.set('alt', `${tenant.slug} picture ${n}`)
    const made = await rig.ask(tenant, 'POST', '/media', { body: form })
    if (made.status !== 201) throw new Error(`A picture was not taken: ${JSON.stringify(made.body)}`)
    return made.body.id as string
  }

  try {
    await Promise.all(Array.from({ length: tenantCount }, (_, n) => found(n)))
    tenants.sort((a, b) => a.slug.localeCompare(b.slug))
    for (const at of places) await processes.start(at)
    await Promise.all(tenants.map(settle))
  } catch (error) {
    await rig.close()
    throw error
  }
  return rig
}

const jobsOf =
  (play: string) =>
  ({ sql }: Scope) =>
    sql`
    select j.id, j.state, v.text,
      (select count(*)::int from publish_attempts a where a.job_id = j.id and (a.ended_at is null or a.outcome is null)) as open,
      (select count(*)::int from events e where e.subject_id = j.id and e.type = 'publish_job.published') as told
    from publish_jobs j join content_versions v on v.id = j.version_id where v.text like ${`${play} %`}`
