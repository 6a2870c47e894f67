/**
 * One workspace put back, with posts that really went out in between: what is out stays out, what was planned then is
 * planned again, and no post is sent twice or forgotten. The witnesses are the platforms themselves.
 */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { sweepTenant } from '../src/jobs/sweep.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { newId } from '../src/lib/id.ts'
import { listSnapshots, snapshotFolder } from '../src/tenants/find.ts'
import { type Rewound, rewindTenant } from '../src/tenants/rewind.ts'
import { secretOf, takeSnapshot } from '../src/tenants/snapshots.ts'
import { exported, fileOf, fillRest, fingerprint, groundOf } from './capsules.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { type Mastodon, startMastodon } from './peers/index.ts'
import { testPassword } from './setup.ts'
import { buildWorld, newPicture } from './world.ts'

setDefaultTimeout(60_000)

const hour = 3_600_000
const day = 24 * hour
const statusCall = 'POST /api/v1/statuses'

let house: House
let server: Mastodon
let worker: Worker
let shift = 0
beforeAll(async () => {
  // Without the server's own memory of keys a second send is a second post, and seen.
  server = await startMastodon({ idempotency: false, rateLimit: 100_000 })
})
afterAll(() => server.stop())

async function open() {
  house = await openHouse({ OUTBOUND_ALLOW: server.host })
  worker = createWorker(house.services)
  shift = 0
}
async function close() {
  await worker.stop(10_000)
  await house.close()
}

async function made(person: Person, path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await person.api('POST', path, body)
  if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}
const write = async (text: string, person = house.alice) =>
  (await made(person, '/content', { text })).id as string
const inFuture = (ms: number) => new Date(Date.now() + shift + ms).toISOString()
const plan = async (content: string, account: string, when: object, person = house.alice) => {
  const planned = await made(person, `/content/${content}/publish-jobs`, { accounts: [account], ...when })
  return (planned.items as { id: string }[])[0]?.id as string
}
const read = async (id: string, person = house.alice) => (await person.api('GET', `/publish-jobs/${id}`)).body
const states = async (jobs: Record<string, string>): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(Object.entries(jobs).map(async ([name, id]) => [name, (await read(id)).state])),
  )
/** A backlog goes out one post after another: a few minutes more let all of it go. */
async function passTime(ms: number) {
  for (const step of [ms, 30_000, 30_000, 30_000, 30_000]) {
    shift += step
    await house.shiftClock(shift)
    await worker.idle()
  }
}
async function until(reached: () => Promise<boolean>) {
  const end = Date.now() + 20_000
  while (!(await reached())) {
    if (Date.now() > end) throw new Error('It did not come to that')
    await Bun.sleep(10)
  }
}
const feedOf = async (person: Person): Promise<string> =>
  (await person.api('GET', '/accounts')).body.items.find(
    (one: { platform: string }) => one.platform === 'feed',
  ).id
const connect = async (): Promise<string> => {
  const { token } = server.addAccount(`ada${newId().slice(-8)}`)
  return (
    await made(house.alice, '/accounts', { platform: 'mastodon', settings: { instance: server.url, token } })
  ).id as string
}

/** A snapshot of Alice's workspace, as a file that it can be put back to. */
async function keep() {
  const taken = await takeSnapshot(groundOf(house), house.alice.tenant.id)
  return fileOfSnapshot(taken.name)
}
async function fileOfSnapshot(name: string) {
  const { storage, db } = groundOf(house)
  const body = await storage.read(`${snapshotFolder(house.alice.tenant.id)}${name}`)
  const tenant = await db.tenantById(house.alice.tenant.id)
  if (!body || !tenant) throw new Error('The snapshot is not there')
  return { path: await fileOf(body), secret: secretOf(tenant, name) }
}
/** Puts it back. Everybody's keys end with it; Alice is given hers again, so that she can look. */
async function putBack(file: { path: string; secret: string | Buffer }, patience?: number): Promise<Rewound> {
  const { owner } = house.services.db
  const keys = owner(`${house.alice.tenant.schema}.api_keys`)
  const [own] = await owner`
    select id, name, hint, token_hash, user_id from ${keys} where user_id = ${house.alice.id} order by id limit 1`
  const done = await rewindTenant(groundOf(house), house.alice.tenant.id, file, undefined, patience)
  expect((await owner`select 1 from ${keys}`).length).toBe(0)
  await owner`insert into ${keys} ${owner(own as never)}`
  return done
}
const arrivals = (text: string) => server.accepted.filter(one => one.text === text).length
const tenantRow = async () =>
  (
    await house.services.db.owner`
      select state, state_reason, suspended_at from public.tenants where id = ${house.alice.tenant.id}`
  )[0]

