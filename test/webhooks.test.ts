/** Event webhooks from what happens to the receiver: what is written down, what goes out, and what becomes of it. */
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from 'bun:test'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { restoredName } from '../src/backup/restore.ts'
import type { Scope } from '../src/db/scope.ts'
import { holdAfterRestore } from '../src/jobs/after-restore.ts'
import { type ClaimedCall, makeCall } from '../src/jobs/calls.ts'
import { sweepTenant } from '../src/jobs/sweep.ts'
import { claimDue } from '../src/jobs/visit.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { createOutbound } from '../src/lib/fetch.ts'
import { newId } from '../src/lib/id.ts'
import { snapshotFolder } from '../src/tenants/find.ts'
import { importTenant } from '../src/tenants/import.ts'
import { rewindTenant } from '../src/tenants/rewind.ts'
import { secretOf, takeSnapshot } from '../src/tenants/snapshots.ts'
import { exported, fileOf, groundOf } from './capsules.ts'
import { type House, openHouse } from './cast.ts'
import { startSmtp } from './peers/index.ts'
import { type Received, type Served, serve } from './peers/serve.ts'

setDefaultTimeout(60_000)

let receiver: Served
let house: House
let shift = 0
const exempt = () => new URL(receiver.url).host

beforeAll(async () => {
  receiver = await serve(() => new Response('ok'))
  house = await openHouse({ OUTBOUND_ALLOW: exempt(), RATE_LIMIT: 'off' })
})
afterAll(async () => {
  await house?.close()
  await receiver?.stop()
})
beforeEach(() => {
  receiver.requests.length = 0
})
afterEach(async () => {
  shift = 0
  receiver.down = false
  receiver.faults.clear()
  await house.shiftClock(0)
  await house.services.db.owner.unsafe(`delete from ${house.alice.tenant.schema}.webhooks`)
  await house.services.db.owner.unsafe(`delete from ${house.alice.tenant.schema}.notifications`)
})

async function work(services = house.services): Promise<void> {
  const worker = createWorker(services)
  await worker.idle()
  await worker.stop(5_000)
}
async function later(seconds: number): Promise<void> {
  shift += seconds * 1000
  await house.shiftClock(shift)
  await work()
}
let made = 0
interface Made {
  id: string
  secret: string
  path: string
}
async function webhook(more: Record<string, unknown> = {}): Promise<Made> {
  const path = `/hooks/${++made}`
  const { status, body } = await house.alice.api('POST', '/webhooks', { url: receiver.url + path, ...more })
  expect(status).toBe(201)
  return { id: body.id, secret: body.secret, path }
}
const written = async (text: string) => (await house.bob.api('POST', '/content', { text })).body.id as string
const read = (id: string) => house.alice.api('GET', `/webhooks/${id}`).then(({ body }) => body)
const log = (id: string, query = '') =>
  house.alice.api('GET', `/deliveries?webhook=${id}${query}`).then(({ body }) => body.items)
const at = (path: string) => receiver.requests.filter(request => request.path === path)
const bodyOf = (request: Received | undefined) => JSON.parse(new TextDecoder().decode(request?.raw))
const idOf = (request: Received | undefined) => request?.headers.get('webhook-id')
const verifies = (secret: string, { raw, headers }: Received): boolean => {
  try {
    new Webhook(secret).verify(new TextDecoder().decode(raw), Object.fromEntries(headers))
    return true
  } catch {
    return false
  }
}
const textsAt = (path: string) => at(path).map(request => bodyOf(request).data.content.text)
const openKinds = async () =>
  (await house.alice.api('GET', '/notifications?open=true')).body.items.map(
    ({ kind }: { kind: string }) => kind,
  )

