/** The real peers start, answer a real request, and stop. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RedisClient } from 'bun'
import postgres from 'postgres'
import sharp from 'sharp'
import { startEmbedded } from '../../src/db/embedded.ts'
import { createLog } from '../../src/lib/log.ts'
import { chromium, describePeer, type Pds, startPds, startPgbouncer, startRedis } from './index.ts'

/** What the calls below read from the PDS's answers. */
interface Answer {
  accessJwt: string
  blob: { ref: { $link: string } }
}

describePeer('pds', 'Bluesky PDS', () => {
  let pds: Pds
  beforeAll(async () => {
    pds = await startPds()
  })
  afterAll(() => pds?.stop())

  test('takes a post with an image by app password and gives both back', async () => {
    const account = await pds.createAccount('anna')
    const call = async (
      name: string,
      token: string,
      body: string | Uint8Array,
      type = 'application/json',
    ) => {
      const headers = { 'content-type': type, ...(token ? { authorization: `Bearer ${token}` } : {}) }
      const response = await fetch(`${pds.url}/xrpc/${name}`, { method: 'POST', headers, body })
      return { status: response.status, body: (await response.json()) as Answer }
    }
    const login = { identifier: account.handle, password: account.appPassword }
    const session = await call('com.atproto.server.createSession', '', JSON.stringify(login))
    const token = session.body.accessJwt
    const jpeg = await sharp({ create: { width: 20, height: 20, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer()
    const { blob } = (await call('com.atproto.repo.uploadBlob', token, jpeg, 'image/jpeg')).body
    const record = {
      $type: 'app.bsky.feed.post',
      text: 'hello',
      createdAt: new Date().toISOString(),
      embed: { $type: 'app.bsky.embed.images', images: [{ alt: 'red', image: blob }] },
    }
    const post = JSON.stringify({
      repo: account.did,
      collection: 'app.bsky.feed.post',
      rkey: '3l2aaaaaaaa2a',
      record,
    })
    expect((await call('com.atproto.repo.putRecord', token, post)).status).toBe(200)
    const revision = await pds.revision(account.did)
    // The same put again changes nothing: this is what makes publishing there repeatable.
    expect((await call('com.atproto.repo.putRecord', token, post)).status).toBe(200)
    expect(await pds.revision(account.did)).toBe(revision)
    expect(await pds.records(account.did)).toMatchObject([
      { rkey: '3l2aaaaaaaa2a', value: { text: 'hello' } },
    ])
    const read = await pds.getBlob(account.did, blob.ref.$link)
    expect([read.type, Buffer.from(read.bytes).equals(jpeg)]).toEqual(['image/jpeg', true])
    await pds.revokeAppPassword(account)
    expect((await call('com.atproto.server.createSession', '', JSON.stringify(login))).status).toBe(401)
  })
})

describePeer('redis', 'Redis', () => {
  test('counts', async () => {
    const redis = await startRedis()
    const client = new RedisClient(redis.url)
    expect([await client.incr('a'), await client.incr('a')]).toEqual([1, 2])
    client.close()
    await redis.stop()
    expect(fetch(redis.url.replace('redis', 'http'))).rejects.toThrow()
  })
})

describePeer('pgbouncer', 'PgBouncer', () => {
  test('shares few server connections among many clients and keeps nothing of one for the next', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'masthead-pooled-'))
    const cluster = await startEmbedded(folder, 'owner "pass"', createLog({ level: 'error', json: false }), {
      fsync: 'off',
    })
    const owner = 'masthead_owner'
    const pooler = await startPgbouncer({
      pgSocketOrHost: cluster.socket,
      port: 5432,
      database: 'postgres',
      users: { [owner]: 'owner "pass"' },
      poolSize: 2,
    })
    const sql = postgres(pooler.url(owner), { max: 8, prepare: false })
    const backends = await Promise.all(
      Array.from({ length: 24 }, (_, i) =>
        sql.begin(async tx => {
          await tx`select set_config('search_path', ${`t${i}`}, true)`
          const [row] = await tx<{ pid: number; path: string }[]>`
            select pg_backend_pid() as pid, current_setting('search_path') as path`
          expect(row?.path).toBe(`t${i}`)
          return row?.pid
        }),
      ),
    )
    expect(new Set(backends).size).toBeLessThanOrEqual(2)
    const [after] = await sql<{ path: string }[]>`select current_setting('search_path') as path`
    expect(after?.path).toBe('"$user", public')
    await sql.end()
    await pooler.stop()
    cluster.stop()
    rmSync(folder, { recursive: true, force: true })
  })
})

describePeer('chromium', 'Chromium', () => {
  test('shows a page and runs its script', async () => {
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () =>
        new Response(
          '<title>x</title><p>…</p><script>document.querySelector("p").textContent = "ran"</script>',
          {
            headers: { 'content-type': 'text/html' },
          },
        ),
    })
    const browser = await chromium()
    const page = await browser.newPage()
    await page.goto(server.url.href)
    expect(await page.textContent('p')).toBe('ran')
    await browser.close()
    await server.stop(true)
  })
})
