import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { collectCounts } from '../src/analytics/collect.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { type House, openHouse } from './cast.ts'
import { type Mastodon, startMastodon } from './peers/index.ts'

let house: House
let worker: Worker
let network: Mastodon
let account = ''
beforeAll(async () => {
  network = await startMastodon()
  house = await openHouse({ OUTBOUND_ALLOW: network.host })
  worker = createWorker(house.services)
  const { token } = network.addAccount('northwind')
  const settings = { instance: network.url, token }
  account = (await house.alice.api('POST', '/accounts', { platform: 'mastodon', settings })).body.id
})
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
  await network.stop()
})

let clock = 0
const shift = async (ms: number) => {
  clock += ms
  await house.shiftClock(clock)
}
const minutes = 60_000
const collect = () => collectCounts(house.services, house.bob.tenant.id)
async function publish(text: string) {
  const { body } = await house.bob.api('POST', '/content', { text })
  const made = await house.bob.api('POST', `/content/${body.id}/publish-jobs`, {
    accounts: [account],
    now: true,
  })
  await worker.idle()
  const job = (await house.bob.api('GET', `/publish-jobs/${made.body.items[0].id}`)).body
  expect(job.state).toBe('published')
  return job as { id: string; contentId: string; remoteId: string }
}
const numbers = async (content: string) =>
  (await house.bob.api('GET', `/analytics?content=${content}`)).body.items[0]
const asked = (id: string) =>
  network.requests.filter(({ method, path }) => method === 'GET' && path === `/api/v1/statuses/${id}`).length

describe('numbers', () => {
  test('are fetched, kept over time, and shown on the job’s page', async () => {
    const job = await publish('Count me')
    expect((await house.bob.page('GET', `/w/northwind/publish-jobs/${job.id}`)).html).toContain('How it does')
    network.setCounts(job.remoteId, { favourites: 3, reblogs: 1 })
    await collect()
    expect(await numbers(job.contentId)).toMatchObject({ jobId: job.id, counts: { likes: 3, reposts: 1 } })
    network.setCounts(job.remoteId, { favourites: 42 })
    await shift(10 * minutes)
    await collect()
    const now = await numbers(job.contentId)
    expect(now.counts.likes).toBe(42)
    expect(now.history.map((reading: { counts: { likes: number } }) => reading.counts.likes)).toEqual([3, 42])
    const { html } = await house.ann.page('GET', `/w/northwind/publish-jobs/${job.id}`)
    expect(html).toContain('<dd class="num">42</dd>')
    expect(html).toContain('How it grew')
  })

  test('are asked for less often as a post grows old, and not at all after 30 days', async () => {
    const job = await publish('Grows old')
    await collect()
    const before = asked(job.remoteId)
    const after = async (ms: number) => {
      await shift(ms)
      await collect()
      return asked(job.remoteId) - before
    }
    expect(await after(5 * minutes)).toBe(0)
    expect(await after(6 * minutes)).toBe(1)
    expect(await after(4 * 60 * minutes)).toBe(2)
    expect(await after(30 * minutes)).toBe(2)
    expect(await after(40 * minutes)).toBe(3)
    expect(await after(3 * 24 * 60 * minutes)).toBe(4)
    expect(await after(12 * 60 * minutes)).toBe(4)
    expect(await after(12 * 60 * minutes)).toBe(5)
    expect(await after(40 * 24 * 60 * minutes)).toBe(5)
  })

  test('a network that is down costs one question a run, and the next posts are still there later', async () => {
    const [one, two] = [await publish('While it is down'), await publish('The other')]
    network.down = true
    await collect()
    network.down = false
    expect((await numbers(one.contentId)).countedAt).toBeNull()
    await collect()
    const counted = [await numbers(one.contentId), await numbers(two.contentId)]
    // The one that was asked in vain is left alone for a while.
    expect(counted.filter(({ countedAt }) => countedAt !== null)).toHaveLength(1)
  })
})

describe('the API', () => {
  test('lists posts with their numbers, by the day they went out', async () => {
    const job = await publish('By its day')
    const day = new Date(Date.now() + clock).toISOString().slice(0, 10)
    const ids = async (query: string) =>
      (await house.cora.api('GET', `/analytics?${query}`)).body.items.map(
        ({ jobId }: { jobId: string }) => jobId,
      )
    expect(await ids(`from=${new Date(Date.now() + clock - 1000 * 3600).toISOString()}`)).toContain(job.id)
    expect(await ids('to=2026-01-01')).toEqual([])
    expect(await ids(`from=${day}&limit=1`)).toHaveLength(1)
    expect((await house.cora.api('GET', '/analytics?from=yesterday')).status).toBe(422)
    expect((await house.cora.api('GET', '/analytics?cursor=x')).status).toBe(400)
    expect((await house.cora.api('GET', '/analytics?content=x')).status).toBe(404)
  })

  test('another workspace has none of it', async () => {
    const job = await publish('Northwind’s numbers')
    expect((await house.dan.api('GET', `/analytics?content=${job.contentId}`)).body.items).toEqual([])
    expect((await house.dan.api('GET', '/analytics')).body.items).toEqual([])
  })
})

describe('beside another workspace', () => {
  test('a post that is left alone holds up no other workspace’s, even one of the same id', async () => {
    const hers = await publish('Hers')
    const { token } = network.addAccount('southpaw')
    const settings = { instance: network.url, token }
    const his = await house.dan.api('POST', '/accounts', { platform: 'mastodon', settings })
    const content = await house.dan.api('POST', '/content', { text: 'His' })
    const made = await house.dan.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [his.body.id],
      now: true,
    })
    await worker.idle()
    const job = (await house.dan.api('GET', `/publish-jobs/${made.body.items[0].id}`)).body
    // What a copy of a workspace has.
    await house.services.db.owner.begin(async tx => {
      await tx`set local session_replication_role = 'replica'`
      await tx.unsafe(`update ${house.dan.tenant.schema}.publish_jobs set id = $1 where id = $2`, [
        hers.id,
        job.id,
      ])
    })
    network.down = true
    await collect()
    network.down = false
    await collectCounts(house.services, house.dan.tenant.id)
    expect(asked(job.remoteId)).toBe(1)
  })
})