describe('what happens', () => {
  test('is told, signed, to who wants it, and to nobody else', async () => {
    const all = await webhook()
    const some = await webhook({ events: ['comment.created'] })
    const content = await written('Spring menu')
    await house.cora.api('POST', `/content/${content}/comments`, { text: 'More green!' })
    const dans = await house.dan.api('POST', '/content', { text: 'Southpaw’s own' })
    expect(dans.status).toBe(201)
    expect(receiver.requests).toHaveLength(0)
    await work()
    expect(at(all.path).map(request => bodyOf(request).type)).toEqual(['content.created', 'comment.created'])
    expect(at(some.path).map(request => bodyOf(request).type)).toEqual(['comment.created'])
    const [first, second] = at(all.path)
    expect(bodyOf(first)).toEqual({
      type: 'content.created',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      data: {
        content: { id: content, state: 'draft', version: 1, text: 'Spring menu', media: [], tags: [] },
        by: house.bob.id,
      },
    })
    expect(bodyOf(second).data.comment).toMatchObject({
      contentId: content,
      text: 'More green!',
      author: 'Cora',
    })
    for (const request of at(all.path)) {
      expect(verifies(all.secret, request)).toBe(true)
      expect(verifies(some.secret, request)).toBe(false)
    }
    expect(await log(all.id)).toMatchObject([
      { kind: 'webhook', type: 'comment.created', state: 'delivered', tries: 1, attempts: [{ status: 200 }] },
      { kind: 'webhook', type: 'content.created', state: 'delivered', id: idOf(first) },
    ])
  })

  test('a post tells its whole way, planned and out, with its address', async () => {
    const { path } = await webhook({ events: ['publish_job.scheduled', 'publish_job.published'] })
    const feed = (await house.alice.api('GET', '/accounts')).body.items.find(
      (account: { platform: string }) => account.platform === 'feed',
    ).id
    const content = await written('Out now')
    const job = await house.bob.api('POST', `/content/${content}/publish-jobs`, {
      accounts: [feed],
      now: true,
    })
    await work()
    expect(at(path).map(bodyOf)).toMatchObject([
      { type: 'publish_job.scheduled', data: { job: { id: job.body.items[0].id, contentId: content } } },
      {
        type: 'publish_job.published',
        data: {
          job: { state: 'published', platform: 'feed', remoteUrl: expect.stringContaining('/posts/') },
        },
      },
    ])
  })

  test('what is refused or rolled back tells nobody; what is repeated under one key, once', async () => {
    const { id } = await webhook()
    expect((await house.bob.api('POST', '/content', { text: 'x', nope: 1 })).status).toBe(422)
    const key = { 'idempotency-key': `once-${made}` }
    for (let n = 0; n < 2; n++) await house.bob.api('POST', '/content', { text: 'once' }, key)
    expect(await log(id)).toHaveLength(1)
  })
})

describe('a receiver that does not take it', () => {
  test('gets the same message again, same id and bytes, until it does', async () => {
    receiver.faults.next('POST *', { is: 'status', status: 500, body: { secret: 'inside words' } })
    const { id, path, secret } = await webhook()
    await written('Again')
    await work()
    const [waiting] = await log(id)
    expect(waiting).toMatchObject({ state: 'waiting', tries: 1, answer: 'The receiver answered 500.' })
    expect(JSON.stringify(waiting)).not.toContain('inside words')
    expect(await read(id)).toMatchObject({ failing: { tries: 1 }, waiting: 1 })
    await later(7)
    const [first, second] = at(path)
    expect(idOf(second)).toBe(idOf(first) as string)
    expect(second?.raw).toEqual(first?.raw as Uint8Array)
    expect(verifies(secret, second as Received)).toBe(true)
    expect((await log(id))[0]).toMatchObject({
      state: 'delivered',
      tries: 2,
      attempts: [{ status: 500 }, { status: 200 }],
    })
    expect(await read(id)).toMatchObject({ failing: null, waiting: 0 })
  })

  test.each([
    [
      'a redirect is not followed',
      { is: 'status', status: 301, headers: { location: 'https://example.com/' } },
      'redirect (301)',
    ],
    ['a connection that is cut', { is: 'drop' }, 'broke off'],
    ['a client error', { is: 'status', status: 404 }, 'answered 404'],
  ] as const)('%s', async (_, fault, words) => {
    receiver.faults.next('POST *', fault)
    const { id, path } = await webhook()
    await written('x')
    await work()
    expect(at(path)).toHaveLength(1)
    expect((await log(id))[0]).toMatchObject({ state: 'waiting', answer: expect.stringContaining(words) })
  })

  test('ten times over three days, then it is given up and switched off, and the people who can mend it are told', async () => {
    receiver.faults.next('POST *', { is: 'status', status: 503 }, 100)
    const { id, path } = await webhook()
    await written('never taken')
    const began = shift
    await work()
    for (let round = 0; round < 60 && (await log(id))[0].state === 'waiting'; round++) await later(2 * 3600)
    expect(at(path)).toHaveLength(10)
    expect(shift - began).toBeGreaterThan(65 * 3_600_000)
    expect(shift - began).toBeLessThan(100 * 3_600_000)
    const [{ state, answer, attempts }] = await log(id)
    expect({ state, tries: attempts.length }).toEqual({ state: 'failed', tries: 10 })
    expect(answer).toContain('Given up after 10 tries')
    expect(await read(id)).toMatchObject({
      state: 'disabled',
      reason: expect.stringContaining('taken nothing for days'),
    })
    expect(await openKinds()).toEqual(['webhook'])
  })

  test('410 switches it off at once, ends what waits, and tells who can mend it', async () => {
    const { id, path } = await webhook()
    receiver.faults.next('POST *', { is: 'status', status: 410 })
    await written('first')
    await written('second')
    await work()
    expect(at(path)).toHaveLength(1)
    expect(await read(id)).toMatchObject({
      state: 'disabled',
      reason: expect.stringContaining('410'),
      waiting: 0,
    })
    expect((await log(id)).map(({ state }: { state: string }) => state)).toEqual(['failed', 'failed'])
    expect(await openKinds()).toEqual(['webhook'])
    expect((await house.bob.api('GET', '/notifications?open=true')).body.items).toEqual([])
    await written('third')
    await later(100_000)
    expect(at(path)).toHaveLength(1)
    const [second] = await log(id)
    expect((await house.alice.api('POST', `/deliveries/${second.id}/replay`)).status).toBe(409)
    await house.alice.api('PATCH', `/webhooks/${id}`, { active: true })
    expect(await openKinds()).toEqual([])
    expect((await house.alice.api('POST', `/deliveries/${second.id}/replay`)).status).toBe(202)
    await work()
    expect(textsAt(path)).toEqual(['first', 'second'])
    expect((await log(id))[0]).toMatchObject({ state: 'delivered' })
  })

  test('asking for a rest gets it', async () => {
    receiver.faults.next('POST *', { is: 'status', status: 429, headers: { 'retry-after': '600' } })
    const { path } = await webhook()
    await written('x')
    await work()
    await later(500)
    expect(at(path)).toHaveLength(1)
    await later(110)
    expect(at(path)).toHaveLength(2)
  })
})

