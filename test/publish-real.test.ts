/**
 * Publishing as an integrator sees it: connect, upload, write, schedule through the JSON API, with the process's own
 * worker and clock; then read back what a real Bluesky server, a Mastodon server and a webhook's receiver hold.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { Webhook } from 'standardwebhooks'
import { crontab } from '../src/jobs/crontab.ts'
import { startScheduler } from '../src/jobs/scheduler.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { keyOf } from '../src/platforms/mastodon.ts'
import { type ApiAnswer, type House, openHouse } from './cast.ts'
import { describePeer, type Mastodon, type Pds, startMastodon, startPds } from './peers/index.ts'
import { type Served, serve } from './peers/serve.ts'

const statusCall = 'POST /api/v1/statuses'
const ended = ['published', 'failed', 'unconfirmed', 'cancelled', 'held']

/** The house with everything around it that a running process has: worker, wake-up calls, the ticking clock. */
async function openLiveHouse(hosts: string[]) {
  const house = await openHouse({ OUTBOUND_ALLOW: hosts.join(',') })
  const worker = createWorker(house.services)
  const listener = await house.services.db.owner.listen('masthead_due', worker.wake, worker.wake)
  const scheduler = startScheduler(crontab(house.services, worker), house.services.log)
  return {
    house,
    worker,
    async close() {
      scheduler.stop()
      await worker.stop(10_000)
      await listener.unlisten()
      await house.close()
    },
  }
}

const made = (answer: ApiAnswer) => {
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body
}
const readJob = async (house: House, id: string) => (await house.alice.api('GET', `/publish-jobs/${id}`)).body
const connect = async (house: House, platform: string, settings: object) =>
  made(await house.alice.api('POST', '/accounts', { platform, settings }))
const write = async (house: House, text: string, media: string[] = []) =>
  made(await house.alice.api('POST', '/content', { text, media })).id as string
const schedule = async (house: House, content: string, account: string, when: object) =>
  made(await house.alice.api('POST', `/content/${content}/publish-jobs`, { accounts: [account], ...when }))
    .items[0].id as string
/** Asks the API until the job is as wished. */
async function until(
  house: House,
  id: string,
  wished: (job: { state: string; nextTryAt: string | null }) => boolean,
) {
  const end = Date.now() + 30_000
  for (;;) {
    const job = await readJob(house, id)
    if (wished(job)) return job
    if (Date.now() > end) throw new Error(`It did not come to that: ${JSON.stringify(job)}`)
    await Bun.sleep(25)
  }
}
const end = (house: House, id: string) => until(house, id, job => ended.includes(job.state))

