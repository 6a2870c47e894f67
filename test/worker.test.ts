/** The publishing loop: what it does by itself between two ticks, and who goes first when not all can. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Database } from '../src/db/database.ts'
import type { Actor, ScopedSql, Within } from '../src/db/scope.ts'
import { places } from '../src/jobs/places.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { newId } from '../src/lib/id.ts'
import { rehearsal } from '../src/platforms/rehearsal.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { anybodyWaits, hold, until } from './waiting.ts'

setDefaultTimeout(60_000)

let house: House
let further: Person
beforeAll(async () => {
  house = await openHouse({ RATE_LIMIT: 'off' })
  further = await house.found('further')
})
const { publish } = rehearsal
const timers = globalThis.setTimeout
let worker: Worker | null = null
afterEach(async () => {
  rehearsal.publish = publish
  globalThis.setTimeout = timers
  await worker?.idle()
  await worker?.stop(5_000)
})
afterAll(() => house.close())

const system = ({ tenant }: Person): Actor => ({ tenantId: tenant.id, userId: null, role: 'system' })
const inside = <T>(person: Person, work: (sql: ScopedSql) => Promise<T>) =>
  house.services.db.within(system(person), ({ sql }) => work(sql))
const connect = async (person: Person) =>
  (await person.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id as string

async function planNow(person: Person, account: string, about: object = {}): Promise<string> {
  const content = await person.api('POST', '/content', { text: 'One after the other.', ...about })
  const made = await person.api('POST', `/content/${content.body.id}/publish-jobs`, {
    accounts: [account],
    now: true,
  })
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return made.body.items[0].id
}

/** Posts that are due now, each on an account of its own. */
const planMany = (person: Person, posts: number) =>
  inside(person, async sql => {
    const ids = Array.from({ length: posts }, newId)
    await sql`
      insert into social_accounts (id, platform, name, handle, remote_id, limits, settings)
      select id, 'rehearsal', 'Rehearsal', 'rehearsal', id::text, ${sql.json(rehearsal.limits)}, '{}'
      from unnest(${ids}::uuid[]) given (id)`
    await sql`insert into content (id, version_id, state) select id, id, 'draft' from unnest(${ids}::uuid[]) given (id)`
    await sql`
      insert into content_versions (id, content_id, number, text)
      select id, id, 1, 'One of many.' from unnest(${ids}::uuid[]) given (id)`
    await sql`
      insert into publish_jobs (id, content_id, version_id, account_id, state, run_at, local, zone)
      select id, id, id, id, 'scheduled', public.clock(), '2026-01-01T00:00', 'UTC' from unnest(${ids}::uuid[]) given (id)`
    await sql`update tenant_due set next_due_at = public.clock() where role = current_user`
  })

const count = (person: Person, state: string) =>
  inside(person, async sql => {
    const [row] = await sql`select count(*)::int as jobs from publish_jobs where state = ${state}`
    return row?.jobs as number
  })
const isPublished = async (person: Person, id: string) =>
  (await person.api('GET', `/publish-jobs/${id}`)).body.state === 'published'

/** Every send is armed and then waits until it is let go. */
function gate() {
  const go = Promise.withResolvers<void>()
  let waiting = 0
  rehearsal.publish = async (_account, _post, sending) => {
    await sending.arm()
    waiting += 1
    await go.promise
    return { is: 'published', remoteId: newId(), remoteUrl: null }
  }
  return { waiting: () => waiting, open: () => go.resolve() }
}

/** From now on timers of so many milliseconds never go off. */
function withoutTimers(ms: number): void {
  globalThis.setTimeout = ((work: () => void, after: number, ...rest: []) =>
    after === ms ? timers(() => {}, 0) : timers(work, after, ...rest)) as unknown as typeof setTimeout
}