describe('an address inside', () => {
  test.each([
    'http://example.com/hook',
    'https://127.0.0.1/hook',
    'https://[::1]/hook',
    'https://0x7f000001/hook',
    'https://[::ffff:127.0.0.1]/hook',
    'https://[::ffff:a00:1]/hook',
    'https://[64:ff9b::7f00:1]/hook',
    'https://[fd00::1]/hook',
    'https://[fe80::1]/hook',
    'https://0/hook',
    'https://100.64.0.1/hook',
    'https://hooks.localhost./hook',
    'https://example.com:22/hook',
    'https://169.254.169.254/latest/meta-data',
    'https://localhost/hook',
    'https://example.com:8080/hook',
    'https://user:pass@example.com/hook',
    'ftp://example.com/hook',
    'not an address',
  ])('%s is refused when it is given', async url => {
    const { status, body } = await house.alice.api('POST', '/webhooks', { url })
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'invalid' })
    expect(body.errors[0].path).toBe('url')
  })

  test('that a change or a test names is refused too, and one that a redirect names is not called', async () => {
    const one = await webhook({ events: ['content.created'] })
    for (const url of ['https://127.0.0.1/hook', 'https://[::ffff:10.0.0.1]/', 'https://u:p@example.com/'])
      expect((await house.alice.api('PATCH', `/webhooks/${one.id}`, { url })).status).toBe(422)
    receiver.requests.length = 0
    receiver.faults.next('*', {
      is: 'status',
      status: 307,
      headers: { location: `${receiver.url}/inside` },
    })
    const tried = await house.alice.api('POST', `/webhooks/${one.id}/test`)
    expect(tried.body).toMatchObject({
      state: 'failed',
      answer: expect.stringContaining('redirects are not followed'),
    })
    expect(receiver.requests.map(({ path }) => path)).toEqual([one.path])
  })

  test('behind a name that leads inside, or changes its mind, is not called', async () => {
    const { id } = await webhook({ events: ['content.created'] })
    const { body } = await house.alice.api('POST', '/webhooks', { url: 'https://hooks.example.com/a' })
    let asked = 0
    // Outside first, inside when it is asked again: the connection goes to what was checked, never to what comes later.
    const outbound = createOutbound({
      allow: [exempt()],
      resolve: async () => [{ address: asked++ === 0 ? '10.0.0.7' : '127.0.0.1', family: 4 }],
    })
    await written('x')
    await work({ ...house.services, outbound })
    expect(asked).toBe(1)
    expect((await log(id))[0].state).toBe('delivered')
    const [kept] = await log(body.id)
    expect(kept).toMatchObject({ state: 'waiting', answer: expect.stringContaining('private network') })
  })
})