describe('after posts went out in between', () => {
  let jobs: Record<string, string>
  let before: Record<string, string>
  let dans: Record<string, string>
  let done: Rewound
  let mastodon: string
  let rehearsal: string
  let feed: string
  let later: Record<string, string>
  let removed: string
  let files: string[]
  let cookie: string
  const mediaFiles = async () => {
    const found: string[] = []
    for await (const { path } of groundOf(house).storage.list(`media/${house.alice.tenant.id}/`))
      found.push(path)
    return found
  }

  beforeAll(async () => {
    await open()
    const { alice, dan } = house
    // What is late goes out all the same: the hours that pass here are not what is tested.
    await alice.api('PATCH', '/workspace', { lateMinutes: 43_200 })
    mastodon = await connect()
    rehearsal = (await made(alice, '/accounts', { platform: 'rehearsal', settings: {} })).id as string
    feed = await feedOf(alice)
    const due = { at: inFuture(hour) }
    const each = async (name: string, account = mastodon, when: object = due) =>
      plan(await write(`then: ${name}`), account, when)
    const edited = await write('then: edited')
    const again = await write('then: again')
    jobs = {
      out: await each('out'),
      rehearsed: await each('rehearsed', rehearsal),
      fed: await each('fed', feed),
      edited: await plan(edited, mastodon, due),
      refused: await each('refused'),
      broken: await each('broken'),
      cancelled: await each('cancelled', mastodon, { at: inFuture(10 * day) }),
      moved: await each('moved'),
      again: await plan(again, mastodon, { at: inFuture(10 * day) }),
      future: await each('future', mastodon, { at: inFuture(10 * day) }),
    }
    const upload = new FormData()
    upload.append('file', await newPicture())
    removed = (await alice.api('POST', '/media', upload)).body.id
    files = await mediaFiles()
    cookie = await house.cora.cookie()
    await plan(await write('dan then', dan), await feedOf(dan), { at: inFuture(20 * day) }, dan)
    const kept = await keep()
    before = await states(jobs)

    // What happens in between.
    await alice.api('DELETE', `/media/${removed}`)
    await alice.api('PATCH', `/content/${edited}`, { text: 'between: edited' })
    await alice.api('DELETE', `/publish-jobs/${jobs.cancelled}`)
    await alice.api('PATCH', `/publish-jobs/${jobs.moved}`, { at: inFuture(20 * day) })
    later = {
      again: await plan(again, mastodon, { now: true }),
      stray: await plan(await write('between: stray'), mastodon, { now: true }),
      unsent: await plan(await write('between: unsent'), mastodon, { at: inFuture(2 * day) }),
    }
    await worker.idle()
    const rejected = { is: 'status', status: 422, body: { error: 'No' } } as const
    await alice.api('PATCH', `/publish-jobs/${jobs.refused}`, { now: true })
    server.faults.next(statusCall, rejected)
    await worker.idle()
    await alice.api('PATCH', `/publish-jobs/${jobs.broken}`, { now: true })
    // It arrives, and the answer is lost: the job waits for its next try.
    server.faults.next(statusCall, { is: 'status', status: 500, when: 'after' })
    await worker.idle()
    expect(await read(jobs.broken ?? '')).toMatchObject({
      state: 'scheduled',
      attempts: [{ outcome: 'retry' }],
    })
    // The next try is kept from happening.
    await house.services.db.owner`
      update ${house.services.db.owner(`${alice.tenant.schema}.publish_jobs`)} set next_try_at = public.clock() + interval '3 days'
      where id = ${jobs.broken ?? ''}`
    await alice.api('DELETE', `/users/${house.bob.id}`)
    await passTime(1.5 * hour)
    await made(alice, '/content', { text: 'between: the last word' })
    dans = await fingerprint(house, dan.tenant.id)
    done = await putBack(kept)
  })
  afterAll(close)

  test('every post that was planned then is where it belongs', async () => {
    expect(Object.values(before).every(state => state === 'scheduled')).toBe(true)
    expect(await states(jobs)).toEqual({
      out: 'published',
      rehearsed: 'published',
      fed: 'published',
      edited: 'published',
      refused: 'failed',
      broken: 'unconfirmed',
      cancelled: 'cancelled',
      moved: 'held',
      again: 'held',
      future: 'scheduled',
    })
    expect(await states({ again: later.again ?? '' })).toEqual({ again: 'published' })
    for (const gone of [later.stray, later.unsent])
      expect((await house.alice.api('GET', `/publish-jobs/${gone}`)).status).toBe(404)
    expect(done).toMatchObject({ kept: 7, held: 2, unsure: 1 })
    expect((await read(jobs.again ?? '')).error).toMatchObject({
      code: 'out_already',
      link: (await read(later.again ?? '')).remoteUrl,
    })
    expect((await read(jobs.moved ?? '')).error).toMatchObject({ code: 'late' })
    expect((await read(jobs.broken ?? '')).error).toMatchObject({ code: 'broken_off' })
  })

  test('what went out keeps its address, its attempts, and the words that it went out with', async () => {
    const out = await read(jobs.out ?? '')
    expect(out).toMatchObject({ attempts: [{ outcome: 'published' }] })
    expect(server.accepted.find(({ text }) => text === 'then: out')?.id).toBe(out.remoteId)
    const edited = await read(jobs.edited ?? '')
    const versions = (await house.alice.api('GET', `/content/${edited.contentId}/versions`)).body.items
    expect(versions.find((one: { id: string }) => one.id === edited.versionId).text).toBe('between: edited')
    const content = await house.alice.api('GET', `/content/${edited.contentId}`)
    expect(content.body).toMatchObject({ text: 'then: edited', version: 1 })
    expect((await house.anyone('GET', `/feed/northwind/posts/${jobs.fed}`)).html).toContain('then: fed')
  })

  test('a post of a content that was not known then is told, and written down', async () => {
    const stray = { jobId: later.stray, state: 'published', platform: 'mastodon', text: 'between: stray' }
    expect(done.strays).toMatchObject([stray])
    expect(done.strays[0]?.remoteUrl).toStartWith(server.url)
    const events = await house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      ({ sql }) => sql`select type, data from events where type in ('workspace.rewound', 'user.removed')`,
    )
    expect(events.map(event => event.type).sort()).toEqual(['user.removed', 'workspace.rewound'])
    expect(events.find(event => event.type === 'workspace.rewound')?.data).toMatchObject({
      safety: done.safety,
      strays: [stray],
    })
  })

  test('nobody gets an access back: who was removed stays out, and everybody signs in anew', async () => {
    const signIn = ({ email }: Person) => ({ workspace: 'northwind', email, password: testPassword })
    expect((await house.anyone('GET', '/w/northwind', undefined, { cookie: cookie })).location).toContain(
      '/sign-in',
    )
    expect((await house.cora.api('GET', '/me')).status).toBe(401)
    expect((await house.bob.api('POST', '/sessions', signIn(house.bob))).status).toBe(401)
    expect((await house.cora.api('POST', '/sessions', signIn(house.cora))).status).toBe(201)
  })

  test('files of pictures that were gone are back, and none was taken', async () => {
    expect(await mediaFiles()).toEqual(files)
    expect(done.pictures).toBe(2)
  })

  test('the workspace is served as before, and no other one has noticed', async () => {
    expect(await tenantRow()).toEqual({ state: 'active', state_reason: null, suspended_at: null } as never)
    expect(await fingerprint(house, house.dan.tenant.id)).toEqual(dans)
  })

  test('a month later: visible twice 0, lost 0', async () => {
    for (const step of [hour, day, 12 * day, 20 * day]) await passTime(step)
    expect((await states({ future: jobs.future ?? '' })).future).toBe('published')
    const texts = [...new Set(server.accepted.map(({ text }) => text))]
    const twice = texts.filter(text => arrivals(text) > 1)
    const [rehearsed] = await house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      ({ sql }) => sql`select count(*)::int as n from rehearsal_posts where text = 'then: rehearsed'`,
    )
    expect(rehearsed?.n).toBe(1)
    const rss = (await house.anyone('GET', '/feed/northwind/feed.json')).html
    expect(rss.match(/then: fed/g)?.length).toBeGreaterThan(0)
    const ends = await states(jobs)
    // Out, or in front of a person.
    const lost = Object.entries(ends).filter(([name, state]) =>
      state === 'published'
        ? name !== 'rehearsed' &&
          name !== 'fed' &&
          arrivals(name === 'edited' ? 'between: edited' : `then: ${name}`) !== 1
        : !['held', 'unconfirmed', 'failed', 'cancelled'].includes(state),
    )
    console.log(`rewind: ${texts.length} posts arrived, visible twice ${twice.length}, lost ${lost.length}`)
    expect({ twice, lost }).toEqual({ twice: [], lost: [] })
    expect(arrivals('then: again')).toBe(1)
    expect(arrivals('then: moved')).toBe(0)
  })

  test('a person’s word sends what was held, once', async () => {
    const said = await house.alice.api('POST', `/publish-jobs/${jobs.moved}/resolution`, { as: 'retry' })
    expect(said.status, JSON.stringify(said.body)).toBe(200)
    await worker.idle()
    expect(arrivals('then: moved')).toBe(1)
  })
})