/** A worker whose ways into the database are counted. */
function watched() {
  let looks = 0
  const { db } = house.services
  const sql = ((first: TemplateStringsArray, ...rest: never[]) => {
    // What falls due next is asked at the end of a look.
    if (first.join('').includes('where next_due_at > public.clock()')) looks += 1
    return db.sql(first, ...rest)
  }) as unknown as Database['sql']
  const inTenant = new Map<string, number>()
  const within = (async (actor, work, { home: _, ...options } = {}) => {
    inTenant.set(actor.tenantId, (inTenant.get(actor.tenantId) ?? 0) + 1)
    // On any connection: two workspaces may be at home on the same one, and would wait for each other there.
    return db.within(actor, work, options).finally(() => {
      inTenant.set(actor.tenantId, (inTenant.get(actor.tenantId) ?? 0) - 1)
    })
  }) as Within
  // Not spread: who is told of commits stands on the object itself.
  const counted = Object.create(db, { sql: { value: sql }, within: { value: within } }) as Database
  worker = createWorker({ ...house.services, db: counted })
  return {
    worker,
    /** How many looks for what is due have ended while there were places. */
    looks: () => looks,
    inside: (...people: Person[]) =>
      people.reduce((sum, { tenant }) => sum + (inTenant.get(tenant.id) ?? 0), 0),
  }
}

/** Holds the rows of what is being sent: how it ended cannot be written down until `commit`. */
const holdRecords = (person: Person) =>
  hold(
    house.services.db,
    system(person),
    ({ sql }) => sql`select 1 from publish_jobs where state = 'publishing' for update`,
  )

describe('between two ticks', () => {
  test('a post behind another of its account goes out as that one ends', async () => {
    // The look that follows whatever ends is not to be needed for it.
    withoutTimers(25)
    const sends = gate()
    const account = await connect(house.alice)
    const ids: string[] = []
    for (let n = 0; n < 4; n++) ids.push(await planNow(house.alice, account))
    const { worker, looks } = watched()
    worker.wake()
    await until(async () => sends.waiting() === 1 && looks() === 1)
    sends.open()
    for (const id of ids) await until(() => isPublished(house.alice, id))
  })

  test('what was planned while nothing was left due goes out when something ends', async () => {
    const sends = gate()
    const account = await connect(house.alice)
    await planNow(house.alice, account)
    const { worker, looks } = watched()
    worker.wake()
    await until(async () => sends.waiting() === 1 && looks() === 1)
    const behind = await planNow(house.alice, account)
    sends.open()
    await until(() => isPublished(house.alice, behind))
  })
})

describe('while answers wait to be written down', () => {
  test('others have the places, and who has its share already is not asked about without end', async () => {
    const { alice, dan } = house
    const sends = gate()
    // However slow the machine, no send counts as one that takes long.
    withoutTimers(500)
    await planMany(alice, places + 40)
    const { worker, looks } = watched()
    worker.wake()
    await until(async () => sends.waiting() === places)
    const records = await holdRecords(alice)
    sends.open()
    const account = await connect(dan)
    const id = await planNow(dan, account)
    await until(async () => {
      worker.wake()
      return isPublished(dan, id)
    })
    // A look that would go on asking about who has its share does not end before these are written down.
    const before = looks()
    worker.wake()
    await until(async () => looks() > before)
    expect(await count(alice, 'publishing')).toBe(places)
    await records.commit()
    await worker.idle()
    expect(await count(alice, 'scheduled')).toBe(0)
  })

  test('they let posts that are due go first: one lane is theirs while something is being claimed', async () => {
    const { alice, dan } = house
    // A lane that is held for long is given back: here, however slow the machine is, it is not.
    globalThis.setTimeout = ((work: () => void, ms: number) =>
      timers(work, ms === 100 ? 30_000 : ms)) as typeof setTimeout
    const sends = gate()
    const others = [dan, further]
    const account = await connect(alice)
    for (const person of others) await planNow(person, await connect(person))
    const { worker, inside } = watched()
    worker.wake()
    await until(async () => sends.waiting() === others.length && inside(...others) === 0)
    const records = await Promise.all(others.map(holdRecords))
    // A claim that takes its time.
    await planNow(alice, account)
    const claim = await hold(
      house.services.db,
      system(alice),
      ({ sql }) => sql`lock table publish_jobs in access exclusive mode`,
    )
    worker.wake()
    await until(() => anybodyWaits(house.services.db))
    sends.open()
    await until(async () => inside(...others) > 0)
    await Bun.sleep(200)
    expect(inside(...others)).toBe(1)
    await claim.commit()
    await Promise.all(records.map(one => one.commit()))
    await worker.idle()
    for (const person of [alice, ...others]) expect(await count(person, 'publishing')).toBe(0)
  })
})
