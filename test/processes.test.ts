import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stopEmbedded } from '../src/db/embedded.ts'
import { createLog } from '../src/lib/log.ts'
import { type Balancer, freePort, startBalancer } from './peers/index.ts'
import { type Served, serve } from './peers/serve.ts'
import { listenTo } from './stream.ts'

setDefaultTimeout(180_000)

const owner = { email: 'ines@northwind.example', password: 'a quiet desk by the window' }
const posts = 200

/** Two processes of the app as they run in production, on one database, behind a balancer. */
describe('two processes', () => {
  let folder: string
  let ports: number[]
  let balancer: Balancer
  let network: Served
  let token = ''
  const children = new Map<
    number,
    { child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>; said: Promise<string> }
  >()

  async function run(port: number): Promise<string> {
    const child = Bun.spawn([process.execPath, 'src/main.ts'], {
      cwd: join(import.meta.dir, '..'),
      env: {
        PATH: process.env.PATH ?? '',
        DATA_DIR: folder,
        PORT: String(port),
        RATE_LIMIT: 'off',
        LOG_LEVEL: 'warn',
        OUTBOUND_ALLOW: new URL(network.url).host,
      },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    children.set(port, { child, said: new Response(child.stderr).text() })
    const { value } = await child.stdout
      .pipeThrough(new TextDecoderStream() as never)
      .getReader()
      .read()
    return String(value)
  }
  async function end(
    port: number,
    signal: 'SIGTERM' | 'SIGINT',
  ): Promise<{ code: number; said: string; ms: number }> {
    const one = children.get(port)
    if (!one) throw new Error(`nothing runs on ${port}`)
    const started = performance.now()
    one.child.kill(signal)
    const code = await one.child.exited
    return { code, said: await one.said, ms: performance.now() - started }
  }
  const at = (n: number) => `http://127.0.0.1:${ports[n]}`
  const ask = async (
    base: string,
    method: string,
    path: string,
    body?: unknown,
    more: Record<string, string> = {},
  ) => {
    const answer = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...more,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer's fields
    return { status: answer.status, body: (text.startsWith('{') ? JSON.parse(text) : text) as any }
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'masthead-processes-'))
    chmodSync(folder, 0o755)
    network = await serve(async () => {
      await Bun.sleep(15)
      return Response.json({ id: 'x' })
    })
    ports = [await freePort(), await freePort()]
    const line = await run(ports[0] as number)
    const form = {
      code: /code (\d{8})/.exec(line)?.[1] ?? '',
      name: 'Northwind',
      slug: 'northwind',
      zone: 'Europe/Berlin',
      ownerName: 'Ines',
      ...owner,
    }
    const made = await fetch(`${at(0)}/setup`, {
      method: 'POST',
      headers: { origin: at(0) },
      body: new URLSearchParams(form),
      redirect: 'manual',
    })
    expect(made.status).toBe(303)
    token = (await ask(at(0), 'POST', '/sessions', { workspace: 'northwind', ...owner })).body.token
    await run(ports[1] as number)
    balancer = await startBalancer(ports)
    for (const port of ports) await balancer.until(port, true)
  })
  afterAll(async () => {
    await balancer?.stop()
    for (const { child } of children.values()) child.kill('SIGKILL')
    await Promise.all([...children.values()].map(({ child }) => child.exited))
    await network?.stop()
    await stopEmbedded(folder, createLog({ level: 'silent', json: false }))
    rmSync(folder, { recursive: true, force: true })
  })

  test('what is written in one is told by the other, without Redis', async () => {
    const response = await fetch(`${at(1)}/api/v1/events`, { headers: { authorization: `Bearer ${token}` } })
    const heard = await listenTo(response)
    await heard.until(told => told.length > 0)
    const { body } = await ask(at(0), 'POST', '/content', { text: 'across' })
    await heard.until(told => told.some(({ data }) => data.id === body.id))
    await heard.leave()
  })

  test(`restarted in turn under load: no request is lost, nothing is written twice, ${posts} posts go out once`, async () => {
    const accounts: string[] = []
    for (let n = 0; n < 5; n++) {
      const made = await ask(balancer.url, 'POST', '/accounts', {
        platform: 'webhook',
        settings: { url: `${network.url}/place-${n}` },
      })
      expect(made.status).toBe(201)
      accounts.push(made.body.id)
    }
    const jobs: string[] = []
    const began = performance.now()
    const written: string[] = []
    for (let n = 0; n < posts; n++)
      written.push((await ask(balancer.url, 'POST', '/content', { text: `due post ${n}` })).body.id)
    // Late enough for all to be planned, by what this machine has just shown.
    const dueFrom = Date.now() + 5_000 + 3 * (performance.now() - began)
    for (const [n, id] of written.entries()) {
      const planned = await ask(balancer.url, 'POST', `/content/${id}/publish-jobs`, {
        accounts: [accounts[n % accounts.length]],
        at: new Date(dueFrom + n * 60).toISOString(),
      })
      expect(planned.status).toBe(201)
      jobs.push(planned.body.items[0].id)
    }

    const statuses = new Map<string, number>()
    const made = new Map<string, string[]>()
    let going = true
    const client = async (lane: number) => {
      for (let n = 0; going; n++) {
        const text = `written ${lane}.${n}`
        const written = await ask(
          balancer.url,
          'POST',
          '/content',
          { text },
          { 'idempotency-key': text.replace(' ', '-') },
        )
        made.set(text, [...(made.get(text) ?? []), written.body.id])
        const read = await ask(balancer.url, 'GET', '/content?limit=5')
        for (const { status } of [written, read]) {
          const name = String(status)
          statuses.set(name, (statuses.get(name) ?? 0) + 1)
        }
      }
    }
    const clients = Promise.all([0, 1, 2, 3, 4, 5].map(client))
    const restarts: { code: number; ms: number }[] = []
    for (let round = 0; round < 2; round++)
      for (const port of ports) {
        const { code, ms, said } = await end(port, 'SIGTERM')
        expect({ code, said: said.replace(/.*several processes.*\n/, '') }).toEqual({ code: 0, said: '' })
        restarts.push({ code, ms: Math.round(ms) })
        await run(port)
        await balancer.until(port, true)
      }
    const limit = Date.now() + 60_000
    const left = async () => {
      const states = await Promise.all(
        jobs.map(async id => (await ask(balancer.url, 'GET', `/publish-jobs/${id}`)).body.state as string),
      )
      return states.filter(state => state !== 'published')
    }
    while ((await left()).length > 0 && Date.now() < limit) await Bun.sleep(300)
    going = false
    await clients

    const sent = new Map<string, number>()
    for (const { raw } of network.requests) {
      const post = /due post \d+/.exec(new TextDecoder().decode(raw))?.[0]
      if (post) sent.set(post, (sent.get(post) ?? 0) + 1)
    }
    console.log('rolling restart:', {
      requests: Object.fromEntries(statuses),
      failures: balancer.failures.length,
      answered: Object.fromEntries(balancer.answered),
      restarts,
      posts: sent.size,
      sends: [...sent.values()].reduce((sum, one) => sum + one, 0),
    })
    expect(balancer.failures).toEqual([])
    expect([...statuses.keys()].sort()).toEqual(['200', '201'])
    expect(await left()).toEqual([])
    expect(sent.size).toBe(posts)
    expect([...sent.values()].every(times => times === 1)).toBe(true)
    for (const count of balancer.answered.values()) expect(count).toBeGreaterThan(100)

    // Every write is there, once.
    const there = new Map<string, number>()
    let cursor: string | null = null
    do {
      const page = await ask(
        balancer.url,
        'GET',
        `/content?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      )
      for (const { text } of page.body.items as { text: string }[])
        if (text.startsWith('written')) there.set(text, (there.get(text) ?? 0) + 1)
      cursor = page.body.next
    } while (cursor)
    const unseen = [...made].filter(([text]) => !there.has(text))
    const found = await Promise.all(
      unseen.map(async ([text, [id]]) => ({
        text,
        at: (await ask(balancer.url, 'GET', `/content/${id}`)).status,
      })),
    )
    expect(found).toEqual([])
    expect([...there.values()].every(times => times === 1)).toBe(true)
  })

  test('several processes without Redis say what they do without', async () => {
    const { code, said } = await end(ports[1] as number, 'SIGTERM')
    expect(code).toBe(0)
    expect(said).toContain('several processes work on this database without REDIS_URL')
  })

  test('SIGINT does not wait for the balancer; an open stream holds nothing up', async () => {
    const response = await fetch(`${at(0)}/api/v1/events`, { headers: { authorization: `Bearer ${token}` } })
    const heard = await listenTo(response)
    await heard.until(told => told.length > 0)
    const { code, ms } = await end(ports[0] as number, 'SIGINT')
    await heard.ended.catch(() => {})
    expect(code).toBe(0)
    expect(ms).toBeLessThan(4_000)
  })
})