describe('a rewind', () => {
  beforeAll(open)
  afterAll(close)
  afterEach(async () => expect((await tenantRow())?.state).toBe('active'))

  test('brings every table back, and can itself be undone', async () => {
    const world = await buildWorld(house, house.alice, 'returning')
    await fillRest(house, world)
    const id = house.alice.tenant.id
    const then = await fingerprint(house, id)
    const kept = await keep()
    const { owner } = house.services.db
    await house.services.db.within({ tenantId: id, userId: null, role: 'system' }, async ({ sql }) => {
      await sql`update workspace set name = 'Wrecked'`
      await sql`delete from comments`
      await sql`delete from drafts`
      await sql`update workflows set active = false, name = 'wrecked'`
      await sql`update content set tags = '{wrecked}', state = 'archived'`
      await sql`delete from notifications`
    })
    const wrecked = await fingerprint(house, id)
    const done = await putBack(kept)
    // A forecast of what was is over.
    const asNow = ['sessions', 'api_keys', 'invitations', 'events', 'forecasts', 'forecast_jobs']
    const without = (prints: Record<string, string>) =>
      Object.fromEntries(Object.entries(prints).filter(([table]) => !asNow.includes(table)))
    expect(without(await fingerprint(house, id))).toEqual(without(then))
    const [left] = await owner`select count(*)::int as n from pg_namespace where nspname like 'rewind%'`
    expect(left?.n).toBe(0)
    const [roles] = await owner`
      select count(*)::int as n from pg_roles r where rolname like 'rewind%' and not exists (
        select 1 from pg_shdepend d where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid)`
    expect(roles?.n).toBe(0)
    await putBack(await fileOfSnapshot(done.safety))
    expect(without(await fingerprint(house, id))).toEqual(without(wrecked))
    expect((await listSnapshots(groundOf(house).storage, id)).length).toBe(3)
  })

  test('is refused for another workspace’s capsule, a broken one, and one of another passphrase', async () => {
    const before = await fingerprint(house, house.alice.tenant.id)
    const words = (file: { path: string; secret: string | Buffer }) =>
      putBack(file).then(
        () => 'it was done',
        error => (error as Error).message,
      )
    const secret = Buffer.alloc(32, 1)
    const dans = await exported(house, house.dan.tenant.id, secret)
    expect(await words({ path: dans.path, secret })).toContain('of another workspace (Southpaw Records)')
    const own = await exported(house, house.alice.tenant.id, secret)
    expect(await words({ path: own.path, secret: Buffer.alloc(32, 2) })).toContain('does not open')
    const cut = await fileOf((await Bun.file(own.path).bytes()).subarray(0, -20))
    expect(await words({ path: cut, secret })).toContain('damaged')
    expect(await fingerprint(house, house.alice.tenant.id)).toEqual(before)
  })

  test('waits for a post that is being sent, and gives up in words when it does not end', async () => {
    const { alice } = house
    const kept = await keep()
    const slow = await made(alice, '/accounts', { platform: 'rehearsal', settings: { delayMs: 2_000 } })
    const job = await plan(await write('takes its time'), slow.id as string, { now: true })
    const sendings = async () =>
      (
        await house.services.db.within(
          { tenantId: alice.tenant.id, userId: null, role: 'system' },
          ({ sql }) => sql`select state from publish_jobs where id = ${job}`,
        )
      )[0]?.state
    const ended = worker.idle()
    await until(async () => (await sendings()) === 'publishing')
    expect(await putBack(kept, 200).catch(error => error.message)).toContain(
      'are being sent just now, and do not end',
    )
    expect((await tenantRow())?.state).toBe('active')
    const done = await putBack(kept)
    await ended
    // Its content was not known then.
    expect(done.strays).toMatchObject([{ jobId: job, state: 'published', text: 'takes its time' }])
  })

  test('brings no rule back that was stopped, and no occurrence twice', async () => {
    const { alice } = house
    const account = (await made(alice, '/accounts', { platform: 'rehearsal', settings: {} })).id as string
    const start = { local: inFuture(2 * day).slice(0, 16), zone: 'Asia/Kathmandu' }
    const repeat = async (text: string) => {
      const content = await write(text)
      const rule = { accounts: [account], rule: 'FREQ=DAILY', start }
      return (await made(alice, `/content/${content}/recurrences`, rule)).id as string
    }
    const inside = <T extends object>(work: Parameters<typeof house.services.db.within<T>>[1]) =>
      house.services.db.within({ tenantId: alice.tenant.id, userId: null, role: 'system' }, work)
    const [stopped, kept] = [await repeat('rule: stopped'), await repeat('rule: kept')]
    // As it was when it was planned for ten days only.
    await inside(async ({ sql }) => {
      await sql`update recurrences set planned_through = public.clock() + interval '10 days' where id = ${kept}`
      return sql`
        delete from publish_jobs where recurrence_id = ${kept} and run_at > public.clock() + interval '10 days'`
    })
    const last = () =>
      inside(
        ({ sql }) => sql`
          select id, state, held_for, recurrence_id from publish_jobs
          where content_id = (select content_id from recurrences where id = ${kept})
          order by run_at desc, id`,
      )
    const early = await keep()
    await sweepTenant(house.services, alice.tenant.id)
    const [first] = await last()
    const later = await keep()
    await alice.api('DELETE', `/recurrences/${stopped}`)
    await putBack(early)
    await sweepTenant(house.services, alice.tenant.id)
    expect((await alice.api('GET', `/recurrences/${stopped}`)).body).toMatchObject({ state: 'stopped' })
    expect(
      await inside(
        ({ sql }) => sql`
          select id from publish_jobs where recurrence_id = ${stopped} and state <> 'cancelled'`,
      ),
    ).toHaveLength(0)
    const [second] = await last()
    expect(second?.id).not.toBe(first?.id)
    await inside(({ sql }) => sql`update publish_jobs set state = 'published' where id = ${second?.id}`)
    await putBack(later)
    const both = (await last()).slice(0, 2).sort((a, b) => String(a.id).localeCompare(String(b.id)))
    expect(both).toEqual([
      { id: first?.id, state: 'held', held_for: 'late', recurrence_id: null },
      { id: second?.id, state: 'published', held_for: null, recurrence_id: kept },
    ])
    await sweepTenant(house.services, alice.tenant.id)
    expect((await last())[1]?.id).toBe(both[1]?.id)
  })

  test('does not keep another workspace’s post from going out meanwhile', async () => {
    const kept = await keep()
    const { dan } = house
    const job = await plan(await write('dan meanwhile', dan), await feedOf(dan), { at: inFuture(300) }, dan)
    const ticking = setInterval(worker.wake, 50)
    const rewinding = putBack(kept)
    await until(async () => (await read(job, dan)).state === 'published')
    await rewinding
    clearInterval(ticking)
    expect(Date.parse((await read(job, dan)).publishedAt)).toBeGreaterThan(0)
  })
})
