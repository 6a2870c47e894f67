import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { removeAccount } from '../src/accounts/accounts.ts'
import { archiveContent, saveContent } from '../src/content/content.ts'
import type { Actor, Scope } from '../src/db/scope.ts'
import { sweepTenant } from '../src/jobs/sweep.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { nearestInstant } from '../src/lib/time.ts'
import { planAhead } from '../src/recurrences/plan.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { anybodyWaits, hold, until } from './waiting.ts'

let house: House
let alice: Person
beforeAll(async () => {
  house = await openHouse()
  alice = house.alice
})
afterAll(() => house.close())
beforeEach(() => house.shiftClock(0))

interface Piece {
  account: string
  content: string
}
interface Doing<T> {
  actor: Actor
  work: (scope: Scope) => Promise<T>
}

/** Without daylight saving: the tests count days by 24 hours. */
const zone = 'Asia/Kathmandu'
const dayMs = 86_400_000
const today = Date.now()
const inDays = (days: number, time = '07:15') =>
  `${new Date(today + days * dayMs).toISOString().slice(0, 10)}T${time}`
const system = (person: Person) => ({ tenantId: person.tenant.id, userId: null, role: 'system' }) as const
const rehearsal = async (person = alice) =>
  (await person.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id as string
const write = async (text: string, person = alice) =>
  (await person.api('POST', '/content', { text })).body.id as string
const repeat = (content: string, accounts: string[], given: object = {}, person = alice) =>
  person.api('POST', `/content/${content}/recurrences`, {
    accounts,
    rule: 'FREQ=DAILY',
    start: { local: inDays(2), zone },
    ...given,
  })
const jobsOf = async (recurrence: string) =>
  house.services.db.within(
    system(alice),
    ({ sql }) => sql`
      select id, occurrence, account_id, state, held_for, run_at, local, version_id, error->>'code' as code
      from publish_jobs where recurrence_id = ${recurrence} order by occurrence, account_id`,
  )
const sweep = () => sweepTenant(house.services, alice.tenant.id)
const made = async (answer: Promise<{ status: number; body: Record<string, unknown> }>) => {
  const { status, body } = await answer
  expect([status, body.detail ?? '']).toEqual([201, ''])
  return body as unknown as { id: string; upcoming: { occurrence: string; jobs: { id: string }[] }[] }
}

describe('what repeats', () => {
  test('is planned five weeks ahead at once, for each account, and shows what is to come', async () => {
    const accounts = [await rehearsal(), await rehearsal()]
    const content = await write('Evergreen.')
    const answer = await repeat(content, accounts, { rule: 'FREQ=WEEKLY;COUNT=20', lateMinutes: 45 })
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      contentId: content,
      accounts: [...accounts].sort(),
      rule: 'FREQ=WEEKLY;COUNT=20',
      start: { local: inDays(2), zone },
      state: 'active',
      exceptions: [],
    })
    expect(answer.body.words).toMatch(/^Every week on \w+day at 07:15, 20 times$/)
    expect(answer.body.upcoming).toHaveLength(10)
    expect(answer.body.upcoming[0]).toMatchObject({ occurrence: inDays(2), local: inDays(2), skipped: false })
    expect(answer.body.upcoming[0].jobs).toHaveLength(2)
    expect(answer.body.upcoming[9].jobs).toHaveLength(0)
    const jobs = await jobsOf(answer.body.id)
    expect(jobs).toHaveLength(10)
    expect(new Set(jobs.map(job => job.state))).toEqual(new Set(['scheduled']))
    const listed = await alice.api('GET', `/recurrences?content=${content}`)
    expect(listed.body.items.map((one: { id: string }) => one.id)).toEqual([answer.body.id])
    const job = await alice.api('GET', `/publish-jobs/${jobs[0]?.id}`)
    expect(job.body).toMatchObject({ recurrenceId: answer.body.id, lateMinutes: 45 })
  })

  test('sends each time the version that is saved by then', async () => {
    const account = await rehearsal()
    const content = await write('First words.')
    const { id } = await made(repeat(content, [account], { rule: 'FREQ=DAILY;COUNT=2' }))
    const worker = createWorker(house.services)
    const clockTo = (local: string) => house.shiftClock(nearestInstant(local, zone).at.getTime() - Date.now())
    await clockTo(inDays(2, '07:16'))
    await worker.idle()
    await alice.api('PATCH', `/content/${content}`, { text: 'Second words.' })
    await clockTo(inDays(3, '07:16'))
    await worker.idle()
    await worker.stop(5_000)
    const arrived = await house.services.db.within(
      system(alice),
      ({ sql }) =>
        sql`select text from rehearsal_posts where account_id = ${account} order by arrived_at, id`,
    )
    expect(arrived.map(row => row.text)).toEqual(['First words.', 'Second words.'])
    expect((await alice.api('GET', `/recurrences/${id}`)).body).toMatchObject({
      state: 'ended',
      upcoming: [],
    })
  })

  test('goes out each time with all its parts and its first comment', async () => {
    const account = await rehearsal()
    const { body } = await alice.api('POST', '/content', {
      text: 'One',
      thread: [{ text: 'Two' }],
      firstComment: 'Link',
    })
    const { id } = await made(repeat(body.id, [account], { rule: 'FREQ=DAILY;COUNT=2' }))
    const worker = createWorker(house.services)
    for (const day of [2, 3]) {
      await house.shiftClock(nearestInstant(inDays(day, '07:16'), zone).at.getTime() - Date.now())
      await worker.idle()
    }
    await worker.stop(5_000)
    const arrived = await house.services.db.within(
      system(alice),
      ({ sql }) => sql`
        select text from rehearsal_posts where account_id = ${account} order by arrived_at, id`,
    )
    expect(arrived.map(row => row.text)).toEqual(['One', 'Two', 'Link', 'One', 'Two', 'Link'])
    expect((await jobsOf(id)).map(job => job.state)).toEqual(['published', 'published'])
  })

  test('is planned on as time goes by: never twice, by however many at once', async () => {
    const { id } = await made(repeat(await write('On and on.'), [await rehearsal()]))
    const before = await jobsOf(id)
    expect(before.length).toBeGreaterThanOrEqual(33)
    await house.shiftClock(10 * dayMs)
    const plan = () => house.services.db.within(system(alice), scope => planAhead(scope, id))
    await Promise.all([...Array.from({ length: 8 }, plan), sweep(), sweep()])
    await sweep()
    const after = await jobsOf(id)
    expect(after.length - before.length).toBe(10)
    expect(new Set(after.map(job => job.occurrence)).size).toBe(after.length)
    expect(after.slice(0, before.length).map(job => job.id)).toEqual(before.map(job => job.id))
  })

  test('and was not planned for weeks does not flood: what was missed is written down as cancelled', async () => {
    const { id } = await made(repeat(await write('Long gone.'), [await rehearsal()]))
    const planned = (await jobsOf(id)).length
    await house.shiftClock(45 * dayMs)
    await sweep()
    const jobs = await jobsOf(id)
    const missed = jobs.filter(job => job.code === 'missed')
    expect(missed.length).toBeGreaterThanOrEqual(9)
    expect(missed.length).toBeLessThanOrEqual(11)
    expect(new Set(missed.map(job => job.state))).toEqual(new Set(['cancelled']))
    expect(jobs.filter(job => job.state === 'scheduled').length).toBeGreaterThan(planned)
    expect(new Set(jobs.map(job => job.occurrence)).size).toBe(jobs.length)
  })

  test('skips one, and does not plan it again', async () => {
    const { id, upcoming } = await made(repeat(await write('Not then.'), [await rehearsal()]))
    const [, second] = upcoming
    const skip = (occurrence: unknown) => alice.api('POST', `/recurrences/${id}/skips`, { occurrence })
    const answer = await skip(second?.occurrence)
    expect(answer.body.exceptions).toEqual([second?.occurrence])
    expect(answer.body.upcoming[1]).toMatchObject({ skipped: true })
    expect(answer.body.upcoming[1].jobs[0].state).toBe('cancelled')
    expect((await skip(second?.occurrence)).body.exceptions).toHaveLength(1)
    // One beyond what is planned by now is never made.
    const far = inDays(40)
    expect((await skip(far)).status).toBe(200)
    await house.shiftClock(20 * dayMs)
    await sweep()
    const jobs = await jobsOf(id)
    expect(jobs.some(job => job.occurrence === far)).toBe(false)
    expect(jobs.find(job => job.occurrence === second?.occurrence)?.state).toBe('cancelled')
    for (const wrong of [inDays(41, '08:00'), inDays(1), '2020-01-01T09:00', '2027-02-31T07:15'])
      expect([wrong, (await skip(wrong)).status]).toEqual([wrong, 422])
  })

  test('takes a skip back: what it had called off is planned again, and nothing else', async () => {
    const [one, other] = [await rehearsal(), await rehearsal()]
    const { id, upcoming } = await made(repeat(await write('After all.'), [one, other]))
    const occurrence = upcoming[1]?.occurrence as string
    const skips = `/recurrences/${id}/skips`
    const ofIt = async () => (await jobsOf(id)).filter(job => job.occurrence === occurrence)
    const before = await ofIt()
    // This one somebody cancelled before.
    await alice.api('DELETE', `/publish-jobs/${before.find(job => job.account_id === one)?.id}`)
    await alice.api('POST', skips, { occurrence })
    expect((await ofIt()).map(job => job.state)).toEqual(['cancelled', 'cancelled'])
    await alice.api('PATCH', `/content/${(await alice.api('GET', `/recurrences/${id}`)).body.contentId}`, {
      text: 'After all, in other words.',
    })
    const back = await alice.api('DELETE', `${skips}/${occurrence}`)
    expect([back.status, back.body.exceptions]).toEqual([200, []])
    expect(back.body.upcoming[1]).toMatchObject({ occurrence, skipped: false })
    const after = await ofIt()
    expect(after.map(job => [job.id, job.account_id === one ? 'cancelled' : 'scheduled'])).toEqual(
      after.map(job => [job.id, job.state]),
    )
    expect(after.map(job => job.id)).toEqual(before.map(job => job.id))
    const [now] = (await jobsOf(id)).filter(job => job.state === 'scheduled')
    expect(after.find(job => job.account_id === other)).toMatchObject({
      code: null,
      version_id: now?.version_id,
      run_at: before[0]?.run_at,
    })
    expect((await alice.api('DELETE', `${skips}/${occurrence}`)).status).toBe(200)
    // One that was skipped before it was planned, and is planned by now.
    const far = inDays(40)
    await alice.api('POST', skips, { occurrence: far })
    expect((await alice.api('DELETE', `${skips}/${far}`)).status).toBe(200)
    const planned = async () => (await jobsOf(id)).filter(job => job.occurrence === far).map(job => job.state)
    expect(await planned()).toEqual([])
    await alice.api('POST', skips, { occurrence: far })
    await house.shiftClock(10 * dayMs)
    await sweep()
    expect(await planned()).toEqual([])
    await alice.api('DELETE', `${skips}/${far}`)
    expect(await planned()).toEqual(['scheduled', 'scheduled'])
    for (const wrong of [occurrence, inDays(41, '08:00'), 'nonsense'])
      expect([wrong, (await alice.api('DELETE', `${skips}/${wrong}`)).status]).toEqual([wrong, 422])
    expect((await house.ann.api('DELETE', `${skips}/${far}`)).status).toBe(403)
    expect((await house.dan.api('DELETE', `${skips}/${far}`)).status).toBe(404)
  })

  test('what a skip takes back waits for what any planned post waits for', async () => {
    const account = await rehearsal()
    const { id, upcoming } = await made(repeat(await write('Held after all.'), [account]))
    const occurrence = upcoming[0]?.occurrence as string
    await alice.api('POST', `/recurrences/${id}/skips`, { occurrence })
    await alice.api('PATCH', '/workspace', { approvalRequired: true })
    await alice.api('DELETE', `/recurrences/${id}/skips/${occurrence}`)
    const [job] = await jobsOf(id)
    expect(job).toMatchObject({ occurrence, state: 'held', held_for: 'approval' })
    await alice.api('PATCH', '/workspace', { approvalRequired: false })
    expect((await jobsOf(id))[0]?.state).toBe('scheduled')
    await alice.api('DELETE', `/recurrences/${id}`)
    const over = await alice.api('DELETE', `/recurrences/${id}/skips/${occurrence}`)
    expect(over.status).toBe(422)
  })

  test('one cancelled by itself stays cancelled', async () => {
    const { id } = await made(repeat(await write('Not that one.'), [await rehearsal()]))
    const [first] = await jobsOf(id)
    expect((await alice.api('DELETE', `/publish-jobs/${first?.id}`)).body.state).toBe('cancelled')
    await house.shiftClock(dayMs)
    await sweep()
    expect((await jobsOf(id))[0]).toMatchObject({ id: first?.id, state: 'cancelled' })
  })

  test('stops: what was planned is called off, and nothing more is', async () => {
    const { id } = await made(repeat(await write('Enough.'), [await rehearsal()]))
    const answer = await alice.api('DELETE', `/recurrences/${id}`)
    expect(answer.body).toMatchObject({ state: 'stopped', stoppedFor: 'person', upcoming: [] })
    const before = await jobsOf(id)
    expect(new Set(before.map(job => job.state))).toEqual(new Set(['cancelled']))
    expect((await alice.api('DELETE', `/recurrences/${id}`)).status).toBe(200)
    await house.shiftClock(20 * dayMs)
    await sweep()
    expect(await jobsOf(id)).toHaveLength(before.length)
    expect((await alice.api('POST', `/recurrences/${id}/skips`, { occurrence: inDays(30) })).status).toBe(422)
  })

  test('changes from one occurrence on, and counts on', async () => {
    const content = await write('Then otherwise.')
    const account = await rehearsal()
    const { id, upcoming } = await made(repeat(content, [account], { rule: 'FREQ=DAILY;COUNT=9' }))
    const from = upcoming[3]?.occurrence ?? ''
    const next = await made(
      alice.api('POST', `/recurrences/${id}/successor`, {
        from,
        start: { local: `${from.slice(0, 11)}18:30`, zone },
      }),
    )
    const [old, fresh] = [await jobsOf(id), await jobsOf(next.id)]
    expect(old.filter(job => job.state === 'scheduled').map(job => job.occurrence)).toEqual(
      upcoming.slice(0, 3).map(one => one.occurrence),
    )
    expect(fresh).toHaveLength(6)
    expect(new Set(fresh.map(job => [job.state, (job.occurrence as string).slice(11)].join()))).toEqual(
      new Set(['scheduled,18:30']),
    )
    expect((await alice.api('GET', `/recurrences/${next.id}`)).body.rule).toBe('FREQ=DAILY;COUNT=6')
    const first = await made(
      alice.api('POST', `/recurrences/${next.id}/successor`, {
        from: fresh[0]?.occurrence,
        rule: 'FREQ=WEEKLY',
      }),
    )
    expect((await alice.api('GET', `/recurrences/${next.id}`)).body.state).toBe('stopped')
    expect((await jobsOf(first.id)).length).toBeGreaterThanOrEqual(4)
    await house.shiftClock(20 * dayMs)
    await sweep()
    expect(await jobsOf(id)).toHaveLength(9)
    expect(await jobsOf(next.id)).toHaveLength(6)
  })

  test('ends with its content and with its last account', async () => {
    const [one, other] = [await rehearsal(), await rehearsal()]
    const content = await write('Two ends.')
    const kept = await made(repeat(content, [one, other]))
    const lost = await made(repeat(content, [other], { start: { local: inDays(2, '20:00'), zone } }))
    expect((await alice.api('DELETE', `/accounts/${other}`)).status).toBe(204)
    const read = async (id: string) => (await alice.api('GET', `/recurrences/${id}`)).body
    expect(await read(lost.id)).toMatchObject({ state: 'stopped', stoppedFor: 'accounts' })
    expect(await read(kept.id)).toMatchObject({ state: 'active', accounts: [one] })
    const slug = alice.tenant.slug
    await alice.page('POST', `/w/${slug}/content/${content}/archive`, {})
    expect(await read(kept.id)).toMatchObject({ state: 'stopped', stoppedFor: 'archive' })
    const jobs = await jobsOf(kept.id)
    expect(new Set(jobs.map(job => job.state))).toEqual(new Set(['cancelled']))
  })

  /** Two transactions: `second` begins while `first` is open, and either waits for it or does not. @returns what the second one answers */
  async function atOnce<T>(first: Doing<unknown>, second: Doing<T>): Promise<T> {
    const { db } = house.services
    const open = await hold(db, first.actor, first.work)
    let done = false
    const other = db.within(second.actor, second.work).finally(() => {
      done = true
    })
    await until(async () => done || (await anybodyWaits(db)))
    await open.commit()
    return other
  }
  const byAlice = <T>(work: (scope: Scope) => Promise<T>): Doing<T> => ({
    actor: { tenantId: alice.tenant.id, userId: alice.id, role: 'owner' },
    work,
  })
  const planning = (id: string): Doing<number> => ({
    actor: system(alice),
    work: scope => planAhead(scope, id),
  })
  /** A recurrence of which ten occurrences are to be planned by now. */
  async function behind() {
    const account = await rehearsal()
    const content = await write('As it was first.')
    const { id } = await made(repeat(content, [account]))
    await house.shiftClock(10 * dayMs)
    return { account, content, id }
  }

  const goings: [string, string, (scope: Scope, piece: Piece) => Promise<unknown>][] = [
    ['account', 'accounts', (scope, { account }) => removeAccount(scope, account)],
    ['content', 'archive', (scope, { content }) => archiveContent(scope, content)],
  ]
  test.each(goings)('plans nothing more when its last %s goes at that very moment', async (_, why, go) => {
    const first = await behind()
    expect(
      await atOnce(
        byAlice(scope => go(scope, first)),
        planning(first.id),
      ),
    ).toBe(0)
    await house.shiftClock(0)
    const second = await behind()
    await atOnce(
      planning(second.id),
      byAlice(scope => go(scope, second)),
    )
    for (const { id } of [first, second]) {
      expect((await jobsOf(id)).filter(({ state }) => state !== 'cancelled')).toEqual([])
      const { state, stoppedFor } = (await alice.api('GET', `/recurrences/${id}`)).body
      expect([state, stoppedFor]).toEqual(['stopped', why])
    }
  })

  test('plans the words that are saved at that very moment', async () => {
    const mend = ({ content }: Piece) =>
      byAlice(scope => saveContent(scope, content, { text: 'As it was mended.' }))
    const first = await behind()
    expect(await atOnce(mend(first), planning(first.id))).toBe(10)
    await house.shiftClock(0)
    const second = await behind()
    await atOnce(planning(second.id), mend(second))
    for (const { id, content } of [first, second]) {
      const [now] = await house.services.db.within(
        system(alice),
        ({ sql }) => sql`select version_id from content where id = ${content}`,
      )
      expect(new Set((await jobsOf(id)).map(job => job.version_id))).toEqual(new Set([now?.version_id]))
    }
  })

  test('waits for approval where that is required, and never doubles what is planned by hand', async () => {
    const { dan } = house
    await dan.api('PATCH', '/workspace', { approvalRequired: true })
    const content = await write('Needs a yes.', dan)
    const account = await rehearsal(dan)
    expect(
      (
        await dan.api('POST', `/content/${content}/publish-jobs`, {
          accounts: [account],
          at: { local: inDays(3), zone },
        })
      ).status,
    ).toBe(201)
    const { id } = await made(repeat(content, [account], {}, dan))
    const states = () =>
      house.services.db.within(
        system(dan),
        ({ sql }) => sql`
          select occurrence, state, held_for, error->>'code' as code from publish_jobs
          where recurrence_id = ${id} order by occurrence limit 3`,
      )
    expect((await states()).map(row => [row.state, row.held_for ?? row.code])).toEqual([
      ['held', 'approval'],
      ['cancelled', 'planned_already'],
      ['held', 'approval'],
    ])
    await dan.api('POST', `/content/${content}/submission`)
    expect((await dan.api('POST', `/content/${content}/approval`)).status).toBeLessThan(300)
    expect((await states()).map(row => row.state)).toEqual(['scheduled', 'cancelled', 'scheduled'])
  })

  test('is held where a brake is on, also what is planned later', async () => {
    const account = await rehearsal()
    const brake = await alice.api('POST', '/brakes', {
      scope: 'account',
      value: account,
      reason: 'of the test',
    })
    expect(brake.status).toBe(201)
    const { id } = await made(repeat(await write('Braked.'), [account]))
    await house.shiftClock(5 * dayMs)
    await sweep()
    const jobs = await jobsOf(id)
    expect(new Set(jobs.map(job => [job.state, job.held_for].join()))).toEqual(new Set(['held,brake']))
    await alice.api('DELETE', `/brakes/${brake.body.id}`)
    expect((await jobsOf(id)).at(-1)).toMatchObject({ state: 'scheduled' })
  })

  test('keeps its wall time when the rules of its zone change after it was planned', async () => {
    const { id } = await made(
      repeat(await write('By the wall.'), [await rehearsal()], { rule: 'FREQ=WEEKLY' }),
    )
    const before = await jobsOf(id)
    const [first, second, third] = before
    // As if it had been planned under other rules, an hour apart.
    await house.services.db.within(system(alice), async ({ sql }) => {
      await sql`update publish_jobs set run_at = run_at + interval '1 hour' where id = ${second?.id}`
      await sql`update publish_jobs set run_at = run_at + interval '1 hour', state = 'published' where id = ${first?.id}`
    })
    await sweep()
    const after = await jobsOf(id)
    expect(after.map(job => job.id)).toEqual((await jobsOf(id)).map(job => job.id))
    const times = (jobs: readonly Record<string, unknown>[]) =>
      jobs.map(job => [job.id, (job.run_at as Date).getTime(), job.local])
    expect(times(after.slice(1))).toEqual(times([second, third, ...before.slice(3)].map(job => job ?? {})))
    // What is out stays where it was.
    const hours = [first, after[0]].map(job => new Date(job?.run_at as Date).getTime() / 3_600_000)
    expect(hours[1]).toBe((hours[0] ?? 0) + 1)
  })

  test('one that a person moved stays where it was moved to', async () => {
    const { id } = await made(repeat(await write('Moved.'), [await rehearsal()], { rule: 'FREQ=WEEKLY' }))
    const [first] = await jobsOf(id)
    const at = { local: inDays(2, '21:45'), zone }
    expect((await alice.api('PATCH', `/publish-jobs/${first?.id}`, { at })).status).toBe(200)
    await house.shiftClock(dayMs)
    await sweep()
    expect((await jobsOf(id))[0]).toMatchObject({ id: first?.id, local: at.local, state: 'scheduled' })
  })

  test('is refused in words', async () => {
    const content = await write('No.')
    const account = await rehearsal()
    const answer = async (given: object) => (await repeat(content, [account], given)).body
    expect(await answer({ rule: 'FREQ=HOURLY' })).toMatchObject({ status: 422, errors: [{ path: 'rule' }] })
    expect((await answer({ start: { local: '2020-01-01T09:00', zone } })).code).toBe('time_in_past')
    expect((await answer({ start: { local: '2027-02-30T09:00', zone } })).detail).toContain('not readable')
    expect((await answer({ start: { local: inDays(2), zone: 'Mars/Olympus' } })).code).toBe('unknown_zone')
    expect((await answer({ start: { local: inDays(5000), zone } })).detail).toContain('ten years')
    expect((await answer({ rule: 'FREQ=DAILY;UNTIL=20200101' })).detail).toContain('no occurrence')
    expect((await answer({ accounts: [content] })).detail).toContain('not connected here')
    expect((await repeat(await write('x'.repeat(60_000)), [account])).body.errors[0].path).toBe('accounts')
    for (const person of [house.ann, house.cora])
      expect((await repeat(content, [account], {}, person)).status).toBe(403)
    expect((await repeat(content, [await rehearsal(house.dan)], {}, house.dan)).status).toBe(404)
  })
})
