import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { restServer } from '../src/jobs/rests.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { restOf } from '../src/platforms/rest.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { type Mastodon, startMastodon } from './peers/mastodon.ts'

const windowMs = 2_000
/** Calls of a token a window; connecting an account takes two. */
const calls = 16

let house: House
let worker: Worker
let mastodon: Mastodon
beforeAll(async () => {
  mastodon = await startMastodon({ rateLimit: calls, windowMs })
  house = await openHouse({ OUTBOUND_ALLOW: mastodon.host, RATE_LIMIT: 'off' })
  worker = createWorker(house.services)
})
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
  await mastodon.stop()
})
afterEach(() => house.shiftClock(0))

const minute = 60_000
let names = 0
async function connect(person: Person) {
  const { id, token } = mastodon.addAccount(`limited${++names}`)
  const made = await person.api('POST', '/accounts', {
    platform: 'mastodon',
    settings: { instance: mastodon.url, token },
  })
  expect(made.status).toBe(201)
  return { id: made.body.id as string, remote: id }
}
/** A post planned for a minute from now. */
async function plan(person: Person, text: string, account: string): Promise<string> {
  const { body } = await person.api('POST', '/content', { text })
  const at = new Date(Math.ceil((Date.now() + minute) / 1000) * 1000).toISOString()
  const made = await person.api('POST', `/content/${body.id}/publish-jobs`, { accounts: [account], at })
  expect(made.status).toBe(201)
  return made.body.items[0].id
}
const job = async (person: Person, id: string) => (await person.api('GET', `/publish-jobs/${id}`)).body
/** Ticks, as the clock of the process does, until it is so. */
async function until(so: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  for (const end = Date.now() + ms; !(await so()); ) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${so}`)
    worker.wake()
    await Bun.sleep(50)
  }
}

describe('a limit that is used up', () => {
  test('40 posts of one second go out in order, as many a window as it allows, and none is refused', async () => {
    const { alice } = house
    const { id: account, remote } = await connect(alice)
    const jobs: string[] = []
    for (let number = 1; number <= 40; number++) jobs.push(await plan(alice, `Number ${number}`, account))
    const sent = () => mastodon.accepted.filter(({ accountId }) => accountId === remote)
    const before = mastodon.requests.length
    await house.shiftClock(minute + 1_000)
    await until(() => sent().length >= calls - 2)
    const last = jobs.at(-1) as string
    await until(async () => (await job(alice, last)).error !== null)
    const waiting = await job(alice, last)
    expect(waiting.state).toBe('scheduled')
    expect(waiting.error.code).toBe('waits_for_limit')
    expect(waiting.attempts).toHaveLength(0)
    const page = await alice.page('GET', `/w/northwind/publish-jobs/${last}`)
    expect(page.html).toContain('It waits for Mastodon’s limit until')
    await until(() => sent().length === 40)
    await worker.idle()
    expect(sent().map(({ text }) => text)).toEqual(jobs.map((_, at) => `Number ${at + 1}`))
    const posts = mastodon.requests
      .slice(before)
      .filter(({ method, path }) => method === 'POST' && path.startsWith('/api/v1/statuses'))
    expect(posts).toHaveLength(40)
    // Full windows: a pause stands only where a window was used up.
    const times = sent().map(({ at }) => at.getTime())
    const pauses = times.filter((at, place) => place > 0 && at - (times[place - 1] as number) > windowMs / 2)
    expect(pauses.length).toBeLessThanOrEqual(Math.ceil((40 - (calls - 2)) / calls) + 1)
    for (const id of jobs) expect((await job(alice, id)).attempts).toHaveLength(1)
  }, 120_000)

  test('of a server it holds everybody’s posts there, and nobody’s elsewhere', async () => {
    const { alice, dan } = house
    const waiting: [Person, string][] = []
    for (const person of [alice, dan])
      waiting.push([person, await plan(person, 'Held by the server', (await connect(person)).id)])
    const rehearsal = await dan.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })
    const elsewhere = await plan(dan, 'Elsewhere', rehearsal.body.id)
    await restServer(house.services.db, { host: mastodon.host, forMs: 10 * minute })
    const before = mastodon.requests.length
    await house.shiftClock(minute + 1_000)
    await until(async () => (await job(dan, elsewhere)).state === 'published')
    await worker.idle()
    for (const [person, id] of waiting)
      expect(await job(person, id)).toMatchObject({
        state: 'scheduled',
        error: { code: 'waits_for_limit' },
        attempts: [],
      })
    expect(mastodon.requests.length).toBe(before)
    await house.shiftClock(12 * minute)
    await until(async () => (await job(alice, waiting[0]?.[1] as string)).state === 'published')
    await until(async () => (await job(dan, waiting[1]?.[1] as string)).state === 'published')
  }, 120_000)

  test('of a server is kept to here when another process was told of it', async () => {
    const { alice } = house
    const { id: account } = await connect(alice)
    const id = await plan(alice, 'Held by what another was told', account)
    // As another process writes it, with nothing of it in the memory of this one.
    await house.services.db.sql`
      insert into public.resting_servers as r (host, until) values (${mastodon.host}, public.clock() + interval '1 hour')
      on conflict (host) do update set until = excluded.until`
    const before = mastodon.requests.length
    await house.shiftClock(minute + 1_000)
    await until(async () => (await job(alice, id)).error !== null)
    await worker.idle()
    expect(await job(alice, id)).toMatchObject({
      state: 'scheduled',
      error: { code: 'waits_for_limit' },
      attempts: [],
    })
    expect(mastodon.requests.length).toBe(before)
    await house.services.db.sql`delete from public.resting_servers where host = ${mastodon.host}`
  })

  test('a person who wants it now waits for the limit too', async () => {
    const { alice } = house
    const { id: account } = await connect(alice)
    await house.services.db.within(
      { tenantId: alice.tenant.id, userId: null, role: 'system' },
      ({ sql }) =>
        sql`update social_accounts set rests_until = public.clock() + interval '1 hour' where id = ${account}`,
    )
    const { body } = await alice.api('POST', '/content', { text: 'Now, please' })
    const made = await alice.api('POST', `/content/${body.id}/publish-jobs`, {
      accounts: [account],
      now: true,
    })
    await worker.idle()
    expect(await job(alice, made.body.items[0].id)).toMatchObject({ state: 'scheduled', attempts: [] })
  })
})

describe('what an answer tells of its limit', () => {
  const url = 'https://social.example/api/v1/statuses'
  const told = (status: number, headers: Record<string, string>) =>
    restOf({ status, headers: new Headers(headers) }, url)
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()
  const mastodonHeaders = (left: number, limit = 300) => ({
    'x-ratelimit-limit': `${limit}`,
    'x-ratelimit-remaining': `${left}`,
    'x-ratelimit-reset': inSeconds(100),
  })

  test('Mastodon: an account’s, and the 7,500 of an address', () => {
    expect(told(200, mastodonHeaders(1))).toBeNull()
    const own = told(200, mastodonHeaders(0))
    expect(own).toMatchObject({ of: 'account', host: 'social.example' })
    expect(own?.forMs).toBeWithin(98_000, 101_000)
    expect(told(429, mastodonHeaders(0, 7500))).toMatchObject({ of: 'server' })
  })
  test('Bluesky: points of an account, and the 3,000 of an address', () => {
    const reset = `${Math.floor(Date.now() / 1000) + 200}`
    const headers = (policy: string) => ({
      'ratelimit-limit': policy.split(';')[0] as string,
      'ratelimit-remaining': '0',
      'ratelimit-reset': reset,
      'ratelimit-policy': policy,
    })
    expect(told(200, headers('5000;w=3600'))).toMatchObject({ of: 'account' })
    expect(told(200, headers('3000;w=300'))).toMatchObject({ of: 'server' })
  })
  test('a refusal that says how long, one that does not, and an answer without a limit', () => {
    expect(told(429, { 'retry-after': '30' })).toMatchObject({ of: 'account', forMs: 30_000 })
    expect(told(429, {})).toBeNull()
    expect(told(200, { 'retry-after': '30' })).toBeNull()
    expect(told(200, {})).toBeNull()
  })
})
