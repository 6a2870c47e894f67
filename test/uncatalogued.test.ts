/** Answers that the error catalogue does not have: asked about when the post may be out, tried again when not, and counted. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { type House, openHouse } from './cast.ts'
import { type Mastodon, startMastodon } from './peers/index.ts'
import { newPicture } from './world.ts'

const statuses = 'POST /api/v1/statuses'

describe('an answer that nobody knows', () => {
  let house: House
  let server: Mastodon
  let worker: Worker
  let token: string
  let account: string
  let remoteId: string
  beforeAll(async () => {
    server = await startMastodon({ rateLimit: 100_000 })
    house = await openHouse({ OUTBOUND_ALLOW: server.host })
    worker = createWorker(house.services)
    const person = server.addAccount('northwind')
    token = person.token
    const made = await house.alice.api('POST', '/accounts', {
      platform: 'mastodon',
      settings: { instance: server.url, token },
    })
    account = made.body.id
    remoteId = person.id
  }, 30_000)
  beforeEach(() => server.faults.clear())
  afterAll(async () => {
    await worker?.stop(10_000)
    await Promise.all([server?.stop(), house?.close()])
  })

  /** Publishes now, with what the server answers, and reads the job when the worker is done with it. */
  async function play(
    status: number,
    call: string,
    when: 'before' | 'after' = 'before',
    media: string[] = [],
  ) {
    const text = `Tea at ${crypto.randomUUID()}`
    const content = await house.alice.api('POST', '/content', { text, media })
    server.faults.next(call, { is: 'status', status, when, body: { error: `Bad pot Bearer ${token}` } })
    const planned = await house.alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [account],
      now: true,
    })
    worker.wake()
    await worker.idle()
    const { body: job } = await house.alice.api('GET', `/publish-jobs/${planned.body.items[0].id}`)
    return { job, out: server.accepted.filter(sent => sent.text === text).length }
  }
  const counted = async (code: string) => {
    const { html } = await house.anyone('GET', '/metrics')
    const line = html
      .split('\n')
      .find(one => one.startsWith(`masthead_uncatalogued_total{platform="mastodon",code="${code}"}`))
    return Number(line?.split(' ').at(-1) ?? 0)
  }

  test('before the commit call it is tried again, and its words are kept without the token', async () => {
    const file = await newPicture()
    const form = new FormData()
    form.append('file', file)
    form.append('alt', 'A pot')
    const media = await house.alice.api('POST', '/media', form)
    const { job, out } = await play(418, 'POST /api/v2/media', 'before', [media.body.id])
    expect(job).toMatchObject({
      state: 'scheduled',
      nextTryAt: expect.any(String),
      error: { code: 'uncatalogued', link: '/help/mastodon#uncatalogued' },
    })
    expect(out).toBe(0)
    expect(job.attempts[0].detail.raw).toMatchObject({ status: 418, error: 'Bad pot Bearer [removed]' })
    expect(JSON.stringify(job)).not.toContain(token)
    expect(await counted('418')).toBe(1)
    const help = await house.anyone('GET', '/help/mastodon')
    expect(help.status).toBe(200)
    expect(help.html).toContain('id="uncatalogued"')
    const chapters = [...help.html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
    expect(chapters).toContain('threads-and-first-comments')
    for (const id of chapters) expect(help.html).toContain(`id="${id}"`)
    expect((await house.anyone('GET', '/help/telex')).status).toBe(404)
    await house.alice.api('DELETE', `/publish-jobs/${job.id}`)
  })

  test('after it the post is looked for: there, it is published, once', async () => {
    const { job, out } = await play(418, statuses, 'after')
    expect(job).toMatchObject({ state: 'published', remoteId: expect.any(String) })
    expect(out).toBe(1)
    expect(await counted('418')).toBe(2)
  })

  test('after it the post is looked for: not there, it is sent again by itself', async () => {
    const { job, out } = await play(409, statuses)
    expect(job).toMatchObject({ state: 'scheduled', error: { code: 'uncatalogued' } })
    expect(out).toBe(0)
    expect(await counted('409')).toBe(1)
    await house.alice.api('DELETE', `/publish-jobs/${job.id}`)
  })

  test('after it, and looking is answered as strangely: a person is asked', async () => {
    const looking = `GET /api/v1/accounts/${remoteId}/statuses`
    server.faults.next(looking, { is: 'status', status: 418, body: { error: 'x' } }, 9)
    await house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      scope =>
        scope.sql`update social_accounts set settings = settings || '{"keyed":false}' where id = ${account}`,
    )
    const { job, out } = await play(418, statuses, 'after')
    expect(job).toMatchObject({ state: 'unconfirmed', error: { code: 'cannot_look' } })
    expect(out).toBe(1)
  })
})