describe('order', () => {
  test('of one receiver is that of what happened, one message at a time', async () => {
    let atOnce = 0
    let most = 0
    const slow = await serve(async () => {
      most = Math.max(most, ++atOnce)
      await Bun.sleep(5)
      atOnce--
      return new Response('ok')
    })
    const other = await openHouse({ OUTBOUND_ALLOW: new URL(slow.url).host, RATE_LIMIT: 'off' })
    try {
      await other.alice.api('POST', '/webhooks', { url: `${slow.url}/h`, events: ['content.created'] })
      const texts = Array.from({ length: 25 }, (_, n) => `piece ${n}`)
      for (const text of texts) await other.alice.api('POST', '/content', { text })
      const [one, two] = [createWorker(other.services), createWorker(other.services)]
      await Promise.all([one.idle(), two.idle()])
      await Promise.all([one.idle(), two.idle()])
      await Promise.all([one.stop(5_000), two.stop(5_000)])
      expect(slow.requests.map(request => bodyOf(request).data.content.text)).toEqual(texts)
      expect(most).toBe(1)
    } finally {
      await other.close()
      await slow.stop()
    }
  })

  test('after an outage what waits comes in order, and meanwhile one message at a time tries the receiver', async () => {
    const { id, path } = await webhook({ events: ['content.created'] })
    receiver.faults.next('POST *', { is: 'status', status: 502 }, 1000)
    const texts = Array.from({ length: 12 }, (_, n) => `waits ${n}`)
    for (const text of texts) await written(text)
    await work()
    expect(at(path)).toHaveLength(1)
    for (let round = 0; round < 24; round++) await later(600)
    // Four hours: one call a quarter of an hour and a few at the beginning, whatever waits.
    expect(at(path).length).toBeLessThan(30)
    expect(at(path).length).toBeGreaterThan(10)
    expect((await read(id)).waiting).toBe(12)
    receiver.faults.clear()
    receiver.requests.length = 0
    await later(1_200)
    expect(at(path)).toHaveLength(12)
    // The one that tried the receiver comes first; the others follow in the order in which they happened.
    const [probe, ...rest] = textsAt(path)
    expect(rest).toEqual(texts.filter(text => text !== probe))
    expect(await read(id)).toMatchObject({ failing: null, waiting: 0 })
  })

  test('one message that is never taken does not hold up the others', async () => {
    const picky = await serve(request =>
      bodyOf(request).data.content?.text === 'poison'
        ? new Response('', { status: 500 })
        : new Response('ok'),
    )
    const other = await openHouse({ OUTBOUND_ALLOW: new URL(picky.url).host, RATE_LIMIT: 'off' })
    try {
      await other.alice.api('POST', '/webhooks', { url: `${picky.url}/h`, events: ['content.created'] })
      for (const text of ['poison', 'a', 'b']) await other.alice.api('POST', '/content', { text })
      await other.shiftClock(0)
      for (const ms of [0, 7_000, 40_000]) {
        await other.shiftClock(ms)
        await work(other.services)
      }
      const took = picky.requests.map(request => bodyOf(request).data.content.text)
      expect(took.slice(-2)).toEqual(['a', 'b'])
      expect(took.filter(text => text === 'poison').length).toBeLessThanOrEqual(2)
    } finally {
      await other.close()
      await picky.stop()
    }
  })

  test('ten thousand messages of one moment delay no post', async () => {
    const { alice } = house
    receiver.down = true
    const made = await alice.api('POST', '/webhooks', { url: receiver.url })
    await house.services.db.within(
      { tenantId: alice.tenant.id, userId: null, role: 'system' },
      async scope => {
        const ids = Array.from({ length: 10_000 }, () => newId())
        await scope.sql`
          insert into deliveries (id, kind, webhook_id, state, body, next_try_at)
          select given.id, 'webhook', ${made.body.id}, 'waiting', '{}', public.clock() from unnest(${ids}::uuid[]) given (id)`
      },
    )
    const feed = (await alice.api('GET', '/accounts')).body.items.find(
      (a: { platform: string }) => a.platform === 'feed',
    )
    const content = await alice.api('POST', '/content', { text: 'In time all the same.' })
    const jobs = await alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [feed.id],
      now: true,
    })
    await work()
    expect((await alice.api('GET', `/publish-jobs/${jobs.body.items[0].id}`)).body.state).toBe('published')
    // One of them tries the receiver; the others stand in its line.
    const { waiting, failing } = (await alice.api('GET', `/webhooks/${made.body.id}`)).body
    expect(waiting).toBeGreaterThanOrEqual(10_000)
    expect(failing.tries).toBe(1)
  })

  test('a receiver that hangs delays no post and no other workspace', async () => {
    receiver.faults.next('POST *', { is: 'hang' }, 1)
    const { path } = await webhook({ events: ['content.created'] })
    await written('hangs')
    const worker = createWorker(house.services)
    worker.wake()
    await until(async () => at(path).length === 1)
    const feed = (await house.alice.api('GET', '/accounts')).body.items.find(
      (account: { platform: string }) => account.platform === 'feed',
    ).id
    const content = await written('on time')
    const job = await house.bob.api('POST', `/content/${content}/publish-jobs`, {
      accounts: [feed],
      now: true,
    })
    worker.wake()
    const id = job.body.items[0].id
    await until(async () => (await house.alice.api('GET', `/publish-jobs/${id}`)).body.state === 'published')
    expect(at(path)).toHaveLength(1)
    await worker.stop(100)
  })

  test('sixteen receivers that hang keep neither mails, nor posts, nor another workspace’s messages', async () => {
    const open = Promise.withResolvers<void>()
    const hanging = await serve(async request => {
      if (request.path.startsWith('/hangs')) await open.promise
      return new Response('ok')
    })
    const smtp = await startSmtp()
    const other = await openHouse({
      OUTBOUND_ALLOW: new URL(hanging.url).host,
      SMTP_URL: smtp.url(),
      MAIL_FROM: 'desk@example.com',
      RATE_LIMIT: 'off',
    })
    const worker = createWorker(other.services)
    const tick = (holds: () => boolean | Promise<boolean>) =>
      until(async () => {
        worker.wake()
        return holds()
      })
    const at = (path: string) => hanging.requests.filter(request => request.path.startsWith(path)).length
    try {
      const { alice, bob, dan } = other
      for (let number = 0; number < 16; number++) {
        const url = `${hanging.url}/hangs/${number}`
        expect((await alice.api('POST', '/webhooks', { url, events: ['content.created'] })).status).toBe(201)
      }
      await dan.api('POST', '/webhooks', { url: `${hanging.url}/quick`, events: ['content.created'] })
      const content = await bob.api('POST', '/content', { text: 'Told to sixteen' })
      await tick(() => at('/hangs') === 4)
      const email = 'new@northwind.example'
      expect((await alice.api('POST', '/invitations', { email, role: 'author' })).status).toBe(201)
      const feed = (await alice.api('GET', '/accounts')).body.items[0].id as string
      const made = await bob.api('POST', `/content/${content.body.id}/publish-jobs`, {
        accounts: [feed],
        now: true,
      })
      await dan.api('POST', '/content', { text: 'Told to one' })
      await tick(() => smtp.mails.some(({ to }) => to.includes(email)))
      await tick(() => at('/quick') === 1)
      const job = `/publish-jobs/${made.body.items[0].id}`
      await tick(async () => (await alice.api('GET', job)).body.state === 'published')
      // A workspace's share of the calls: the other twelve wait, and keep nobody.
      expect(at('/hangs')).toBe(4)
      open.resolve()
      await worker.idle()
      await tick(() => at('/hangs') === 16)
    } finally {
      open.resolve()
      await worker.stop(5_000)
      await other.close()
      await Promise.all([hanging.stop(), smtp.stop()])
    }
  })
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('it never came to that')
    await Bun.sleep(20)
  }
}

