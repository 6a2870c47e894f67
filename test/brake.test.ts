import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { takeBrakeOff } from '../src/brakes/brakes.ts'
import { tagPattern, wordPattern } from '../src/brakes/pattern.ts'
import { claimJobs } from '../src/jobs/claim.ts'
import { armJobs, HeldBack, holdLease, LeaseLost } from '../src/jobs/lease.ts'
import { recordOutcome, recordOutcomes } from '../src/jobs/record.ts'
import { sendJob } from '../src/jobs/send.ts'
import { createTogether } from '../src/jobs/together.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { newId } from '../src/lib/id.ts'
import { stopSends } from '../src/publishing/braked.ts'
import { scheduleJobs } from '../src/publishing/schedule.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { anybodyWaits, armLater, hold, until } from './waiting.ts'

let house: House
let worker: Worker
let putBack = () => {}
beforeAll(async () => {
  // What is claimed here is armed by hand, or has its moment between the two.
  putBack = armLater()
  house = await openHouse({ RATE_LIMIT: 'off' })
  worker = createWorker(house.services)
})
afterAll(async () => {
  putBack()
  await worker.stop(5_000)
  await house.close()
})
afterEach(async () => {
  await house.shiftClock(0)
  for (const { id, releasedAt } of (await house.alice.api('GET', '/brakes')).body.items)
    if (!releasedAt) await house.alice.api('DELETE', `/brakes/${id}`)
})

