import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { newId } from '../src/lib/id.ts'
import { type House, openHouse, type Person } from './cast.ts'

let house: House
let alice: Person
beforeAll(async () => {
  house = await openHouse()
  alice = house.alice
})
afterAll(() => house.close())

const zone = 'Europe/Berlin'
const rehearsal = async (person = alice) =>
  (await person.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id as string
const write = async (text: string) => (await alice.api('POST', '/content', { text })).body.id as string
const slots = (account: string, weekdays: number[], local: string, person = alice) =>
  person.api('POST', '/slots', { account, weekdays, local, zone })
const next = async (accounts: string[], text = 'Next, please.') =>
  alice.api('POST', `/content/${await write(text)}/publish-jobs`, { accounts, slot: 'next' })
const free = async (account: string, limit = 20) =>
  (await alice.api('GET', `/slots/free?account=${account}&limit=${limit}`)).body.items as {
    at: string
    local: string
  }[]

describe('slots', () => {
  test('are added by day, listed through the week, and removed', async () => {
    const account = await rehearsal()
    const added = await slots(account, [5, 1, 5], '09:00')
    expect(added.status).toBe(201)
    expect(added.body.items.map((one: { weekday: number }) => one.weekday)).toEqual([1, 5])
    expect((await slots(account, [1, 3], '09:00')).body.items).toHaveLength(3)
    const [first] = added.body.items
    expect((await alice.api('DELETE', `/slots/${first.id}`)).status).toBe(204)
    expect((await alice.api('DELETE', `/slots/${first.id}`)).status).toBe(404)
    expect((await alice.api('GET', `/slots?account=${account}`)).body.items).toHaveLength(2)
    for (const [days, local, status] of [
      [[0], '09:00', 422],
      [[8], '09:00', 422],
      [[], '09:00', 422],
      [[1], '9:00', 422],
      [[1], '24:00', 422],
    ] as const)
      expect([days, local, (await slots(account, [...days], local)).status]).toEqual([days, local, status])
    expect((await slots(account, [1], '09:00', house.dan)).status).toBe(404)
    expect((await slots(account, [1], '09:00', house.ann)).status).toBe(403)
    expect((await slots(account, [1], '09:00', house.bob)).status).toBe(201)
  })

  test('next takes the next one that no post has, on each account its own', async () => {
    const [one, other] = [await rehearsal(), await rehearsal()]
    await slots(one, [1, 2, 3, 4, 5, 6, 7], '09:00')
    await slots(other, [1, 2, 3, 4, 5, 6, 7], '10:30')
    const [first, second, third] = await free(one)
    // Planned by hand, it takes the slot as well.
    const byHand = await alice.api('POST', `/content/${await write('By hand.')}/publish-jobs`, {
      accounts: [one],
      at: { local: first?.local, zone },
    })
    expect(byHand.status).toBe(201)
    const made = await next([one, other])
    expect(made.status).toBe(201)
    const times = Object.fromEntries(
      made.body.items.map((job: { accountId: string; local: string }) => [job.accountId, job.local]),
    )
    expect(times[one]).toBe(second?.local)
    expect(times[other]).toEndWith('T10:30')
    // Cancelled, it is free again; moved, too.
    await alice.api('DELETE', `/publish-jobs/${byHand.body.items[0].id}`)
    const again = await next([one])
    expect(again.body.items[0].local).toBe(first?.local)
    const moved = made.body.items.find((job: { accountId: string }) => job.accountId === one)
    await alice.api('PATCH', `/publish-jobs/${moved.id}`, {
      at: { local: third?.local.replace('09:00', '12:00'), zone },
    })
    expect((await next([one])).body.items[0].local).toBe(second?.local)
    expect((await free(one))[0]?.local).toBe(third?.local)
  })

  test('next is another one for each of fifty who ask at once', async () => {
    const account = await rehearsal()
    await slots(account, [1, 4], '08:00')
    await slots(account, [2], '16:45')
    const contents = await Promise.all(Array.from({ length: 50 }, (_, at) => write(`Number ${at}.`)))
    const expected = (await free(account, 100)).map(one => one.at)
    const answers = await Promise.all(
      contents.map(id =>
        alice.api('POST', `/content/${id}/publish-jobs`, { accounts: [account], slot: 'next' }),
      ),
    )
    expect(answers.map(answer => answer.status)).toEqual(answers.map(() => 201))
    const taken = answers.map(answer => answer.body.items[0].runAt as string).sort()
    expect(new Set(taken).size).toBe(50)
    // The first fifty of them, without a hole; the list ends after 62 days.
    expect(taken.slice(0, expected.length)).toEqual(expected.slice(0, 50))
    expect(await free(account)).toEqual([])
  })

  test('has one post a moment in the table too', async () => {
    const account = await rehearsal()
    await slots(account, [1], '07:00')
    const id = (await next([account])).body.items[0].id as string
    const again = house.services.db.within(
      { tenantId: alice.tenant.id, userId: null, role: 'system' },
      ({ sql }) => sql`
        insert into publish_jobs (id, content_id, version_id, account_id, state, run_at, local, zone, slot_id, occurrence)
        select ${newId()}, content_id, version_id, account_id, state, run_at, local, zone, slot_id, occurrence
        from publish_jobs where id = ${id}`,
    )
    await expect(again).rejects.toThrow('publish_jobs_slot')
  })

  test('a planned post moves to the next one, at both doors, and keeps what it is of', async () => {
    const account = await rehearsal()
    await slots(account, [1, 2, 3, 4, 5, 6, 7], '09:00')
    const [first, second, third] = await free(account)
    const planned = await alice.api('POST', `/content/${await write('By hand, then not.')}/publish-jobs`, {
      accounts: [account],
      at: new Date(Date.now() + 40 * 86_400_000).toISOString(),
    })
    const { id } = planned.body.items[0]
    const move = (given: object) => alice.api('PATCH', `/publish-jobs/${id}`, given)
    const moved = await move({ slot: 'next', lateMinutes: 30 })
    expect(moved.status).toBe(200)
    expect(moved.body).toMatchObject({ local: first?.local, zone, lateMinutes: 30 })
    expect((await free(account))[0]?.local).toBe(second?.local)
    // It has that slot itself, so the next free one is another.
    const page = `/w/${alice.tenant.slug}/publish-jobs/${id}`
    expect((await alice.page('GET', page)).html).toContain(`${page}/slot`)
    const done = await alice.page('POST', `${page}/slot`, {})
    expect([done.status, done.location]).toEqual([303, page])
    expect((await alice.api('GET', `/publish-jobs/${id}`)).body.local).toBe(second?.local)
    expect((await next([account])).body.items[0].local).toBe(first?.local)
    expect((await next([account])).body.items[0].local).toBe(third?.local)
    for (const wrong of [{ slot: 'next', now: true }, { slot: 'last' }, {}])
      expect([wrong, (await move(wrong)).status]).toEqual([wrong, 422])
    expect((await house.ann.api('PATCH', `/publish-jobs/${id}`, { slot: 'next' })).status).toBe(403)
    expect((await house.dan.api('PATCH', `/publish-jobs/${id}`, { slot: 'next' })).status).toBe(404)
  })

  test('one of a rule that moves to a slot stays that of its rule', async () => {
    const account = await rehearsal()
    await slots(account, [3], '11:00')
    const content = await write('By a rule.')
    const rule = await alice.api('POST', `/content/${content}/recurrences`, {
      accounts: [account],
      rule: 'FREQ=WEEKLY;COUNT=2',
      start: { local: `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)}T07:15`, zone },
    })
    const [{ jobs, occurrence }] = rule.body.upcoming
    const [slot] = await free(account)
    const moved = await alice.api('PATCH', `/publish-jobs/${jobs[0].id}`, { slot: 'next' })
    expect(moved.body).toMatchObject({ local: slot?.local, recurrenceId: rule.body.id })
    const [same] = (await alice.api('GET', `/recurrences/${rule.body.id}`)).body.upcoming
    expect([same.occurrence, same.jobs[0].id]).toEqual([occurrence, jobs[0].id])
  })

  test('two who move to the next one at once get two', async () => {
    const account = await rehearsal()
    await slots(account, [1, 3, 5], '12:00')
    const ids: string[] = []
    for (let n = 0; n < 6; n++) ids.push((await next([account])).body.items[0].id)
    const answers = await Promise.all(
      ids.map(id => alice.api('PATCH', `/publish-jobs/${id}`, { slot: 'next' })),
    )
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200))
    expect(new Set(answers.map(({ body }) => body.runAt)).size).toBe(6)
  })

  test('next is refused in words where there is none', async () => {
    const account = await rehearsal()
    const answer = await next([account])
    expect(answer.status).toBe(422)
    expect(answer.body.detail).toContain('no weekly slots')
    const planned = await alice.api('POST', `/content/${await write('No slots.')}/publish-jobs`, {
      accounts: [account],
      at: new Date(Date.now() + 86_400_000).toISOString(),
    })
    const page = `/w/${alice.tenant.slug}/publish-jobs/${planned.body.items[0].id}`
    expect((await alice.page('GET', page)).html).not.toContain(`${page}/slot`)
    const there = await alice.page('POST', `${page}/slot`, {})
    expect(there.status).toBe(422)
    expect(there.html).toContain('no weekly slots')
    const both = await alice.api('POST', `/content/${await write('Both?')}/publish-jobs`, {
      accounts: [account],
      slot: 'next',
      now: true,
    })
    expect(both.status).toBe(422)
    expect(both.body.errors[0].message).toContain('give one of')
  })

  test('of a workspace are its own', async () => {
    const account = await rehearsal()
    const [slot] = (await slots(account, [1], '09:00')).body.items
    expect((await house.dan.api('DELETE', `/slots/${slot.id}`)).status).toBe(404)
    expect((await house.dan.api('GET', `/slots?account=${account}`)).body.items).toEqual([])
    expect((await house.dan.api('GET', `/slots/free?account=${account}`)).body.items).toEqual([])
  })
})