describe('a worker that dies', () => {
  test('between the answer and the record: the same message comes once more, and none is lost', async () => {
    const { id, path } = await webhook({ events: ['content.created'] })
    await written('first')
    await written('second')
    const [row] = await house.services.db.owner`select current_database() as name`
    const child = Bun.spawn([process.execPath, join(import.meta.dir, 'crash-child.ts')], {
      env: {
        ...process.env,
        CRASH_DATABASE: row?.name as string,
        CRASH_AT: 'webhook-called',
        DATA_DIR: house.services.config.dataDir,
        OUTBOUND_ALLOW: exempt(),
      },
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'inherit',
    })
    child.stdin.write('go\n')
    await child.stdin.end()
    await child.exited
    expect(child.signalCode).toBe('SIGKILL')
    expect(textsAt(path)).toEqual(['first'])
    await work()
    expect(textsAt(path)).toEqual(['first'])
    await later(46)
    expect(textsAt(path)).toEqual(['first', 'first', 'second'])
    expect(idOf(at(path)[1])).toBe(idOf(at(path)[0]) as string)
    expect((await log(id)).map(({ state }: { state: string }) => state)).toEqual(['delivered', 'delivered'])
  })

  test('nothing is stranded in line when one ends while another worker lines up', async () => {
    const { id, path } = await webhook({ events: ['content.created'] })
    const { alice, services } = house
    const system = { tenantId: alice.tenant.id, userId: null, role: 'system' } as const
    const claim = (scope: Scope) =>
      claimDue(scope, 'a worker', { posts: 8, mails: 8, calls: 8 }, new Map(), [])
    await written('first')
    const { calls } = await services.db.within(system, claim)
    const call = calls[0] as ClaimedCall
    expect(calls).toHaveLength(1)
    await written('second')
    const [lined, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const other = services.db.within(system, async scope => {
      await claim(scope)
      lined.resolve()
      await commit.promise
    })
    await Promise.race([lined.promise, other])
    let over = false
    const ending = makeCall(services, alice.tenant.id, call).finally(() => {
      over = true
    })
    await until(async () => {
      const [waits] = await services.db.owner`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      return over || Boolean(waits)
    })
    commit.resolve()
    await Promise.all([other, ending])
    await work()
    expect(textsAt(path)).toEqual(['first', 'second'])
    expect(await read(id)).toMatchObject({ waiting: 0 })
  })

  test('who took too long may not record over the one that took over', async () => {
    receiver.faults.next('POST *', { is: 'slow', ms: 1_500 })
    receiver.faults.next('POST *', { is: 'slow', ms: 6_000 })
    const { id, path } = await webhook({ events: ['content.created'] })
    await written('slow')
    const [slow, next] = [createWorker(house.services), createWorker(house.services)]
    slow.wake()
    await until(async () => at(path).length === 1)
    shift += 46_000
    await house.shiftClock(shift)
    next.wake()
    await until(async () => at(path).length === 2)
    // The first has its answer now, and the second still holds the message.
    await slow.stop(60_000)
    expect((await log(id))[0]).toMatchObject({ state: 'sending', tries: 2, attempts: [] })
    await next.stop(60_000)
    expect((await log(id))[0]).toMatchObject({ state: 'delivered', tries: 2, attempts: [{ status: 200 }] })
    expect(at(path)).toHaveLength(2)
  })
})

describe('people', () => {
  test('a test answers what became of it, and is in the record', async () => {
    const { id, path, secret } = await webhook()
    const good = await house.alice.api('POST', `/webhooks/${id}/test`)
    expect(good.body).toMatchObject({ kind: 'webhook', type: 'webhook.test', state: 'delivered' })
    expect(verifies(secret, at(path)[0] as Received)).toBe(true)
    receiver.down = true
    const page = await house.alice.page('POST', `/w/northwind/settings/webhooks/${id}/test`, {})
    expect(page.location).toBe(`/w/northwind/settings/webhooks/${id}`)
    expect(await log(id)).toMatchObject([{ state: 'failed' }, { state: 'delivered' }])
    // It says nothing of how the webhook fares, and is not tried again.
    expect(await read(id)).toMatchObject({ failing: null, waiting: 0 })
  })

  test('a new secret signs beside the former one for a day, then alone', async () => {
    const { id, path, secret } = await webhook({ events: ['content.created'] })
    const { body } = await house.alice.api('POST', `/webhooks/${id}/secret`)
    expect(body.secret).not.toBe(secret)
    await written('both')
    await work()
    const [both] = at(path)
    expect(both?.headers.get('webhook-signature')?.split(' ')).toHaveLength(2)
    expect([secret, body.secret].map(one => verifies(one, both as Received))).toEqual([true, true])
    shift = 24 * 3_600_000 + 60_000
    await house.shiftClock(shift)
    await written('new only')
    await work()
    const last = at(path).at(-1) as Received
    expect([secret, body.secret].map(one => verifies(one, last))).toEqual([false, true])
    expect(JSON.stringify(await read(id))).not.toContain('whsec_')
    const [row] = await house.services.db.owner.unsafe(
      `select secret from ${house.alice.tenant.schema}.webhooks where id = '${id}'`,
    )
    expect(Buffer.from(row?.secret as Uint8Array).toString('latin1')).not.toContain(body.secret.slice(6))
  })

  test('a message is sent again on request, with its id, ahead of its own back-off', async () => {
    receiver.faults.next('POST *', { is: 'status', status: 500 }, 2)
    const { id, path } = await webhook({ events: ['content.created'] })
    await written('x')
    await work()
    await later(7)
    const [waiting] = await log(id)
    expect(waiting).toMatchObject({ state: 'waiting', tries: 2 })
    expect((await house.alice.api('POST', `/deliveries/${waiting.id}/replay`)).status).toBe(202)
    await work()
    expect(at(path)).toHaveLength(3)
    const again = await house.alice.page('POST', `/w/northwind/settings/deliveries/${waiting.id}/replay`, {})
    expect(again.status).toBe(303)
    await work()
    expect(new Set(at(path).map(idOf)).size).toBe(1)
    expect((await log(id))[0]).toMatchObject({ state: 'delivered', tries: 4 })
  })

  test('all that was given up is sent again on request, in order, each with its id, and nothing else', async () => {
    const { id, path } = await webhook({ events: ['content.created'] })
    const other = await webhook({ events: ['content.created'] })
    await written('taken')
    await work()
    for (const text of ['one', 'two', 'three']) await written(text)
    for (const active of [false, true]) await house.alice.api('PATCH', `/webhooks/${id}`, { active })
    for (const active of [false, true]) await house.alice.api('PATCH', `/webhooks/${other.id}`, { active })
    await work()
    expect(textsAt(path)).toEqual(['taken'])
    expect((await log(id, '&state=failed')).length).toBe(3)
    const here = `/w/northwind/settings/webhooks/${id}`
    expect((await house.alice.page('GET', here)).html).not.toContain(`${here}/replay`)
    expect((await house.alice.page('GET', `${here}?state=failed`)).html).toContain(`${here}/replay`)
    const again = await house.alice.api('POST', `/webhooks/${id}/replay`)
    expect([again.status, again.body]).toEqual([202, { replayed: 3 }])
    await work()
    expect(textsAt(path)).toEqual(['taken', 'one', 'two', 'three'])
    expect(textsAt(other.path)).toEqual(['taken'])
    expect(await log(id, '&state=failed')).toEqual([])
    expect((await house.alice.api('POST', `/webhooks/${id}/replay`)).body).toEqual({ replayed: 0 })
    const there = `/w/northwind/settings/webhooks/${other.id}`
    expect((await house.alice.page('POST', `${there}/replay`, {})).location).toBe(there)
    await work()
    expect(textsAt(other.path)).toEqual(['taken', 'one', 'two', 'three'])
    await house.alice.api('PATCH', `/webhooks/${id}`, { active: false })
    expect((await house.alice.api('POST', `/webhooks/${id}/replay`)).status).toBe(409)
  })

  test('only owners and admins see and change them, and another workspace nothing', async () => {
    const { id } = await webhook()
    for (const person of [house.bob, house.ann, house.cora]) {
      for (const [method, path] of [
        ['GET', '/webhooks'],
        ['GET', `/webhooks/${id}`],
        ['DELETE', `/webhooks/${id}`],
        ['POST', `/webhooks/${id}/secret`],
        ['POST', `/webhooks/${id}/test`],
        ['POST', `/webhooks/${id}/replay`],
        ['GET', '/deliveries'],
      ] as const)
        expect((await person.api(method, path)).status).toBe(403)
      expect((await person.page('GET', '/w/northwind/settings/webhooks')).status).toBe(403)
      expect((await person.page('GET', '/w/northwind/settings')).html).not.toContain('settings/webhooks')
    }
    expect((await house.dan.api('GET', `/webhooks/${id}`)).status).toBe(404)
    expect((await house.dan.api('POST', `/webhooks/${id}/replay`)).status).toBe(404)
    expect((await house.alice.api('DELETE', `/webhooks/${id}`)).status).toBe(204)
    expect((await house.alice.api('GET', `/webhooks/${id}`)).status).toBe(404)
  })

  test('the pages do what the API does', async () => {
    const base = '/w/northwind/settings/webhooks'
    const bad = await house.alice.page('POST', base, { url: 'http://10.0.0.1/x' })
    expect(bad.status).toBe(422)
    expect(bad.html).toContain('must be called by https://')
    const good = await house.alice.page('POST', base, {
      url: `${receiver.url}/page`,
      events: ['content.created', 'comment.created'],
    })
    expect(good.status).toBe(201)
    expect(good.html).toContain('whsec_')
    const { body } = await house.alice.api('GET', '/webhooks')
    const [{ id, events }] = body.items
    expect(events).toEqual(['content.created', 'comment.created'])
    expect((await house.alice.page('GET', base)).html).not.toContain('id="secret"')
    await house.alice.page('POST', `${base}/${id}`, { url: `${receiver.url}/page2` })
    expect(await read(id)).toMatchObject({ url: `${receiver.url}/page2`, events: [] })
    receiver.faults.next('POST *', { is: 'status', status: 500 })
    await written('<b>shown</b>')
    await work()
    const shown = await house.alice.page('GET', `${base}/${id}`)
    for (const words of [
      'To be tried again: content is written',
      'The receiver answered 500',
      '&lt;b&gt;shown',
    ])
      expect(shown.html).toContain(words)
    expect((await house.alice.page('POST', `${base}/${id}/secret`, {})).html).toContain('whsec_')
    await house.alice.page('POST', `${base}/${id}/active`, { active: 'false' })
    expect(await read(id)).toMatchObject({ state: 'disabled', reason: null, waiting: 0 })
    await house.alice.page('POST', `${base}/${id}/removal`, {})
    expect((await house.alice.api('GET', '/webhooks')).body.items).toEqual([])
  })

  test('twenty are enough', async () => {
    for (let n = 0; n < 20; n++) await webhook()
    expect((await house.alice.api('POST', '/webhooks', { url: `${receiver.url}/more` })).status).toBe(409)
  })
})

describe('a workspace put back', () => {
  test('keeps its receivers and secrets as they are now; what was told is not told again, what is owed is', async () => {
    const home = await openHouse({ OUTBOUND_ALLOW: exempt(), RATE_LIMIT: 'off' })
    try {
      const { alice, services } = home
      const make = async (path: string) =>
        (await alice.api('POST', '/webhooks', { url: receiver.url + path, events: ['content.created'] })).body
      const [stays, goes] = [await make('/stays'), await make('/goes')]
      await alice.api('POST', '/content', { text: 'told before' })
      await work(services)
      await alice.api('POST', '/content', { text: 'told since' })
      const ground = groundOf(home)
      const { name } = await takeSnapshot(ground, alice.tenant.id)
      await work(services)
      const { secret } = (await alice.api('POST', `/webhooks/${stays.id}/secret`)).body
      expect((await alice.api('DELETE', `/webhooks/${goes.id}`)).status).toBe(204)
      await alice.api('POST', '/content', { text: 'owed' })
      expect(textsAt('/stays')).toEqual(['told before', 'told since'])

      const body = await services.storage.read(`${snapshotFolder(alice.tenant.id)}${name}`)
      const tenant = await services.db.tenantById(alice.tenant.id)
      if (!body || !tenant) throw new Error('The snapshot is not there')
      await rewindTenant(ground, alice.tenant.id, {
        path: await fileOf(body),
        secret: secretOf(tenant, name),
      })
      await work(services)
      expect(textsAt('/stays')).toEqual(['told before', 'told since', 'owed'])
      expect(textsAt('/goes')).toEqual(['told before', 'told since'])
      expect(verifies(secret, at('/stays').at(-1) as Received)).toBe(true)
    } finally {
      await home.close()
    }
  })

  test('brought elsewhere, tells nobody what waited; a copy tells nobody anything until it is said', async () => {
    const home = await openHouse({ OUTBOUND_ALLOW: exempt(), RATE_LIMIT: 'off' })
    try {
      const { alice } = home
      await alice.api('POST', '/webhooks', { url: `${receiver.url}/copied` })
      await alice.api('POST', '/content', { text: 'waits' })
      const { path } = await exported(home, alice.tenant.id, 'a passphrase of the copy')
      const { tenant } = await importTenant(
        groundOf(home),
        { path, secret: 'a passphrase of the copy' },
        { copy: true, slug: 'copied' },
      )
      const left = await home.services.db.within(
        { tenantId: tenant.id, userId: null, role: 'system' },
        ({ sql }) => sql`
          select w.state, d.state as delivery from webhooks w join deliveries d on d.webhook_id = w.id`,
      )
      expect(left.map(row => ({ ...row }))).toEqual([{ state: 'disabled', delivery: 'failed' }])
    } finally {
      await home.close()
    }
  })

  test('from a backup: what waited may have arrived, so it ends, and can be sent again', async () => {
    const { id } = await webhook({ events: ['content.created'] })
    await written('perhaps')
    const { config } = house.services
    await Bun.write(join(config.dataDir, restoredName), '{}')
    await holdAfterRestore(house.services)
    await work()
    expect(receiver.requests).toHaveLength(0)
    const [delivery] = await log(id)
    expect(delivery).toMatchObject({ state: 'failed', answer: expect.stringContaining('restored') })
    expect((await house.alice.api('POST', `/deliveries/${delivery.id}/replay`)).status).toBe(202)
    await work()
    expect(receiver.requests).toHaveLength(1)
  })
})

describe('beside what happens', () => {
  test('a removal at the same moment breaks nothing of it', async () => {
    const { db } = house.services
    for (let round = 0; round < 5; round++) {
      const { id } = await webhook()
      const results = await Promise.all([
        ...Array.from({ length: 4 }, (_, n) =>
          house.bob.api('POST', '/content', { text: `r ${round} ${n}` }),
        ),
        house.alice.api('DELETE', `/webhooks/${id}`),
        ...Array.from({ length: 4 }, (_, n) =>
          house.bob.api('POST', '/content', { text: `s ${round} ${n}` }),
        ),
      ])
      expect(results.map(({ status }) => status).sort()).toEqual([...Array(8).fill(201), 204])
    }
    const rows = await db.owner.unsafe(
      `select count(*)::int as left from ${house.alice.tenant.schema}.deliveries where kind = 'webhook'`,
    )
    expect(rows[0]?.left).toBe(0)
  })

  test('a workspace that is suspended sends nothing, and goes on when it is resumed', async () => {
    const { id, path } = await webhook({ events: ['content.created'] })
    await written('waits')
    const { db } = house.services
    const tenant = house.alice.tenant.id
    await db.owner`update public.tenants set state = 'suspended' where id = ${tenant}`
    db.forgetTenant(tenant)
    await work()
    expect(at(path)).toHaveLength(0)
    await db.owner`update public.tenants set state = 'active' where id = ${tenant}`
    db.forgetTenant(tenant)
    await work()
    expect(at(path)).toHaveLength(1)
    expect((await log(id))[0].state).toBe('delivered')
  })

  test('what was stranded in line is found by the sweep', async () => {
    const { path } = await webhook({ events: ['content.created'] })
    await written('stranded')
    await house.services.db.owner.unsafe(
      `update ${house.alice.tenant.schema}.deliveries set next_try_at = null where state = 'waiting'`,
    )
    await work()
    expect(at(path)).toHaveLength(0)
    await sweepTenant(house.services, house.alice.tenant.id)
    await work()
    expect(at(path)).toHaveLength(1)
  })
})