const minute = 60_000
const system = () => ({ tenantId: house.alice.tenant.id, userId: null, role: 'system' }) as const
const rehearsal = async (person: Person = house.alice) =>
  (await person.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id as string
const job = async (id: string) => (await house.alice.api('GET', `/publish-jobs/${id}`)).body
const write = async (text: string, more: object = {}) =>
  (await house.alice.api('POST', '/content', { text, ...more })).body.id as string
const inMs = (ms: number) => ({ at: new Date(Date.now() + ms).toISOString() })
async function plan(content: string, account: string, when: object = inMs(minute)): Promise<string> {
  const made = await house.alice.api('POST', `/content/${content}/publish-jobs`, {
    accounts: [account],
    ...when,
  })
  expect(made.status).toBe(201)
  return made.body.items[0].id
}
const putOn = async (wish: object, by: Person = house.alice) =>
  by.api('POST', '/brakes', { reason: 'Bad news today.', ...wish })

describe('a brake', () => {
  test('holds what is planned at once and what comes after it, says why, and lets it go', async () => {
    const account = await rehearsal()
    const before = await plan(await write('Planned before'), account)
    const on = await putOn({ scope: 'workspace' }, house.bob)
    expect(on.status).toBe(201)
    expect(on.body).toMatchObject({
      about: 'the whole workspace',
      until: null,
      createdBy: 'Bob',
      underWay: 0,
    })
    expect(on.body.holds).toBeGreaterThan(0)
    const after = await plan(await write('Planned after'), account)
    const at = await plan(await write('Planned for now'), account, { now: true })
    await house.shiftClock(3 * minute)
    await worker.idle()
    for (const id of [before, after, at]) {
      const held = await job(id)
      expect([held.state, held.heldFor, held.attempts]).toEqual(['held', 'brake', []])
      expect(held.error).toMatchObject({
        code: 'brake',
        message: 'A brake is on the whole workspace: Bad news today.',
        next: 'It waits until the brake is taken off.',
      })
    }
    const off = await house.bob.api('DELETE', `/brakes/${on.body.id}`)
    expect(off.body).toMatchObject({ releasedBy: 'Bob', holds: 0, goesOut: 3, asks: 0 })
    await worker.idle()
    // Two minutes late is no backlog, but what a brake has gathered is.
    const states = await Promise.all([before, after, at].map(async id => (await job(id)).state))
    expect(states.filter(state => state === 'published')).toHaveLength(1)
    await house.shiftClock(4 * minute)
    for (let turn = 0; turn < 3; turn++) await worker.idle()
    expect((await job(before)).state).toBe('published')
    const events = await house.services.db.within(
      system(),
      scope => scope.sql`select type, data from events where subject_id = ${before} order by id`,
    )
    const types = events.map(({ type }) => type as string)
    expect(types).toEqual([
      'publish_job.scheduled',
      'publish_job.held',
      'publish_job.released',
      'publish_job.published',
    ])
    expect(events[1]?.data).toMatchObject({ for: 'brake', reason: 'Bad news today.' })
    const { html } = await house.ann.page('GET', `/w/northwind/publish-jobs/${before}`)
    for (const part of ['Held by a brake', 'On the whole workspace: Bad news today.', 'Let go by the brake'])
      expect({ part, told: html.includes(part) }).toEqual({ part, told: true })
  })

  test('on an account, a tag or a word holds those and no others', async () => {
    const [one, other] = [await rehearsal(), await rehearsal()]
    const onAccount = await putOn({ scope: 'account', value: one })
    const onTag = await putOn({ scope: 'tag', value: 'autumn' })
    const onWord = await putOn({ scope: 'word', value: 'Sale' })
    expect([onAccount.status, onTag.status, onWord.status]).toEqual([201, 201, 201])
    const jobs = {
      'its account': await plan(await write('On that account'), one),
      'its tag': await plan(await write('Tagged', { tags: ['Autumn'] }), other),
      'its word': await plan(await write('The big SALE!'), other),
      'its own words': await plan(
        await write('Nothing here', { variants: [{ accountId: other, text: 'a sale' }] }),
        other,
      ),
      'no match': await plan(await write('Wholesale prices', { tags: ['autumnal'] }), other),
      'other words': await plan(
        await write('a sale', { variants: [{ accountId: other, text: 'Nothing there' }] }),
        other,
      ),
    }
    const held: Record<string, string> = {}
    for (const [what, id] of Object.entries(jobs)) held[what] = (await job(id)).heldFor ?? 'not held'
    expect(held).toEqual({
      'its account': 'brake',
      'its tag': 'brake',
      'its word': 'brake',
      'its own words': 'brake',
      'no match': 'not held',
      'other words': 'not held',
    })
  })

  test('follows the words as they change', async () => {
    await putOn({ scope: 'word', value: 'war' })
    const content = await write('Nothing about it')
    const id = await plan(content, await rehearsal())
    expect((await job(id)).state).toBe('scheduled')
    await house.alice.api('PATCH', `/content/${content}`, { text: 'A war on prices' })
    expect((await job(id)).heldFor).toBe('brake')
    await house.alice.api('PATCH', `/content/${content}`, { text: 'Low prices' })
    expect((await job(id)).state).toBe('scheduled')
  })

  test('stays where another one is on, and gives back only what none is on', async () => {
    const account = await rehearsal()
    const id = await plan(await write('Under two brakes'), account)
    const all = (await putOn({ scope: 'workspace' })).body.id
    const one = (await putOn({ scope: 'account', value: account })).body.id
    await house.alice.api('DELETE', `/brakes/${all}`)
    expect((await job(id)).heldFor).toBe('brake')
    await house.alice.api('DELETE', `/brakes/${one}`)
    expect((await job(id)).state).toBe('scheduled')
  })

  test('runs out by the clock: what is late goes out spread, what is too late asks', async () => {
    const account = await rehearsal()
    const soon = [
      await plan(await write('Late by a little, one'), account, inMs(200 * minute)),
      await plan(await write('Late by a little, two'), account, inMs(201 * minute)),
    ]
    const stale = await plan(await write('Late by hours'), account)
    const until = new Date(Date.now() + 210 * minute).toISOString()
    const on = await putOn({ scope: 'account', value: account, until })
    expect(on.body.until).toBe(until)
    expect((await job(stale)).error.next).toBe('It waits until the brake is taken off or has run out.')
    await house.shiftClock(209 * minute)
    await worker.idle()
    expect((await job(stale)).heldFor).toBe('brake')
    await house.shiftClock(210 * minute + 1000)
    await worker.idle()
    const [brake] = (await house.alice.api('GET', '/brakes')).body.items
    expect([brake.releasedAt, brake.releasedBy]).toEqual([until, null])
    const asks = await job(stale)
    expect([asks.state, asks.heldFor]).toEqual(['held', 'late'])
    expect(asks.error.message).toContain('while a brake was on')
    expect(asks.error.message).toContain('(Bad news today).')
    const states = await Promise.all(soon.map(async id => (await job(id)).state))
    expect(states.sort()).toEqual(['published', 'scheduled'])
    const told = (await house.alice.api('GET', '/notifications')).body.items
    expect(told[0].about).toContain('has run out: 2 planned again, 1 too late')
  })

  test('tells each post which one held it when several run out while nobody looks', async () => {
    const until = new Date(Date.now() + 5 * minute).toISOString()
    const later = new Date(Date.now() + 6 * minute).toISOString()
    const [one, other] = [await rehearsal(), await rehearsal()]
    const jobs = [await plan(await write('Of one'), one), await plan(await write('Of another'), other)]
    await putOn({ scope: 'account', value: one, until, reason: 'The first reason.' })
    await putOn({ scope: 'account', value: other, until: later, reason: 'The second one' })
    await house.shiftClock(200 * minute)
    await worker.idle()
    const words = await Promise.all(jobs.map(async id => (await job(id)).error.message as string))
    expect(words[0]).toEndWith('(The first reason).')
    expect(words[1]).toEndWith('(The second one).')
  })

  test('that has run out holds nothing, even before it is taken off', async () => {
    const account = await rehearsal()
    await putOn({ scope: 'account', value: account, until: new Date(Date.now() + minute).toISOString() })
    await house.shiftClock(2 * minute)
    const made = await house.alice.api('POST', `/content/${await write('After it')}/publish-jobs`, {
      accounts: [account],
      now: true,
    })
    expect(made.body.items[0].state).toBe('scheduled')
    await worker.idle()
    expect((await job(made.body.items[0].id)).state).toBe('published')
  })

  test('does not let a person’s word past it', async () => {
    const account = await rehearsal()
    const id = await plan(await write('Too late, then braked'), account)
    await house.shiftClock(200 * minute)
    await worker.idle()
    expect((await job(id)).heldFor).toBe('late')
    const on = await putOn({ scope: 'account', value: account })
    await house.bob.api('POST', `/publish-jobs/${id}/resolution`, { as: 'retry' })
    await worker.idle()
    expect((await job(id)).heldFor).toBe('brake')
    await house.bob.api('DELETE', `/brakes/${on.body.id}`)
    await worker.idle()
    expect((await job(id)).state).toBe('published')
  })

  test('and an approval that is missing both have to go', async () => {
    await house.alice.api('PATCH', '/workspace', { approvalRequired: true })
    const content = await write('Braked and unapproved')
    const account = await rehearsal()
    const id = await plan(content, account)
    expect((await job(id)).heldFor).toBe('approval')
    const on = await putOn({ scope: 'account', value: account })
    await house.alice.api('POST', `/content/${content}/submission`)
    await house.cora.api('POST', `/content/${content}/approval`, {})
    expect((await job(id)).heldFor).toBe('brake')
    await house.alice.api('DELETE', `/brakes/${on.body.id}`)
    expect((await job(id)).state).toBe('scheduled')
    await house.alice.api('PATCH', '/workspace', { approvalRequired: false })
  })
})

describe('a post that is with a worker when a brake is put on', () => {
  /** Claims the job as a worker does. */
  async function claim(id: string) {
    await house.shiftClock(2 * minute)
    const { jobs } = await house.services.db.within(system(), scope => claimJobs(scope, 'test', 10))
    const claimed = jobs.find(one => one.id === id)
    if (!claimed) throw new Error('It was not claimed')
    const lease = holdLease(work => house.services.db.within(system(), work), claimed, 10_000)
    lease.end()
    return lease
  }

  test('is taken back when nothing was sent yet: the worker may not begin', async () => {
    const account = await rehearsal()
    const id = await plan(await write('Claimed, not armed'), account)
    const lease = await claim(id)
    const on = await putOn({ scope: 'account', value: account })
    expect(on.body).toMatchObject({ holds: 1, underWay: 0 })
    const held = await job(id)
    expect([held.heldFor, held.attempts[0].outcome]).toEqual(['brake', 'stopped'])
    await expect(lease.arm({})).rejects.toBeInstanceOf(LeaseLost)
  })

  test('ends its attempt without a word of trouble in the log; a lease that is really lost is one', async () => {
    const { services } = house
    const said: string[] = []
    const log = {
      ...services.log,
      info: (_: string, fields?: object) => said.push(`info ${(fields as { outcome: string }).outcome}`),
      error: (_: string, fields?: object) => said.push(`error ${(fields as { error: Error }).error.name}`),
    }
    const within = services.db.within
    const send = async (account: string, between: (id: string) => Promise<unknown>) => {
      const id = await plan(await write('Taken from its worker'), account)
      await house.shiftClock(2 * minute)
      const { jobs } = await within(system(), scope => claimJobs(scope, 'test', 10))
      const claimed = jobs.find(one => one.id === id)
      if (!claimed) throw new Error('It was not claimed')
      await between(id)
      const together = createTogether(within)
      await sendJob(
        { ...services, log },
        { together, records: together, answered() {} },
        house.alice.tenant,
        claimed,
      )
    }
    await send(await rehearsal(), () => putOn({ scope: 'workspace' }))
    expect(said).toEqual(['info stopped'])
    await house.alice.api('DELETE', `/brakes/${(await house.alice.api('GET', '/brakes')).body.items[0].id}`)
    await house.shiftClock(0)
    await send(await rehearsal(), id =>
      within(system(), ({ sql }) => sql`update publish_jobs set lease_until = '-infinity' where id = ${id}`),
    )
    expect(said).toEqual(['info stopped', 'error Error'])
  })

  test('is counted as under way when it may be out already, looked for, and not sent again', async () => {
    const account = await rehearsal()
    const id = await plan(await write('Armed already'), account)
    await (await claim(id)).arm({})
    const on = await putOn({ scope: 'account', value: account })
    expect(on.body).toMatchObject({ holds: 0, underWay: 1 })
    expect((await job(id)).state).toBe('publishing')
    await house.shiftClock(4 * minute)
    await worker.idle()
    const held = await job(id)
    expect([held.state, held.heldFor]).toEqual(['held', 'brake'])
    const arrived = await house.services.db.within(
      system(),
      scope => scope.sql`select id from rehearsal_posts where account_id = ${account}`,
    )
    expect(arrived).toHaveLength(0)
  })

  test('is refused as it begins when the brake did not know of it', async () => {
    const account = await rehearsal()
    const id = await plan(await write('Planned in between'), account)
    const lease = await claim(id)
    // As a brake whose transaction could not see the job yet.
    await house.services.db.within(
      system(),
      scope => scope.sql`
        insert into brakes (id, scope, value, about, reason)
        values (${newId()}, 'account', ${account}, 'it', 'A race')`,
    )
    await expect(lease.arm({})).rejects.toBeInstanceOf(HeldBack)
  })

  test('is refused when the brake commits while it asks', async () => {
    const account = await rehearsal()
    const id = await plan(await write('At the very moment'), account)
    const lease = await claim(id)
    const locked = Promise.withResolvers<void>()
    const commit = Promise.withResolvers<void>()
    const brake = house.services.db.within(system(), async scope => {
      await stopSends(scope)
      await scope.sql`
        insert into brakes (id, scope, value, about, reason) values (${newId()}, 'account', ${account}, 'it', 'A race')`
      locked.resolve()
      await commit.promise
    })
    await locked.promise
    const armed = lease.arm({}).then(
      () => 'armed',
      error => error,
    )
    await until(() => anybodyWaits(house.services.db))
    commit.resolve()
    await brake
    expect(await armed).toBeInstanceOf(HeldBack)
  })

  test('is refused alone among those that ask together', async () => {
    const accounts = [await rehearsal(), await rehearsal(), await rehearsal()]
    const ids: string[] = []
    for (const account of accounts) ids.push(await plan(await write('Asking together'), account))
    await house.shiftClock(2 * minute)
    const { jobs } = await house.services.db.within(system(), scope => claimJobs(scope, 'test', 10))
    const asking = ids.map(id => {
      const one = jobs.find(({ id: claimed }) => claimed === id)
      if (!one) throw new Error('It was not claimed')
      return one
    })
    const answers = await house.services.db.within(system(), async scope => {
      await scope.sql`
        insert into brakes (id, scope, value, about, reason)
        values (${newId()}, 'account', ${accounts[0] ?? null}, 'it', 'A race')`
      return armJobs(
        scope,
        [...asking, { id: ids[2] ?? '', attemptId: newId() }].map(one => ({ job: one, known: {} })),
      )
    })
    expect(answers).toEqual(['held back', 'armed', 'armed', 'lost'])
    const armed = await Promise.all(ids.map(async id => (await job(id)).attempts[0].armedAt !== null))
    expect(armed).toEqual([false, true, true])
  })
})

describe('a brake that is just being taken off', () => {
  const owner = () => ({ tenantId: house.alice.tenant.id, userId: house.alice.id, role: 'owner' }) as const
  /** Until it waits for somebody's lock, or has not had to. */
  async function untilWaits(work: Promise<unknown>): Promise<void> {
    let over = false
    const ended = () => {
      over = true
    }
    work.then(ended, ended)
    await until(async () => over || (await anybodyWaits(house.services.db)))
  }

  test('does not hold what is planned meanwhile for ever', async () => {
    const [content, account] = [await write('Planned meanwhile'), await rehearsal()]
    const { body } = await putOn({ scope: 'account', value: account })
    const off = await hold(house.services.db, owner(), scope => takeBrakeOff(scope, body.id))
    const planning = plan(content, account)
    await untilWaits(planning)
    await off.commit()
    expect(await job(await planning)).toMatchObject({ state: 'scheduled', heldFor: null })
  })

  test('sees what was just being planned, and lets it go', async () => {
    const [content, account] = [await write('Planned just before'), await rehearsal()]
    const { body } = await putOn({ scope: 'account', value: account })
    const wish = { accounts: [account], ...inMs(minute) }
    const planning = await hold(house.services.db, owner(), scope => scheduleJobs(scope, content, wish))
    const off = house.alice.api('DELETE', `/brakes/${body.id}`)
    await untilWaits(off)
    await planning.commit()
    expect((await off).status).toBe(200)
    const { items } = (await house.alice.api('GET', `/publish-jobs?limit=100`)).body
    expect(items.find(({ contentId }: { contentId: string }) => contentId === content)).toMatchObject({
      state: 'scheduled',
      heldFor: null,
    })
  })

  test('gets nothing more to hold from a worker, which does not wait for it either', async () => {
    const account = await rehearsal()
    const id = await plan(await write('Claimed meanwhile'), account)
    // As one that a change of words has brought under a brake: not held yet, and met by the claim.
    const brake = newId()
    await house.services.db.within(
      system(),
      ({ sql }) => sql`
        insert into brakes (id, scope, value, about, reason) values (${brake}, 'account', ${account}, 'it', 'A race')`,
    )
    await house.shiftClock(minute + 1_000)
    const off = await hold(house.services.db, owner(), scope => takeBrakeOff(scope, brake))
    const claimed = await house.services.db.within(system(), scope => claimJobs(scope, 'test', 50), {
      timeoutMs: 5_000,
    })
    expect(claimed.jobs.map(one => one.id)).not.toContain(id)
    await off.commit()
    expect(await job(id)).toMatchObject({ state: 'scheduled', heldFor: null })
    worker.wake()
    await worker.idle()
    expect((await job(id)).state).toBe('published')
  })
})

describe('a brake among workers that write', () => {
  /** Claims what is planned on so many accounts, as one worker does. */
  async function claimSome(count: number) {
    const accounts = await Promise.all(Array.from({ length: count }, () => rehearsal()))
    const ids = await Promise.all(
      accounts.map(async one => plan(await write('Being sent', { tags: ['met'] }), one)),
    )
    await house.shiftClock(2 * minute)
    const { jobs } = await house.services.db.within(system(), scope => claimJobs(scope, 'test', 50))
    return jobs.filter(one => ids.includes(one.id))
  }
  const retry = { is: 'retry', why: { code: 'busy', message: 'Busy.', next: 'It is tried again.' } } as const
  const cancelAll = async (jobs: readonly { id: string }[]) => {
    for (const { id } of jobs) await house.alice.api('DELETE', `/publish-jobs/${id}`)
  }
  const states = async (jobs: readonly { id: string }[]) =>
    Promise.all(jobs.map(async ({ id }) => (await job(id)).heldFor))

  test('waits for none of their rows, and what it left to them comes back held', async () => {
    const jobs = await claimSome(3)
    const [locked] = jobs
    if (!locked) throw new Error('Nothing was claimed')
    const lease = holdLease(work => house.services.db.within(system(), work), locked, 10_000)
    lease.end()
    const writes = Promise.withResolvers<void>()
    const done = Promise.withResolvers<void>()
    const worker = house.services.db.within(system(), async scope => {
      await scope.sql`update publish_jobs set steps = '{}' where id = ${locked.id}`
      writes.resolve()
      await done.promise
    })
    await writes.promise
    const on = await putOn({ scope: 'tag', value: 'met' })
    expect([on.status, on.body.underWay]).toEqual([201, 0])
    done.resolve()
    await worker
    expect((await states(jobs)).sort()).toEqual(['brake', 'brake', null])
    await expect(lease.arm({})).rejects.toBeInstanceOf(HeldBack)
    await house.services.db.within(system(), scope => recordOutcome(scope, locked, retry))
    expect((await job(locked.id)).heldFor).toBe('brake')
  })

  test('neither stops the other, however often they meet', async () => {
    for (let round = 0; round < 15; round++) {
      await house.shiftClock(0)
      const jobs = await claimSome(8)
      const [asking, ended] = [jobs.slice(0, 2), jobs.slice(2)]
      const [on, , armed] = await Promise.all([
        putOn({ scope: 'tag', value: 'met' }),
        // As a worker writes about several jobs in one transaction: in no order, here against a brake's.
        house.services.db.within(system(), scope =>
          recordOutcomes(
            scope,
            ended.toReversed().map(one => ({ job: one, outcome: retry, notes: [] })),
          ),
        ),
        house.services.db.within(system(), scope =>
          armJobs(
            scope,
            asking.toReversed().map(one => ({ job: one, known: {} })),
          ),
        ),
      ])
      expect(on.status).toBe(201)
      expect(await states(ended)).toEqual(ended.map(() => 'brake'))
      const underWay = armed.filter(answer => answer === 'armed').length
      expect(on.body.underWay).toBe(underWay)
      await house.services.db.within(system(), scope =>
        recordOutcomes(
          scope,
          asking.map(one => ({ job: one, outcome: retry, notes: [] })),
        ),
      )
      expect(await states(asking)).toEqual(asking.map(() => 'brake'))
      expect((await house.alice.api('DELETE', `/brakes/${on.body.id}`)).status).toBe(200)
      await cancelAll(jobs)
    }
  }, 30_000)

  test('holds the feed too, though nothing leaves the house there', async () => {
    const feed = (await house.alice.api('GET', '/accounts')).body.items.find(
      (one: { platform: string }) => one.platform === 'feed',
    ).id
    const id = await plan(await write('Only here'), feed)
    await house.shiftClock(2 * minute)
    const { jobs } = await house.services.db.within(system(), scope => claimJobs(scope, 'test', 50))
    const claimed = jobs.find(one => one.id === id)
    if (!claimed) throw new Error('It was not claimed')
    await house.services.db.within(
      system(),
      scope => scope.sql`
        insert into brakes (id, scope, value, about, reason) values (${newId()}, 'account', ${feed}, 'it', 'A race')`,
    )
    const together = createTogether(house.services.db.within)
    await sendJob(house.services, { together, records: together, answered() {} }, house.alice.tenant, claimed)
    expect((await job(id)).heldFor).toBe('brake')
  })
})

describe('words and tags', () => {
  const matches = async (pattern: string, text: string) => {
    const [row] = await house.services.db.within(
      system(),
      scope => scope.sql`select normalize(${text}::text) ~ ${pattern}::text as yes`,
    )
    return row?.yes as boolean
  }
  test.each([
    ['sale', '#Sale!', true],
    ['sale', 'wholesale', false],
    ['sale', 'sales', false],
    ['Öl', 'öl und ÖL', true],
    ['strasse', 'Die Strasse.', true],
    ['autumn roast', 'The Autumn\n roast is back', true],
    ['C++ (new)', 'we love c++ (NEW)', true],
    ['a.b', 'axb', false],
    ['戦争', '反戦争運動', true],
    ['café', 'Cafe\u0301 open', true],
    ['Ελλάδα', 'ΕΛΛΆΔΑ', true],
    ['\\d', '5', false],
    ['[a-z]', 'b', false],
    ['🙂', 'fine🙂', true],
  ])('%s in %s: %p', async (word, text, yes) => {
    expect(await matches(wordPattern(word), text)).toBe(yes)
  })
  test('a tag is matched as a whole', async () => {
    expect(await matches(tagPattern('Über uns'), 'über uns')).toBe(true)
    expect(await matches(tagPattern('a'), 'ab')).toBe(false)
  })
})

describe('the doors', () => {
  test('owners, admins and editors only; the others see what is on', async () => {
    for (const person of [house.cora, house.ann]) {
      expect((await putOn({ scope: 'workspace' }, person)).status).toBe(403)
      const form = { scope: 'workspace', reason: 'no' }
      expect((await person.page('POST', '/w/northwind/brakes', form)).status).toBe(403)
      expect((await person.page('GET', '/w/northwind')).html).not.toContain('data-dialog="brake"')
    }
    const on = await putOn({ scope: 'workspace' }, house.bob)
    expect((await house.cora.api('DELETE', `/brakes/${on.body.id}`)).status).toBe(403)
    expect((await house.ann.api('GET', '/brakes')).body.items[0]).toMatchObject({ id: on.body.id })
    expect((await house.dan.api('GET', '/brakes')).body.items).toEqual([])
    expect((await house.dan.api('DELETE', `/brakes/${on.body.id}`)).status).toBe(404)
  })

  test('what is wrong is said in words', async () => {
    const refused = async (wish: object) => {
      const { status, body } = await putOn(wish)
      return [status, body.errors?.[0]?.path ?? body.code]
    }
    expect(await refused({ scope: 'tag' })).toEqual([422, 'value'])
    expect(await refused({ scope: 'workspace', value: 'x' })).toEqual([422, 'value'])
    expect(await refused({ scope: 'account', value: 'none' })).toEqual([422, 'value'])
    expect(await refused({ scope: 'account', value: await rehearsal(house.dan) })).toEqual([422, 'value'])
    expect(await refused({ scope: 'workspace', reason: '' })).toEqual([422, 'reason'])
    expect(await refused({ scope: 'workspace', until: '2020-01-01T00:00:00Z' })).toEqual([422, 'until'])
    await putOn({ scope: 'tag', value: 'twice' })
    const again = await putOn({ scope: 'tag', value: 'twice' })
    expect([again.status, again.body.detail]).toEqual([409, 'A brake is on the tag “twice” already.'])
    const form = await house.bob.page('POST', '/w/northwind/brakes', { scope: 'word', word: '', reason: 'x' })
    expect([form.status, form.html.includes('id="page-word-error"')]).toEqual([422, true])
  })

  test('every page tells while one is on; the button, its dialog, the page and the notification', async () => {
    await plan(await write('To be held'), await rehearsal(), inMs(5 * minute))
    const today = (await house.bob.page('GET', '/w/northwind')).html
    expect(today).toContain('data-dialog="brake"')
    expect(today).toMatch(/The whole workspace: \d+ posts? planned now/)
    const form = { scope: 'workspace', reason: 'A sad day.', minutes: '60', account: '', tag: '', word: '' }
    const sent = await house.bob.page('POST', '/w/northwind/brakes', form)
    expect([sent.status, sent.location]).toEqual([303, '/w/northwind/brakes'])
    for (const path of ['', '/calendar', '/content', '/accounts', '/media', '/people', '/settings']) {
      const { html } = await house.alice.page('GET', `/w/northwind${path}`)
      expect(html).toContain('A brake is on the whole workspace')
      expect(html).toContain('A sad day.')
    }
    const page = (await house.bob.page('GET', '/w/northwind/brakes')).html
    const id = /\/brakes\/([0-9a-f-]{36})\/removal/.exec(page)?.[1]
    const about = async () =>
      (await house.alice.api('GET', '/notifications')).body.items.find(
        (one: { subjectId: string }) => one.subjectId === id,
      )
    const told = await about()
    expect([told.kind, told.path, told.doneAt]).toEqual(['brake', '/brakes', null])
    expect(told.about).toContain('Bob put a brake on the whole workspace: A sad day.')
    await house.bob.page('POST', `/w/northwind/brakes/${id}/removal`, {})
    expect((await house.alice.page('GET', '/w/northwind/calendar')).html).not.toContain('A sad day.')
    expect((await about()).doneAt).not.toBeNull()
  })
})