/** A camera's JPEG: lying on its side, with a place and a name in its EXIF. Four fields of colour tell which way is up. */
async function photo(): Promise<Uint8Array<ArrayBuffer>> {
  const field = (background: string) => ({
    input: { create: { width: 60, height: 40, channels: 3 as const, background } },
  })
  const bytes = await sharp({ create: { width: 120, height: 80, channels: 3, background: '#fff' } })
    .composite([
      { ...field('#c33'), left: 0, top: 0 },
      { ...field('#3c3'), left: 60, top: 0 },
      { ...field('#33c'), left: 0, top: 40 },
      { ...field('#cc3'), left: 60, top: 40 },
    ])
    .withExif({ IFD0: { Copyright: 'Ada Secret' }, IFD3: { GPSLatitude: '52/1 31/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 95 })
    .toBuffer()
  return new Uint8Array(bytes)
}

/** How far two pictures are apart: the mean difference of a colour value, of 255. */
async function difference(one: Uint8Array, other: Uint8Array): Promise<number> {
  const [a, b] = await Promise.all(
    [one, other].map(bytes => sharp(bytes).autoOrient().removeAlpha().raw().toBuffer()),
  )
  if (!a || !b || a.length !== b.length) return 255
  return a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length
}

describePeer('pds', 'everywhere at once', () => {
  let live: Awaited<ReturnType<typeof openLiveHouse>>
  let pds: Pds
  let mastodon: Mastodon
  let receiver: Served
  beforeAll(async () => {
    pds = await startPds()
    mastodon = await startMastodon({ mediaPolls: 1 })
    receiver = await serve(() => Response.json({ id: 'site-7', url: 'https://site.example/7' }))
    live = await openLiveHouse([new URL(pds.url).host, mastodon.host, new URL(receiver.url).host])
  }, 60_000)
  afterAll(async () => {
    await live?.close()
    await Promise.all([receiver?.stop(), mastodon?.stop(), pds?.stop()])
  })

  test('words, links, mention, tag and picture arrive whole, on time, once', async () => {
    const { house } = live
    const ada = await pds.createAccount('ada')
    const friend = await pds.createAccount('bela')
    const text = `Grüße ☕👋🏽 @${friend.handle} liest https://example.com/a?b=ü#c #Café`

    const bluesky = await connect(house, 'bluesky', {
      service: pds.url,
      identifier: ada.handle,
      password: ada.appPassword,
    })
    const login = mastodon.addAccount('ada')
    const toot = await connect(house, 'mastodon', { instance: mastodon.url, token: login.token })
    const hook = await connect(house, 'webhook', { url: `${receiver.url}/hook` })
    const accounts = (await house.alice.api('GET', '/accounts')).body.items
    const feed = accounts.find((one: { platform: string }) => one.platform === 'feed')

    const original = await photo()
    const form = new FormData()
    form.set('file', new File([original], 'IMG_1.jpg', { type: 'image/jpeg' }))
    form.set('alt', 'Vier Felder 🟥🟩')
    const media = made(await house.alice.api('POST', '/media', form))
    expect(media).toMatchObject({ type: 'image/jpeg', width: 80, height: 120, alt: 'Vier Felder 🟥🟩' })

    const content = await write(house, text, [media.id])
    // The API shows whole seconds, so what was asked for is kept here.
    const asked: Record<string, number> = {}
    const plan = (platform: string, account: string, ms: number) => {
      const at = Date.now() + ms
      asked[platform] = at
      return schedule(house, content, account, { at: new Date(at).toISOString() })
    }
    const jobs = {
      bluesky: await plan('bluesky', bluesky.id, 1_000),
      mastodon: await plan('mastodon', toot.id, 1_500),
      webhook: await plan('webhook', hook.id, 2_000),
      feed: await plan('feed', feed.id, 3_000),
    }
    const done = {
      bluesky: await end(house, jobs.bluesky),
      mastodon: await end(house, jobs.mastodon),
      webhook: await end(house, jobs.webhook),
      feed: await end(house, jobs.feed),
    }
    const late = Object.entries(done).map(([platform, job]) => {
      expect(job.state, JSON.stringify(job)).toBe('published')
      expect(job.attempts).toHaveLength(1)
      const since = (time: string) => Date.parse(time) - (asked[platform] ?? 0)
      expect(since(job.attempts[0].startedAt)).toBeGreaterThanOrEqual(0)
      return `${platform} ${since(job.attempts[0].startedAt)}/${since(job.publishedAt)}`
    })
    console.log(`late by, begun/published in ms: ${late.join(', ')}`)

    await readBackBluesky(done.bluesky, ada.did, friend.did, text, original, media.id)
    await readBackMastodon(login.id, done.mastodon, text, original)
    await readBackWebhook(done.webhook, hook.secret, text, media.id)
    if (existsSync(join(import.meta.dir, '../src/feed'))) await readBackFeed(done.feed)
  }, 60_000)

  async function readBackBluesky(
    job: { remoteId: string },
    did: string,
    friend: string,
    text: string,
    original: Uint8Array,
    mediaId: string,
  ) {
    const records = await pds.records(did)
    expect(records).toHaveLength(1)
    const [record] = records
    expect(record?.uri).toBe(job.remoteId)
    const value = record?.value as {
      text: string
      facets: { index: { byteStart: number; byteEnd: number }; features: Record<string, string>[] }[]
      embed: { images: { alt: string; aspectRatio: object; image: { ref: { $link: string } } }[] }
    }
    expect(value.text).toBe(text)
    // Offsets count bytes: what they cut out must be the very words.
    const bytes = Buffer.from(text)
    const cut: Record<string, string>[] = value.facets.map(({ index, features }) => ({
      words: bytes.subarray(index.byteStart, index.byteEnd).toString(),
      ...features[0],
    }))
    const kind = (name: string) => `app.bsky.richtext.facet#${name}`
    expect(cut).toEqual([
      { words: '@bela.test', $type: kind('mention'), did: friend },
      { words: 'https://example.com/a?b=ü#c', $type: kind('link'), uri: 'https://example.com/a?b=ü#c' },
      { words: '#Café', $type: kind('tag'), tag: 'Café' },
    ])
    const image = value.embed.images[0]
    expect(value.embed.images).toHaveLength(1)
    expect(image).toMatchObject({ alt: 'Vier Felder 🟥🟩', aspectRatio: { width: 80, height: 120 } })
    const blob = await pds.getBlob(did, image?.image.ref.$link ?? '')
    const ours = await live.house.services.files.read(live.house.alice.tenant.id, mediaId, 'full')
    expect(Buffer.from(blob.bytes).equals(Buffer.from(ours ?? new Uint8Array()))).toBe(true)
    await expectSamePhoto(blob.bytes, original)
  }

  async function readBackMastodon(
    accountId: string,
    job: { id: string; remoteId: string; remoteUrl: string },
    text: string,
    original: Uint8Array,
  ) {
    expect(mastodon.accepted).toHaveLength(1)
    const [status] = mastodon.accepted
    expect(status).toMatchObject({
      accountId,
      text,
      id: job.remoteId,
      idempotencyKey: keyOf({ jobId: job.id, part: 1 }),
    })
    expect(job.remoteUrl).toBe(`${mastodon.url}/@ada/${job.remoteId}`)
    const attached = mastodon.media(status?.mediaIds[0] ?? '')
    expect(attached?.description).toBe('Vier Felder 🟥🟩')
    await expectSamePhoto(attached?.bytes ?? new Uint8Array(), original)
  }

  async function readBackWebhook(
    job: { id: string; contentId: string; remoteId: string; remoteUrl: string },
    secret: string,
    text: string,
    mediaId: string,
  ) {
    const deliveries = receiver.requests.filter(({ headers }) => headers.get('webhook-id') === job.id)
    expect(deliveries).toHaveLength(1)
    const [delivery] = deliveries
    const body = Buffer.from(delivery?.raw ?? new Uint8Array()).toString()
    const headers = Object.fromEntries(delivery?.headers ?? [])
    const message = new Webhook(secret).verify(body, headers) as { type: string; data: object }
    expect(message).toMatchObject({
      type: 'post.published',
      data: {
        jobId: job.id,
        contentId: job.contentId,
        text,
        images: [{ alt: 'Vier Felder 🟥🟩', type: 'image/jpeg', width: 80, height: 120 }],
      },
    })
    expect(JSON.stringify(message)).toContain(`/feed/northwind/media/${mediaId}`)
    expect(job).toMatchObject({ remoteId: 'site-7', remoteUrl: 'https://site.example/7' })
  }

  async function readBackFeed(job: { id: string }) {
    const get = (path: string) => live.house.anyone('GET', `/feed/northwind/${path}`)
    const rss = await get('rss.xml')
    expect({ status: rss.status, items: rss.html.match(/<item>/g)?.length }).toEqual({
      status: 200,
      items: 1,
    })
    expect(rss.html).toContain('Grüße ☕👋🏽')
    const feed = JSON.parse((await get('feed.json')).html) as { items: unknown[] }
    expect(feed.items).toHaveLength(1)
    expect(JSON.stringify(feed.items[0])).toContain(job.id)
    expect((await get(`posts/${job.id}`)).status).toBe(200)
  }

  /** The same pixels the right way up, and nothing about who took it and where. */
  async function expectSamePhoto(bytes: Uint8Array, original: Uint8Array) {
    const { exif, orientation, width, height } = await sharp(bytes).metadata()
    expect({ exif, turned: orientation ?? 1, width, height }).toEqual({
      exif: undefined,
      turned: 1,
      width: 80,
      height: 120,
    })
    expect(Buffer.from(bytes).includes('Ada Secret')).toBe(false)
    expect(await difference(bytes, original)).toBeLessThan(4)
  }
})

describe('a Mastodon server that behaves badly', () => {
  let house: House
  let server: Mastodon
  let worker: Worker
  let people = 0
  beforeAll(async () => {
    server = await startMastodon({ rateLimit: 100_000 })
    house = await openHouse({ OUTBOUND_ALLOW: server.host })
    worker = createWorker(house.services)
  })
  afterAll(async () => {
    await worker.stop(10_000)
    await house.close()
    await server.stop()
  })

  const login = async () => {
    const { id, token } = server.addAccount(`ada${++people}`)
    const account = await connect(house, 'mastodon', { instance: server.url, token })
    return { token, remoteId: id, id: account.id as string }
  }
  const publish = async (account: string, text: string) => {
    const id = await schedule(house, await write(house, text), account, { now: true })
    await worker.idle()
    return readJob(house, id)
  }
  /** Lets the time pass that the platform or the back-off asks for. */
  const goOn = async (id: string, ms: number) => {
    await house.shiftClock(ms)
    await worker.idle()
    await house.shiftClock(0)
    return readJob(house, id)
  }
  const accepted = (text: string) => server.accepted.filter(one => one.text === text).length

  test.each([
    ['500', { is: 'status', status: 500 }],
    ['connection dropped', { is: 'drop' }],
    ['answer cut', { is: 'cut' }],
  ] as const)('%s after acceptance: published, once', async (name, fault) => {
    const account = await login()
    server.faults.next(statusCall, { ...fault, when: 'after' })
    const text = `Accepted, then ${name}`
    const first = await publish(account.id, text)
    expect(first).toMatchObject({ state: 'scheduled', attempts: [{ outcome: 'retry' }] })
    expect((await goOn(first.id, 31_000)).state).toBe('published')
    expect(accepted(text)).toBe(1)
  })

  test('429: waits as long as the server asks, and says until when', async () => {
    const account = await login()
    const resetAt = new Date(Date.now() + 90_000)
    server.faults.next(statusCall, { is: 'throttled', resetAt })
    const job = await publish(account.id, 'Too fast')
    expect(job).toMatchObject({ state: 'scheduled', error: { code: 'throttled' } })
    expect(Math.abs(Date.parse(job.nextTryAt) - resetAt.getTime())).toBeLessThan(3_000)
    expect(Date.parse(job.runAt)).toBeLessThan(Date.now())
    expect((await goOn(job.id, 60_000)).state).toBe('scheduled')
    expect(accepted('Too fast')).toBe(0)
    expect((await goOn(job.id, 95_000)).state).toBe('published')
    expect(accepted('Too fast')).toBe(1)
  })

  test('access taken away: the post is held, and goes out once when it is given back', async () => {
    const account = await login()
    const gone = { is: 'status', status: 401, body: { error: 'The access token was revoked' } } as const
    server.faults.next(statusCall, gone)
    const held = await publish(account.id, 'Held for a while')
    expect(held).toMatchObject({ state: 'held', error: { code: 'token_revoked' } })
    const state = async () => (await house.alice.api('GET', `/accounts/${account.id}`)).body.state
    expect(await state()).toBe('reconnect')
    const later = await schedule(house, await write(house, 'Planned while it was gone'), account.id, {
      now: true,
    })
    expect((await readJob(house, later)).state).toBe('held')
    await worker.idle()
    expect(accepted('Held for a while')).toBe(0)

    const again = await connect(house, 'mastodon', { instance: server.url, token: account.token })
    expect(again.id).toBe(account.id)
    expect(await state()).toBe('connected')
    await worker.idle()
    for (const id of [held.id, later]) expect((await readJob(house, id)).state).toBe('published')
    for (const text of ['Held for a while', 'Planned while it was gone']) expect(accepted(text)).toBe(1)
  })

  test('a revoked token holds the post', async () => {
    const account = await login()
    server.revoke(account.token)
    expect(await publish(account.id, 'Revoked')).toMatchObject({ state: 'held' })
    expect(accepted('Revoked')).toBe(0)
  })

  test('held for days, a post still gets all its tries afterwards', async () => {
    const account = await login()
    server.faults.next(statusCall, { is: 'status', status: 401, body: { error: 'gone' } })
    const held = await publish(account.id, 'Days later')
    expect(held.state).toBe('held')
    await house.shiftClock(3 * 86_400_000)
    await connect(house, 'mastodon', { instance: server.url, token: account.token })
    server.faults.next(statusCall, { is: 'status', status: 503 })
    await worker.idle()
    expect(await readJob(house, held.id)).toMatchObject({ state: 'scheduled' })
    await goOn(held.id, 3 * 86_400_000 + 60_000)
    expect((await readJob(house, held.id)).state).toBe('published')
    expect(accepted('Days later')).toBe(1)
  })
})

describe('when nobody can tell whether it went out', () => {
  let house: House
  let server: Mastodon
  let worker: Worker
  let account: { id: string; remoteId: string }
  beforeAll(async () => {
    server = await startMastodon({ rateLimit: 100_000, idempotency: false })
    house = await openHouse({ OUTBOUND_ALLOW: server.host })
    worker = createWorker(house.services)
    // A server that is only compatible, as its version says, keeps no idempotency keys.
    const about = await (await fetch(`${server.url}/api/v2/instance`)).json()
    const body = { ...(about as object), version: '2.7.2 (compatible; Pleroma 2.6.0)' }
    server.faults.next('GET /api/v2/instance', { is: 'status', status: 200, body })
    const { id, token } = server.addAccount('ada')
    account = { ...(await connect(house, 'mastodon', { instance: server.url, token })), remoteId: id }
  })
  afterAll(async () => {
    await worker.stop(10_000)
    await house.close()
    await server.stop()
  })

  const accepted = (text: string) => server.accepted.filter(one => one.text === text).length
  const resolve = (id: string, as: object) => house.alice.api('POST', `/publish-jobs/${id}/resolution`, as)
  /** The answer is lost `when` the post was taken in, or before; and nobody may look. */
  async function unconfirmed(text: string, when: 'before' | 'after') {
    server.faults.clear()
    server.faults.next(statusCall, { is: 'drop', when })
    server.faults.next(`GET /api/v1/accounts/${account.remoteId}/statuses`, { is: 'status', status: 500 }, 50)
    const id = await schedule(house, await write(house, text), account.id, { now: true })
    await worker.idle()
    const job = await readJob(house, id)
    expect(job).toMatchObject({ state: 'unconfirmed', error: { code: 'cannot_look' } })
    expect(job.error.next).toContain('Look at the account yourself')
    return id
  }
  /** However much time passes, nothing is sent again before somebody has said so. */
  const staysSo = async (id: string) => {
    await house.shiftClock(2 * 86_400_000)
    await worker.idle()
    await house.shiftClock(0)
    expect((await readJob(house, id)).state).toBe('unconfirmed')
  }

  test('"it is there" makes it published, with the address that was found', async () => {
    const id = await unconfirmed('It is there', 'after')
    await staysSo(id)
    const remoteUrl = `${server.url}/@ada/1`
    expect((await resolve(id, { as: 'published', remoteUrl })).body).toMatchObject({
      state: 'published',
      remoteUrl,
      error: null,
    })
    await worker.idle()
    expect(accepted('It is there')).toBe(1)
    expect((await resolve(id, { as: 'retry' })).status).toBe(409)
  })

  test('"send it again" looks once more, and does not double what is there after all', async () => {
    const id = await unconfirmed('There after all', 'after')
    server.faults.clear()
    expect((await resolve(id, { as: 'retry' })).body.state).toBe('scheduled')
    await worker.idle()
    const done = await readJob(house, id)
    expect(done).toMatchObject({ state: 'published', remoteId: server.accepted.at(-1)?.id })
    expect(accepted('There after all')).toBe(1)
  })

  test('"send it again" sends what had never arrived', async () => {
    const id = await unconfirmed('Never arrived', 'before')
    await staysSo(id)
    expect(accepted('Never arrived')).toBe(0)
    server.faults.clear()
    await resolve(id, { as: 'retry' })
    await worker.idle()
    expect((await readJob(house, id)).state).toBe('published')
    expect(accepted('Never arrived')).toBe(1)
  })

  test('"give up" ends it, and only those who may schedule say any of this', async () => {
    const id = await unconfirmed('Given up', 'before')
    for (const as of ['published', 'retry', 'abandon']) {
      expect((await house.ann.api('POST', `/publish-jobs/${id}/resolution`, { as })).status).toBe(403)
      expect((await house.dan.api('POST', `/publish-jobs/${id}/resolution`, { as })).status).toBe(404)
    }
    expect((await resolve(id, { as: 'perhaps' })).status).toBe(422)
    expect((await resolve(id, { as: 'abandon' })).body.state).toBe('failed')
    server.faults.clear()
    await worker.idle()
    expect(accepted('Given up')).toBe(0)
  })
})

describePeer('pds', 'while a post is being tried again', () => {
  let pds: Pds
  let proxy: Served
  let house: House
  let worker: Worker
  beforeAll(async () => {
    pds = await startPds()
    proxy = await serve(async request => {
      const own = ['host', 'connection', 'content-length']
      const answer = await fetch(`${pds.url}${request.path}?${request.query}`, {
        method: request.method,
        headers: Object.fromEntries([...request.headers].filter(([name]) => !own.includes(name))),
        ...(request.method === 'POST' ? { body: new Uint8Array(request.raw) } : {}),
      })
      return new Response(await answer.arrayBuffer(), {
        status: answer.status,
        headers: { 'content-type': answer.headers.get('content-type') ?? 'text/plain' },
      })
    })
    house = await openHouse({ OUTBOUND_ALLOW: new URL(proxy.url).host })
    worker = createWorker(house.services)
  }, 60_000)
  afterAll(async () => {
    await worker?.stop(10_000)
    await house?.close()
    await proxy?.stop()
    await pds?.stop()
  })

  test('moving it, or publishing it now, does not make it another post', async () => {
    const ada = await pds.createAccount('ada')
    const settings = { service: proxy.url, identifier: ada.handle, password: ada.appPassword }
    const account = await connect(house, 'bluesky', settings)
    // It arrives, the answer is lost, and the job waits for its next try.
    proxy.faults.next('POST /xrpc/com.atproto.repo.putRecord', { is: 'drop', when: 'after' })
    const id = await schedule(house, await write(house, 'Is it out yet?'), account.id, { now: true })
    await worker.idle()
    expect((await readJob(house, id)).state).toBe('scheduled')
    expect(await pds.records(ada.did)).toHaveLength(1)
    await Bun.sleep(2)
    const moved = await house.alice.api('PATCH', `/publish-jobs/${id}`, { now: true })
    expect(moved.status, JSON.stringify(moved.body)).toBe(200)
    await worker.idle()
    const done = await readJob(house, id)
    expect(done.state).toBe('published')
    const records = await pds.records(ada.did)
    expect(records.map(record => record.uri)).toEqual([done.remoteId])
  })
})
