import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../src/config.ts'
import { startEmbedded, stopEmbedded } from '../src/db/embedded.ts'
import { mostLagMs } from '../src/db/replica.ts'
import { createLog } from '../src/lib/log.ts'
import { derivePassword } from '../src/lib/seal.ts'
import { type Running, start } from '../src/start.ts'
import { foundWorkspace } from '../src/team/workspace.ts'
import { freePort, type Standby, startStandby } from './peers/index.ts'
import { testPassword, testSecret } from './setup.ts'

setDefaultTimeout(120_000)
const quiet = createLog({ level: 'silent', json: false })

/** A real primary and a real streaming replica; the app in front of both, asked over HTTP. */
describe('with a read replica', () => {
  let folder: string
  let standby: Standby
  let running: Running
  const owners: { slug: string; token: string; cookie: string }[] = []

  const ask = async (token: string, method: string, path: string, body?: unknown) => {
    const started = performance.now()
    const answer = await fetch(`${running.address}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer's fields
      body: (text ? JSON.parse(text) : null) as any,
      ms: performance.now() - started,
    }
  }
  const found = async (slug: string) => {
    const email = `owner@${slug}.example`
    await foundWorkspace(running.services.db, testSecret, {
      slug,
      name: slug,
      zone: 'Europe/Berlin',
      country: 'DE',
      ownerName: 'Owner',
      email,
      password: testPassword,
    })
    const signed = await fetch(`${running.address}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ workspace: slug, email, password: testPassword }),
    })
    const { token } = (await signed.json()) as { token: string }
    const page = await fetch(`${running.address}/sign-in`, {
      method: 'POST',
      headers: { origin: running.address },
      body: new URLSearchParams({ email, password: testPassword }),
      redirect: 'manual',
    })
    const cookie = page.headers.get('set-cookie')?.split(';')[0] ?? ''
    return { slug, token, cookie }
  }
  const owner = (n = 0) => owners[n] as (typeof owners)[number]
  const write = async (token: string, text: string): Promise<string> => {
    const made = await ask(token, 'POST', '/content', { text })
    expect(made.status).toBe(201)
    return made.body.id
  }
  /** Where reads went since the last call. */
  const reads = (() => {
    const seen = new Map<string, number>()
    return async (): Promise<Record<string, number>> => {
      const text = await (await fetch(`${running.address}/metrics`)).text()
      const now: Record<string, number> = {}
      for (const [, from, why, count] of text.matchAll(
        /^masthead_reads_total\{from="(\w+)",why="([\w ]+)"\} (\d+)$/gm,
      )) {
        const name = `${from} ${why}`
        const fresh = Number(count) - (seen.get(name) ?? 0)
        if (fresh > 0) now[name] = fresh
        seen.set(name, Number(count))
      }
      return now
    }
  })()
  /** Reads until one comes from the replica. */
  const untilRead = async () => {
    const limit = Date.now() + 40_000
    for (;;) {
      await reads()
      await ask(owner().token, 'GET', '/content')
      if ((await reads())['replica fresh']) return
      if (Date.now() > limit) throw new Error('nothing is ever read from the replica')
      await Bun.sleep(100)
    }
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'masthead-primary-'))
    chmodSync(folder, 0o755)
    const ownerPassword = derivePassword(testSecret, 'database owner')
    const environment = {
      DATA_DIR: folder,
      MASTHEAD_SECRET: testSecret,
      PORT: String(await freePort()),
      LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
      RATE_LIMIT: 'off',
    }
    // Once without the replica, to make the database.
    const first = await start(readConfig(environment))
    await first.stop(true)
    const cluster = await startEmbedded(folder, ownerPassword, quiet)
    standby = await startStandby({ ...cluster, ownerPassword }, 'masthead')
    running = await start(
      readConfig({ ...environment, DATABASE_READ_URL: standby.url('whoever', 'none', 'masthead') }),
    )
    owners.push(await found('northwind'), await found('southpaw'))
    await untilRead()
  })
  afterAll(async () => {
    await running?.stop(true)
    await standby?.stop()
    await stopEmbedded(folder, quiet)
    rmSync(folder, { recursive: true, force: true })
  })

  test('400 writes, each read back at once by its writer through the API and a page: none is missed', async () => {
    await reads()
    let missed = 0
    const delay = (ms: number) =>
      standby.ask(async sql => {
        await sql.unsafe(`alter system set recovery_min_apply_delay = ${ms}`)
        await sql`select pg_reload_conf()`
      })
    for (let n = 0; n < 400; n++) {
      // The second half with a replica that is always a little late.
      if (n === 200) await delay(60)
      const { token, cookie, slug } = owner(n % 2)
      const id = await write(token, `read back ${n}`)
      if (n % 4 < 3) {
        const { body } = await ask(token, 'GET', '/content?limit=1')
        if (body.items[0]?.id !== id) missed++
        continue
      }
      // Another session of the same workspace: a page.
      const page = await fetch(`${running.address}/w/${slug}/content`, { headers: { cookie } })
      expect(page.status).toBe(200)
      if (!(await page.text()).includes(id)) missed++
    }
    await delay(0)
    const went = await reads()
    console.log('read back at once:', went, 'missed:', missed)
    expect(missed).toBe(0)
    expect(went['primary behind'] ?? 0).toBeGreaterThan(100)
  })

  test('after a moment everything is read from the replica', async () => {
    await write(owner().token, 'calm')
    await untilRead()
    for (let n = 0; n < 20; n++) {
      await ask(owner().token, 'GET', '/content')
      await fetch(`${running.address}/w/northwind/calendar`, { headers: { cookie: owner().cookie } })
    }
    expect(await reads()).toEqual({ 'replica fresh': 40 })
    const [there] = await standby.ask(
      sql => sql`
      select sum(xact_commit)::int as done from pg_stat_database where datname = 'masthead'`,
    )
    expect(there?.done as number).toBeGreaterThan(40)
  })

  test('replay that pauses: who wrote reads from the primary, others from the replica, until it is too far behind', async () => {
    await standby.ask(sql => sql`select pg_wal_replay_pause()`)
    try {
      await reads()
      const id = await write(owner().token, 'while it pauses')
      expect((await ask(owner().token, 'GET', '/content?limit=1')).body.items[0].id).toBe(id)
      expect((await ask(owner(1).token, 'GET', '/content')).status).toBe(200)
      expect(await reads()).toEqual({ 'primary behind': 1, 'replica fresh': 1 })
      const limit = Date.now() + 4 * mostLagMs
      for (;;) {
        await ask(owner(1).token, 'GET', '/content')
        if ((await reads())['primary lagging']) break
        if (Date.now() > limit) throw new Error('a replica that never catches up is read from for ever')
        await Bun.sleep(200)
      }
    } finally {
      await standby.ask(sql => sql`select pg_wal_replay_resume()`)
    }
    await untilRead()
  })

  test('a workspace that the replica does not have yet is at home on the primary', async () => {
    await standby.ask(sql => sql`select pg_wal_replay_pause()`)
    try {
      await reads()
      const young = await found('young')
      const id = await write(young.token, 'first words')
      expect((await ask(young.token, 'GET', '/content')).body.items[0].id).toBe(id)
      expect((await fetch(`${running.address}/feed/young`)).status).toBe(200)
      const went = await reads()
      expect(went['replica fresh'] ?? 0).toBe(0)
    } finally {
      await standby.ask(sql => sql`select pg_wal_replay_resume()`)
    }
  })

  test('a signed-out session is out at once, whatever the replica says', async () => {
    await untilRead()
    const leaving = await fetch(`${running.address}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        workspace: 'northwind',
        email: 'owner@northwind.example',
        password: testPassword,
      }),
    })
    const { token } = (await leaving.json()) as { token: string }
    await untilRead()
    await standby.ask(sql => sql`select pg_wal_replay_pause()`)
    try {
      // As a command or another process does it: nothing here knows that something was written.
      const { db } = running.services
      const hear = db.afterCommit
      db.afterCommit = null
      expect((await ask(token, 'DELETE', '/sessions/current')).status).toBe(204)
      db.afterCommit = hear
      expect((await ask(token, 'GET', '/content')).status).toBe(401)
    } finally {
      await standby.ask(sql => sql`select pg_wal_replay_resume()`)
    }
  })

  test.each(['killed', 'frozen'] as const)(
    'a replica that is %s in mid-flight costs no request and little time',
    async how => {
      await untilRead()
      await reads()
      let slowest = 0
      let worst = 0
      let asked = 0
      let going = true
      const reader = async (n: number) => {
        while (going) {
          const { status, ms } = await ask(owner(n % 2).token, 'GET', '/content?limit=5')
          expect(status).toBe(200)
          slowest = Math.max(slowest, ms)
          worst = Math.max(worst, ms)
          asked++
        }
      }
      const readers = Promise.all([0, 1, 2, 3].map(reader))
      await Bun.sleep(300)
      if (how === 'killed') await standby.kill()
      else standby.freeze()
      await Bun.sleep(4_000)
      // By now it is known to be away: nobody waits for it.
      slowest = how === 'killed' ? slowest : 0
      await Bun.sleep(1_000)
      going = false
      await readers
      const went = await reads()
      console.log(`replica ${how}:`, went, 'asked', asked, 'slowest', Math.round(slowest), 'ms')
      expect(worst).toBeLessThan(4_000)
      expect(slowest).toBeLessThan(how === 'killed' ? 3_000 : 1_000)
      expect(went['primary unreachable']).toBeGreaterThan(0)
      if (how === 'killed') await standby.start()
      else standby.thaw()
      await untilRead()
    },
  )

  test('a read that stands in the way of replay gives way, and is answered all the same', async () => {
    const { services } = running
    const tenant = await services.db.tenantBySlug('northwind')
    const actor = { tenantId: tenant?.id ?? '', userId: null, role: 'system' } as const
    await untilRead()
    await reads()
    const read = await services.replica?.read(actor, async ({ sql }) => {
      await sql`select count(*) from content`
      // Held open long enough for the lock of the change to arrive and its patience (1 s) to end.
      await services.db.owner.unsafe(`alter table ${tenant?.schema}.content add column for_a_while text`)
      await sql`select pg_sleep(1.7)`
      return (await sql`select id from content limit 1`).length
    })
    await services.db.owner.unsafe(`alter table ${tenant?.schema}.content drop column for_a_while`)
    expect(read).toBeNull()
    console.log('in the way of replay:', await reads())
  })
})

describe('a DATABASE_READ_URL that is no replica', () => {
  test('is said, and nothing is read there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'masthead-no-replica-'))
    chmodSync(folder, 0o755)
    const child = Bun.spawn([process.execPath, 'src/main.ts'], {
      cwd: join(import.meta.dir, '..'),
      env: {
        PATH: process.env.PATH ?? '',
        DATA_DIR: folder,
        PORT: '0',
        LOG_LEVEL: 'warn',
        DATABASE_READ_URL: 'postgres://masthead:none@127.0.0.1:1/masthead',
      },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const out = child.stdout.pipeThrough(new TextDecoderStream() as never).getReader()
    expect((await out.read()).value as unknown as string).toContain('Masthead is ready')
    // The replica is looked at beside the start, not before it: asked to stop at once, it would say nothing.
    let said = ''
    for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream() as never)) {
      said += chunk as string
      if (said.includes('nothing is read from the replica: it does not answer')) break
    }
    expect(said).toContain('nothing is read from the replica: it does not answer')
    child.kill('SIGINT')
    expect(await child.exited).toBe(0)
    await stopEmbedded(folder, quiet)
    rmSync(folder, { recursive: true, force: true })
  })
})
