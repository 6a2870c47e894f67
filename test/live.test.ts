import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createApp } from '../src/app.ts'
import { streamLimits } from '../src/http/streams.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { type House, openHouse, type Person, servicesOf } from './cast.ts'
import { type Listened, listenTo } from './stream.ts'

setDefaultTimeout(60_000)

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

const open: Listened[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(one => one.leave().catch(() => {})))
})

async function connect(path: string, headers: Record<string, string>): Promise<Listened> {
  const listened = await listenTo(await house.app.handle(new Request(`http://localhost${path}`, { headers })))
  open.push(listened)
  return listened
}
const api = (person: Person, headers: Record<string, string> = {}) =>
  connect('/api/v1/events', { authorization: `Bearer ${person.key}`, ...headers })
const desk = async (person: Person, query = '', headers: Record<string, string> = {}) =>
  connect(`/w/${person.tenant.slug}/live${query}`, { cookie: await person.cookie(), ...headers })
const types = ({ told }: Listened) => told.map(({ data }) => data.type).filter(Boolean)
const write = async (person: Person, text: string): Promise<string> =>
  (await person.api('POST', '/content', { text })).body.id

describe('GET /api/v1/events', () => {
  test('tells what happens as ids and types, each once, and nothing of what it says', async () => {
    const heard = await api(house.alice)
    expect(heard.status).toBe(200)
    const id = await write(house.bob, 'canary words')
    await house.bob.api('POST', `/content/${id}/comments`, { text: 'canary comment' })
    await heard.until(() => types(heard).includes('comment.created'))
    expect(types(heard)).toEqual(['content.created', 'comment.created'])
    expect(heard.told[1]).toMatchObject({ event: 'content', data: { id, type: 'content.created' } })
    expect(JSON.stringify(heard.told)).not.toContain('canary')
  })

  test('tells nothing of what was rolled back', async () => {
    const heard = await api(house.alice)
    const { within } = house.services.db
    const { record } = await import('../src/events.ts')
    const about = { tenantId: house.alice.tenant.id, userId: house.alice.id, role: 'owner' } as const
    const failed = await within(about, async scope => {
      await record(scope, 'workspace.changed', house.alice.tenant.id)
      throw new Error('planned')
    }).catch(error => error.message)
    expect(failed).toBe('planned')
    const id = await write(house.alice, 'after it')
    await heard.until(() => types(heard).length > 0)
    expect(heard.told.filter(({ data }) => data.id)).toEqual([
      { event: 'content', data: { id, type: 'content.created' }, id: expect.stringMatching(/^\d{13}$/) },
    ])
  })

  test('the worker’s posts are told too', async () => {
    const heard = await api(house.cora)
    const id = await write(house.alice, 'soon out')
    const { body } = await house.alice.api('GET', '/accounts')
    const feed = body.items.find((one: { platform: string }) => one.platform === 'feed').id
    await house.alice.api('POST', `/content/${id}/publish-jobs`, { accounts: [feed], now: true })
    const worker = createWorker(house.services)
    await worker.idle()
    await worker.stop(5_000)
    await heard.until(() => types(heard).includes('publish_job.published'))
  })

  test('another workspace’s people hear nothing of it', async () => {
    const dan = await api(house.dan)
    const danDesk = await desk(house.dan)
    const alice = await api(house.alice)
    for (let n = 0; n < 20; n++) await write(house.alice, `number ${n}`)
    await alice.until(() => types(alice).length === 20)
    const own = await write(house.dan, 'his own')
    await dan.until(() => types(dan).length > 0)
    await danDesk.until(() => types(danDesk).length > 0)
    for (const heard of [dan, danDesk]) expect(heard.told.flatMap(({ data }) => data.id ?? [])).toEqual([own])
  })

  test('asks for a key', async () => {
    expect((await connect('/api/v1/events', {})).status).toBe(401)
    expect((await connect('/api/v1/events', { cookie: await house.alice.cookie() })).status).toBe(401)
  })

  test('after a break one is told that something happened meanwhile, and not when nothing did', async () => {
    const future = String(Date.now() + 60_000)
    const calm = await api(house.alice, { 'last-event-id': future })
    await write(house.alice, 'meanwhile')
    await calm.until(told => told.some(({ event }) => event === 'content'))
    expect(calm.told.map(({ event }) => event)).toEqual(['open', 'content'])
    const late = await api(house.alice, { 'last-event-id': String(Date.now() - 1_000) })
    await late.until(told => told.some(({ event }) => event === 'missed'))
  })
})

describe('GET /w/:slug/live', () => {
  test('is for the people of that workspace', async () => {
    const cookie = await house.dan.cookie()
    expect((await connect('/w/northwind/live', { cookie })).status).toBe(401)
    expect((await connect('/w/northwind/live', {})).status).toBe(401)
    expect((await connect('/w/nowhere/live', { cookie })).status).toBe(401)
    const key = { authorization: `Bearer ${house.alice.key}` }
    expect((await connect('/w/northwind/live', key)).status).toBe(401)
  })

  test('a burst is told once for each kind of thing', async () => {
    const heard = await desk(house.bob)
    await Promise.all(Array.from({ length: 10 }, (_, n) => write(house.bob, `burst ${n}`)))
    await heard.until(() => types(heard).length > 0)
    const last = await write(house.bob, 'the last')
    await heard.until(told => told.some(({ data }) => data.id === last))
    expect(types(heard).length).toBeLessThan(8)
    expect(new Set(heard.told.map(({ event }) => event))).toEqual(new Set(['open', 'content']))
  })

  test('a page that was drawn before something happened is told to look again', async () => {
    const drawn = Date.now() - 1_000
    await write(house.bob, 'between')
    const heard = await desk(house.bob, `?since=${drawn}`)
    await heard.until(told => told.some(({ event }) => event === 'missed'))
    const odd = await desk(house.bob, '?since=yesterday')
    expect(odd.status).toBe(200)
  })
})

test('a page that looks again by itself leaves a message to the tab that it is for', async () => {
  const get = async (headers: Record<string, string>) =>
    house.alice.page('GET', '/w/northwind/content', undefined, {
      cookie: `${await house.alice.cookie()}; masthead-flash=good.It%20is%20saved.`,
      ...headers,
    })
  const again = await get({ 'hx-request': 'true', 'hx-request-type': 'full' })
  expect(again.html).not.toContain('It is saved.')
  expect(again.headers.get('set-cookie')).toBeNull()
  const shown = await get({})
  expect(shown.html).toContain('It is saved.')
  expect(shown.headers.get('set-cookie')).toContain('Max-Age=0')
})

describe('a stream ends', () => {
  const signIn = async (person: Person): Promise<string> => {
    const { body } = await house.alice.api('POST', '/sessions', {
      workspace: person.tenant.slug,
      email: person.email,
      password: 'a quiet desk by the window',
    })
    return body.token
  }

  test('within seconds of the sign-out, and not before', async () => {
    const token = await signIn(house.cora)
    const other = await api(house.cora)
    const heard = await connect('/api/v1/events', { authorization: `Bearer ${token}` })
    await heard.until(told => told.length > 0)
    await house.app.handle(
      new Request('http://localhost/api/v1/sessions/current', {
        method: 'DELETE',
        headers: { authorization: `Bearer ${token}` },
      }),
    )
    const signedOut = performance.now()
    await heard.ended
    expect(performance.now() - signedOut).toBeLessThan(10_000)
    expect(other.isOpen()).toBe(true)
  })

  test('when its user is removed, at once', async () => {
    const heard = await api(house.ann)
    await heard.until(told => told.length > 0)
    await house.alice.api('DELETE', `/users/${house.ann.id}`)
    const removed = performance.now()
    await heard.ended
    expect(performance.now() - removed).toBeLessThan(2_000)
    await house.services.db.owner.unsafe(
      `update ${house.ann.tenant.schema}.users set removed_at = null where id = '${house.ann.id}'`,
    )
  })

  test('when the workspace is suspended', async () => {
    const heard = await api(house.dan)
    await heard.until(told => told.length > 0)
    const { owner } = house.services.db
    await owner`update public.tenants set state = 'suspended' where id = ${house.dan.tenant.id}`
    try {
      await heard.ended
    } finally {
      await owner`update public.tenants set state = 'active' where id = ${house.dan.tenant.id}`
    }
  })

  test('when the process stops; then none is opened any more', async () => {
    const services = servicesOf(house.services.db, house.services.config)
    const app = createApp(services)
    const request = () =>
      app.handle(
        new Request('http://localhost/api/v1/events', {
          headers: { authorization: `Bearer ${house.bob.key}` },
        }),
      )
    const heard = await listenTo(await request())
    expect(services.streams.count()).toBe(1)
    services.streams.close()
    await heard.ended
    const refused = await request()
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('1')
    house.services.db.afterCommit = async (_, hints) => house.services.bus.publish(hints)
  })
})

test('one person has a dozen streams at most; the others are not concerned, and one that left makes room', async () => {
  const many = await Promise.all(Array.from({ length: streamLimits.user }, () => api(house.bob)))
  const before = house.services.streams.count()
  expect((await api(house.bob)).status).toBe(429)
  expect((await api(house.alice)).status).toBe(200)
  await many[0]?.leave()
  expect((await api(house.bob)).status).toBe(200)
  expect(before).toBeGreaterThanOrEqual(streamLimits.user)
  const metrics = await (await house.app.handle(new Request('http://localhost/metrics'))).text()
  expect(metrics).toMatch(/^masthead_event_streams \d+$/m)
})
