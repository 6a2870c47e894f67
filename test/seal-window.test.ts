import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { record } from '../src/events.ts'
import { claimJobs } from '../src/jobs/claim.ts'
import { holdLease, OutsideWindow } from '../src/jobs/lease.ts'
import { recordOutcome } from '../src/jobs/record.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { planAhead } from '../src/recurrences/plan.ts'
import { type House, openHouse } from './cast.ts'
import { type Mastodon, startMastodon } from './peers/index.ts'
import { armLater } from './waiting.ts'
import { newPicture } from './world.ts'

let house: House
let mastodon: Mastodon
let clock = 0
let putBack = () => {}
beforeAll(async () => {
  mastodon = await startMastodon()
  house = await openHouse({ RATE_LIMIT: 'off', OUTBOUND_ALLOW: mastodon.host })
})
afterAll(async () => {
  await house.close()
  await mastodon.stop()
})
beforeEach(() => requireApproval(true))
afterEach(async () => {
  putBack()
  putBack = () => {}
  clock = 0
  await house.shiftClock(0)
})

const minute = 60_000
const hour = 60 * minute
const requireApproval = (required: boolean) =>
  house.alice.api('PATCH', '/workspace', { approvalRequired: required })
const system = () => ({ tenantId: house.alice.tenant.id, userId: null, role: 'system' }) as const
const inside: House['services']['db']['within'] extends (actor: never, work: infer W) => unknown
  ? (work: W) => Promise<unknown>
  : never = work => house.services.db.within(system(), work)
/** Everything that is due, by a worker that looks no more afterwards: what is planned next is the test's own to claim. */
const work = async () => {
  const worker = createWorker(house.services)
  await worker.idle()
  await worker.stop(5_000)
}
const shift = async (ms: number) => {
  clock += ms
  await house.shiftClock(clock)
}
const rehearsal = async () =>
  (await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id as string
const job = async (id: string) => (await house.bob.api('GET', `/publish-jobs/${id}`)).body
const stateOf = async (id: string) => (await house.bob.api('GET', `/content/${id}`)).body.state
const inMs = (ms: number) => new Date(Date.now() + clock + ms).toISOString()
/** What may go out in the hour that begins an hour from now. */
const nextHour = () => ({ from: inMs(hour), until: inMs(2 * hour) })

async function submitted(given: object): Promise<string> {
  const { body } = await house.ann.api('POST', '/content', given)
  await house.ann.api('POST', `/content/${body.id}/submission`)
  return body.id
}
const approve = (content: string, window: object = {}) =>
  house.cora.api('POST', `/content/${content}/approval`, window)
async function approved(text: string, window: object = {}): Promise<string> {
  const content = await submitted({ text })
  expect((await approve(content, window)).status).toBe(201)
  return content
}
const ask = (content: string, account: string, when: object) =>
  house.bob.api('POST', `/content/${content}/publish-jobs`, { accounts: [account], ...when })
async function plan(content: string, account: string, when: object): Promise<string> {
  const made = await ask(content, account, when)
  expect([made.status, made.body.detail ?? '']).toEqual([201, ''])
  return made.body.items[0].id
}
/** Claims the one job that is due, as a worker does. */
async function claim(id: string) {
  const { jobs } = await house.services.db.within(system(), scope => claimJobs(scope, 'test', 20))
  const claimed = jobs.find(one => one.id === id)
  if (!claimed?.opened) throw new Error('it was not claimed')
  const lease = holdLease(work => house.services.db.within(system(), work), claimed, 10_000)
  lease.end()
  return { claimed, lease, payload: claimed.opened.payload }
}
/** Nobody is left with it. */
const cancel = (id: string) => house.bob.api('DELETE', `/publish-jobs/${id}`)

describe('an approval for a time', () => {
  test('is part of what is sealed, and of what is told of it; what goes out in it has that hash', async () => {
    const account = await rehearsal()
    const window = nextHour()
    const content = await approved('Within an hour.', window)
    const seal = (await house.bob.api('GET', `/content/${content}/seal`)).body
    expect(seal).toMatchObject({ state: 'intact', window, changes: [] })
    const id = await plan(content, account, { at: inMs(90 * minute) })
    await shift(91 * minute)
    await work()
    const { state, attempts } = await job(id)
    const pinned = seal.accounts.find((one: { accountId: string }) => one.accountId === account)
    expect([state, attempts.at(-1).sentSha256]).toEqual(['published', pinned.sha256])
    const receipt = (await house.bob.api('GET', `/publish-jobs/${id}/receipt`)).body
    expect(JSON.parse(receipt.sent.payload).window).toEqual(window)
    expect(receipt.seal).toMatchObject({ kept: true, changes: [], window })
    expect(receipt.post).not.toHaveProperty('window')
    // What is approved for another time later does not change what this one went out with.
    await house.cora.api('DELETE', `/content/${content}/approval`)
    expect((await approve(content, { until: inMs(5 * hour) })).status).toBe(201)
    const later = (await house.bob.api('GET', `/publish-jobs/${id}/receipt`)).body
    expect(later.seal).toEqual(receipt.seal)
  })

  test('that is taken back is no broken seal', async () => {
    const content = await approved('Taken back.', nextHour())
    const id = await plan(content, await rehearsal(), { at: inMs(90 * minute) })
    await house.cora.api('DELETE', `/content/${content}/approval`)
    expect((await house.bob.api('GET', `/content/${content}/seal`)).body).toMatchObject({
      state: 'none',
      window: null,
    })
    expect((await house.bob.page('GET', `/w/northwind/publish-jobs/${id}`)).html).not.toContain('id="seal"')
    await cancel(id)
  })

  test.each([
    ['that is over', () => ({ until: inMs(-minute) }), 'that time is over', 'until'],
    ['that ends before it begins', () => ({ from: inMs(hour), until: inMs(hour) }), 'ends before', 'until'],
    ['that is none', () => ({ from: 'tomorrow' }), '', 'from'],
  ])('%s is refused in words', async (_, window, said, path) => {
    const content = await submitted({ text: 'Not like that.' })
    const { status, body } = await approve(content, window())
    expect([status, body.errors[0].path]).toEqual([422, path])
    expect(body.detail).toContain(said)
    expect(await stateOf(content)).toBe('in_review')
  })

  test('is as it was written: another hand in the database breaks the seal', async () => {
    const content = await approved('Not a minute longer.', nextHour())
    const id = await plan(content, await rehearsal(), { at: inMs(90 * minute) })
    await inside(
      ({ sql }) =>
        sql`update approvals set publish_until = null where content_id = ${content} and publish_until is not null`,
    )
    expect((await house.bob.api('GET', `/content/${content}/seal`)).body).toMatchObject({
      state: 'broken',
      changes: ['the time that it may go out in changed'],
    })
    await shift(3 * hour)
    await work()
    expect(await job(id)).toMatchObject({ state: 'held', error: { code: 'seal_broken' } })
    expect(await stateOf(content)).toBe('in_review')
  })
})

describe('planning outside of it is refused in words that say it', () => {
  const refused = {
    status: 422,
    body: { code: 'outside_window', detail: expect.stringContaining('It is approved to go out between') },
  }

  test('a time, now, and another time; the last moment of it is too late', async () => {
    const [account, window] = [await rehearsal(), nextHour()]
    const content = await approved('Only then.', window)
    for (const when of [
      { at: inMs(30 * minute) },
      { at: window.until },
      { at: inMs(3 * hour) },
      { now: true },
    ])
      expect(await ask(content, account, when)).toMatchObject(refused)
    const id = await plan(content, account, { at: window.from })
    for (const when of [{ at: inMs(30 * minute) }, { now: true }])
      expect(await house.bob.api('PATCH', `/publish-jobs/${id}`, when)).toMatchObject(refused)
    const { body } = await house.bob.api('PATCH', `/publish-jobs/${id}`, { at: inMs(3 * hour) })
    expect(body.errors).toEqual([{ path: 'at', message: 'is after the time that it is approved for' }])
    const { state, runAt } = await job(id)
    expect([state, Date.parse(runAt)]).toEqual([
      'scheduled',
      Math.floor(Date.parse(window.from) / 1000) * 1000,
    ])
    await cancel(id)
  })

  test('one more try of what failed', async () => {
    putBack = armLater()
    const content = await approved('Failed in time.', { until: inMs(hour) })
    const id = await plan(content, await rehearsal(), { now: true })
    const { claimed } = await claim(id)
    const why = { code: 'too_long', message: 'Too long.', next: 'Shorten it.' }
    await inside(scope => recordOutcome(scope, claimed, { is: 'rejected', why }))
    await shift(65 * minute)
    const { status, body } = await house.bob.api('POST', `/publish-jobs/${id}/resolution`, { as: 'retry' })
    expect([status, body.code]).toEqual([422, 'outside_window'])
    expect(body.detail).toContain('now is after that time. Ask for approval again.')
    expect((await job(id)).state).toBe('failed')
  })

  test('on the page, with nothing of what was typed lost', async () => {
    const account = await rehearsal()
    const content = await approved('As approved.', nextHour())
    const local = inMs(-0).slice(0, 10)
    const { status, html } = await house.bob.page('POST', `/w/northwind/content/${content}/publish-jobs`, {
      text: 'As approved.',
      accounts: account,
      local: `${Number(local.slice(0, 4)) + 1}-01-01T09:00`,
      zone: 'UTC',
      when: 'at',
      version: '1',
    })
    expect(status).toBe(422)
    expect(html).toContain('is after that time')
    expect(html).toContain(`value="${Number(local.slice(0, 4)) + 1}-01-01T09:00"`)
  })

  test('the next slot is the first in it, or refused where there is none', async () => {
    const account = await rehearsal()
    const soon = new Date(Date.now() + 20 * minute)
    await house.bob.api('POST', '/slots', {
      account,
      weekdays: [soon.getUTCDay() === 0 ? 7 : soon.getUTCDay()],
      local: soon.toISOString().slice(11, 16),
      zone: 'UTC',
    })
    const [early, none] = [
      await approved('Not before tomorrow.', { from: inMs(24 * hour), until: inMs(20 * 24 * hour) }),
      await approved('Between two slots.', { from: inMs(24 * hour), until: inMs(48 * hour) }),
    ]
    const id = await plan(early, account, { slot: 'next' })
    const days = (Date.parse((await job(id)).runAt) - Date.now()) / (24 * hour)
    expect(days).toBeGreaterThan(6)
    expect(days).toBeLessThan(8)
    expect(await ask(none, account, { slot: 'next' })).toMatchObject(refused)
    // Moved to the next slot it goes to one of its time as well.
    const again = await house.bob.api('PATCH', `/publish-jobs/${id}`, { slot: 'next' })
    expect(again.status).toBe(200)
    expect(Date.parse(again.body.runAt)).toBeGreaterThan(Date.now() + 24 * hour)
    await cancel(id)
  })

  test('a rule that begins before it or goes on after it', async () => {
    const account = await rehearsal()
    const content = await approved('A few days.', { from: inMs(24 * hour), until: inMs(96 * hour) })
    const repeat = (rule: string, start: string) =>
      house.bob.api('POST', `/content/${content}/recurrences`, {
        accounts: [account],
        rule,
        start: { local: start.slice(0, 16), zone: 'UTC' },
      })
    const tomorrow = inMs(25 * hour)
    expect(await repeat('FREQ=DAILY;COUNT=3', inMs(2 * hour))).toMatchObject({
      ...refused,
      body: { ...refused.body, errors: [{ path: 'start.local' }] },
    })
    expect(await repeat('FREQ=DAILY', tomorrow)).toMatchObject({
      ...refused,
      body: { ...refused.body, errors: [{ path: 'rule' }] },
    })
    const made = await repeat('FREQ=DAILY;COUNT=3', tomorrow)
    expect(made.status).toBe(201)
    await house.bob.api('DELETE', `/recurrences/${made.body.id}`)
  })

  test('nobody asks where the workspace requires no approval', async () => {
    await requireApproval(false)
    const account = await rehearsal()
    const content = await approved('Free to go.', nextHour())
    const id = await plan(content, account, { now: true })
    await work()
    expect(await job(id)).toMatchObject({ state: 'published' })
    expect((await house.bob.api('GET', `/publish-jobs/${id}/receipt`)).body.seal).toMatchObject({
      kept: true,
    })
  })
})

describe('the worker', () => {
  test.each([
    ['that it would arm as it claims', false],
    ['that it arms later', true],
  ])('does not send a post %s when its time is over', async (_, later) => {
    if (later) putBack = armLater()
    const content = await approved('Too late.', { until: inMs(hour) })
    const id = await plan(content, await rehearsal(), { at: inMs(50 * minute) })
    await shift(65 * minute)
    await work()
    const held = await job(id)
    expect(held).toMatchObject({ state: 'held', heldFor: 'approval', error: { code: 'outside_window' } })
    expect(held.error.message).toMatch(
      /^It was approved to go out before .* \(Europe\/Berlin\); that time is over\.$/,
    )
    expect(held.attempts).toMatchObject([{ outcome: 'unsealed', armedAt: null, sentSha256: null }])
    expect(await stateOf(content)).toBe('in_review')
    const told = (await house.cora.api('GET', '/notifications?open=true&limit=100')).body.items.find(
      (one: { path: string }) => one.path === `/content/${content}`,
    )
    expect(told.about).toContain('since it was approved, its time has come outside')
    expect((await approve(content, { until: inMs(hour) })).status).toBe(201)
    await work()
    expect(await job(id)).toMatchObject({ state: 'published', error: null })
  })

  test('uploads nothing of a post whose time is over', async () => {
    const { token } = mastodon.addAccount('grace')
    const settings = { instance: mastodon.url, token }
    const account = (await house.alice.api('POST', '/accounts', { platform: 'mastodon', settings })).body.id
    const form = new FormData()
    form.append('file', await newPicture())
    form.append('alt', 'A cup')
    const media = [(await house.bob.api('POST', '/media', form)).body.id]
    const content = await submitted({ text: 'Not a byte of it.', media })
    await approve(content, { until: inMs(hour) })
    const id = await plan(content, account, { at: inMs(50 * minute) })
    await shift(65 * minute)
    await work()
    expect(await job(id)).toMatchObject({ state: 'held', error: { code: 'outside_window' } })
    expect(mastodon.requests.filter(({ method }) => method === 'POST')).toEqual([])
    await cancel(id)
  })

  test('a former version that was to go out in another time is sent again as it is now', async () => {
    putBack = armLater()
    await requireApproval(false)
    const { body } = await house.bob.api('POST', '/content', { text: 'First words.' })
    const id = await plan(body.id, await rehearsal(), { now: true })
    const { lease, payload, claimed } = await claim(id)
    await lease.arm({}, payload)
    await house.bob.api('PATCH', `/content/${body.id}`, { text: 'Second words.' })
    await house.bob.api('POST', `/content/${body.id}/submission`)
    await approve(body.id)
    const why = { code: 'outside_window', message: 'No.', next: 'Look.' }
    await inside(scope => recordOutcome(scope, claimed, { is: 'unsealed', why }))
    expect(await job(id)).toMatchObject({ state: 'failed', error: { code: 'outside_window' } })
    expect(await stateOf(body.id)).toBe('approved')
    await house.bob.api('POST', `/publish-jobs/${id}/resolution`, { as: 'retry' })
    await work()
    expect((await house.bob.api('GET', `/publish-jobs/${id}/receipt`)).body.post.text).toBe('Second words.')
  })

  test('asks once more just before it sends, by the database’s clock', async () => {
    putBack = armLater()
    const content = await approved('Over meanwhile.', { until: inMs(hour) })
    const id = await plan(content, await rehearsal(), { at: inMs(30 * minute) })
    // A look at the clock while the job is claimed: what is left of the lease does not matter here.
    await shift(hour - 5_000)
    const { lease, payload } = await claim(id)
    await shift(8_000)
    await expect(lease.arm({}, payload)).rejects.toBeInstanceOf(OutsideWindow)
    expect((await job(id)).attempts.at(-1)).toMatchObject({ armedAt: null, sentSha256: null })
    await requireApproval(false)
    await lease.arm({}, payload)
    expect((await job(id)).attempts.at(-1).sentSha256).toBe(payload.sha256)
  })

  test('arms with the claim what is in its time', async () => {
    const content = await approved('In time.', { until: inMs(hour) })
    const id = await plan(content, await rehearsal(), { now: true })
    expect((await claim(id)).claimed.armedSince).not.toBeNull()
  })

  test('makes no try after it', async () => {
    putBack = armLater()
    const content = await approved('Tried in time.', { until: inMs(hour) })
    const id = await plan(content, await rehearsal(), { now: true })
    const { claimed } = await claim(id)
    const why = { code: 'throttled', message: 'Not now.', next: 'Later.' }
    await inside(scope => recordOutcome(scope, claimed, { is: 'retry', why, afterMs: 55 * minute }))
    expect((await job(id)).state).toBe('scheduled')
    await shift(65 * minute)
    await work()
    expect(await job(id)).toMatchObject({
      state: 'held',
      heldFor: 'approval',
      error: { code: 'outside_window' },
    })
    expect(await stateOf(content)).toBe('in_review')
    await cancel(id)
  })

  test('what may be out already becomes a question, never held', async () => {
    putBack = armLater()
    const content = await approved('Perhaps out.', { until: inMs(hour) })
    const id = await plan(content, await rehearsal(), { now: true })
    const { claimed, lease, payload } = await claim(id)
    await lease.arm({}, payload)
    const why = { code: 'no_answer', message: 'No answer.', next: 'Later.' }
    await inside(scope =>
      recordOutcome(scope, claimed, { is: 'retry', why, afterMs: 55 * minute, perhaps: true }),
    )
    await shift(65 * minute)
    await work()
    const asked = await job(id)
    expect(asked).toMatchObject({ state: 'unconfirmed', heldFor: null, error: { code: 'outside_window' } })
    expect(asked.error.message).toContain('An earlier try may have gone out')
    expect(asked.attempts.at(-1)).toMatchObject({ armedAt: null })
  })

  test('sends nothing before it begins', async () => {
    const content = await approved('Too early.', nextHour())
    const id = await plan(content, await rehearsal(), { at: inMs(90 * minute) })
    await inside(({ sql }) => sql`update publish_jobs set run_at = public.clock() where id = ${id}`)
    await inside(
      ({ sql }) => sql`update tenant_due set next_due_at = public.clock() where role = current_user`,
    )
    await work()
    const held = await job(id)
    expect(held).toMatchObject({ state: 'held', error: { code: 'outside_window' } })
    expect(held.error.message).toContain('has not begun')
    await cancel(id)
  })
})

describe('what is planned already', () => {
  test('and is outside of it waits, told in words, until it is moved into it', async () => {
    const content = await submitted({ text: 'Planned before.' })
    const account = await rehearsal()
    const [early, good] = [
      await plan(content, account, { at: inMs(10 * minute) }),
      await plan(content, account, { at: inMs(90 * minute) }),
    ]
    await approve(content, nextHour())
    expect(await job(good)).toMatchObject({ state: 'scheduled', error: null })
    const held = await job(early)
    expect(held).toMatchObject({ state: 'held', heldFor: 'approval', error: { code: 'outside_window' } })
    expect(held.error.message).toContain('its moment is before that time')
    const told = (await house.bob.api('GET', '/notifications?open=true')).body.items
    expect(told.map((one: { about: string }) => one.about)).toContain(
      '“Planned before.” waits: it is planned for Rehearsal outside of the time that it was approved for.',
    )
    // Nothing lets it go by the way, and it is not told again.
    const heldEvents = async () =>
      (
        (await inside(
          ({ sql }) => sql`select 1 from events where subject_id = ${early} and type = 'publish_job.held'`,
        )) as unknown[]
      ).length
    const before = await heldEvents()
    await house.alice.api('PATCH', '/workspace', { approvalRequired: true, lateMinutes: 121 })
    await house.alice.api('PATCH', '/workspace', { lateMinutes: 120 })
    expect(await heldEvents()).toBe(before)
    await shift(15 * minute)
    await work()
    expect((await job(early)).state).toBe('held')
    const moved = await house.bob.api('PATCH', `/publish-jobs/${early}`, { at: inMs(55 * minute) })
    expect(moved).toMatchObject({ status: 200, body: { state: 'scheduled', heldFor: null, error: null } })
    await shift(60 * minute)
    await work()
    expect((await job(early)).state).toBe('published')
    await cancel(good)
  })

  test('and may be out already is not called held: its next try asks', async () => {
    putBack = armLater()
    const content = await approved('Out, perhaps.')
    const id = await plan(content, await rehearsal(), { now: true })
    const { claimed, lease, payload } = await claim(id)
    await lease.arm({}, payload)
    const why = { code: 'no_answer', message: 'No answer.', next: 'Later.' }
    await inside(scope =>
      recordOutcome(scope, claimed, { is: 'retry', why, afterMs: 30 * minute, perhaps: true }),
    )
    await house.cora.api('DELETE', `/content/${content}/approval`)
    await approve(content, nextHour())
    expect((await job(id)).state).toBe('scheduled')
    await shift(35 * minute)
    await work()
    expect(await job(id)).toMatchObject({ state: 'unconfirmed', error: { code: 'outside_window' } })
  })

  test('goes out as planned once it is approved for any time', async () => {
    const content = await submitted({ text: 'Approved anew.' })
    const id = await plan(content, await rehearsal(), { at: inMs(10 * minute) })
    await approve(content, nextHour())
    expect((await job(id)).state).toBe('held')
    await house.cora.api('DELETE', `/content/${content}/approval`)
    await approve(content)
    expect(await job(id)).toMatchObject({ state: 'scheduled', error: null })
    await cancel(id)
  })

  test('and free to go waits once the workspace requires approval', async () => {
    await requireApproval(false)
    const account = await rehearsal()
    const content = await approved('Free until now.', nextHour())
    const id = await plan(content, account, { at: inMs(10 * minute) })
    expect((await job(id)).state).toBe('scheduled')
    await requireApproval(true)
    expect(await job(id)).toMatchObject({ state: 'held', error: { code: 'outside_window' } })
    // What a switch of ours holds, it lets go.
    await requireApproval(false)
    expect(await job(id)).toMatchObject({ state: 'scheduled', error: null })
    await cancel(id)
  })

  test('for an account that was away is looked at when it is back', async () => {
    const account = await rehearsal()
    const content = await submitted({ text: 'Back again.' })
    const id = await plan(content, account, { at: inMs(10 * minute) })
    await inside(
      ({ sql }) => sql`update publish_jobs set held_for = 'reconnect' where id = ${id} and state = 'held'`,
    )
    await approve(content, nextHour())
    await inside(scope => record(scope, 'account.connected', account, {}))
    expect(await job(id)).toMatchObject({
      state: 'held',
      heldFor: 'approval',
      error: { code: 'outside_window' },
    })
    await cancel(id)
  })

  test('is told of once for all posts of a content', async () => {
    const content = await submitted({ text: 'Three at once.' })
    const account = await rehearsal()
    const ids = [
      await plan(content, account, { at: inMs(10 * minute) }),
      await plan(content, account, { at: inMs(20 * minute) }),
      await plan(content, account, { at: inMs(30 * minute) }),
    ]
    await approve(content, nextHour())
    const told = (await house.bob.api('GET', '/notifications?open=true&limit=100')).body.items.filter(
      (one: { about: string }) => one.about.startsWith('“Three at once.”'),
    )
    expect(told.map((one: { about: string }) => one.about)).toEqual([
      '“Three at once.” waits: it is planned for Rehearsal outside of the time that it was approved for, and 2 more of it.',
    ])
    for (const id of ids) await cancel(id)
  })

  test('of a rule goes on in it, and waits after it', async () => {
    const content = await submitted({ text: 'Each day for a while.' })
    const made = await house.bob.api('POST', `/content/${content}/recurrences`, {
      accounts: [await rehearsal()],
      rule: 'FREQ=DAILY;COUNT=60',
      start: { local: inMs(2 * hour).slice(0, 16), zone: 'UTC' },
    })
    await approve(content, { until: inMs(49 * hour) })
    const states = async () =>
      (
        (await inside(
          ({ sql }) =>
            sql`select state, error->>'code' as code from publish_jobs where recurrence_id = ${made.body.id} order by occurrence`,
        )) as { state: string; code: string | null }[]
      ).map(({ state, code }) => code ?? state)
    expect((await states()).slice(0, 3)).toEqual(['scheduled', 'scheduled', 'outside_window'])
    const before = (await states()).length
    await shift(24 * hour)
    await inside(scope => planAhead(scope, made.body.id))
    const after = await states()
    expect(after.length).toBe(before + 1)
    expect(after.at(-1)).toBe('outside_window')
    await house.bob.api('DELETE', `/recurrences/${made.body.id}`)
  })
})

describe('on the pages', () => {
  /** In Berlin, to the minute. */
  const wall = (ms: number) =>
    new Date(Date.now() + ms)
      .toLocaleString('sv', { timeZone: 'Europe/Berlin' })
      .slice(0, 16)
      .replace(' ', 'T')

  test('a reviewer says when; it is told wherever the approval is', async () => {
    const content = await submitted({ text: 'By a form.' })
    const id = await plan(content, await rehearsal(), { at: inMs(36 * hour) })
    const [from, until] = [wall(24 * hour), wall(48 * hour)]
    const { html } = await house.cora.page('GET', '/w/northwind/review')
    expect(html).toContain('Only within a time window')
    const answer = { version: '1', _at: 'review', from, until }
    expect((await house.cora.page('POST', `/w/northwind/content/${content}/approval`, answer)).status).toBe(
      303,
    )
    const { window } = (await house.bob.api('GET', `/content/${content}/seal`)).body
    expect([window.from, window.until].map(at => wall(Date.parse(at) - Date.now()))).toEqual([from, until])
    for (const path of [`content/${content}`, `content/${content}/versions`, `publish-jobs/${id}`])
      expect((await house.cora.page('GET', `/w/northwind/${path}`)).html).toContain(
        `datetime="${window.until}"`,
      )
    await cancel(id)
  })

  test.each(['review', 'piece'])('a window that is refused comes back as it was typed (%s)', async _at => {
    const content = await submitted({ text: `Refused at ${_at}.` })
    const [from, until] = [wall(48 * hour), wall(24 * hour)]
    const { status, html } = await house.cora.page('POST', `/w/northwind/content/${content}/approval`, {
      version: '1',
      _at,
      from,
      until,
    })
    expect(status).toBe(422)
    for (const words of [`value="${from}"`, `value="${until}"`, 'Must be later than the beginning.'])
      expect(html).toContain(words)
    expect(await stateOf(content)).toBe('in_review')
    const spring = { version: '1', _at, from: '2050-03-27T02:30' }
    expect(
      (await house.cora.page('POST', `/w/northwind/content/${content}/approval`, spring)).html,
    ).toContain('does not exist in Europe/Berlin')
  })

  test('an hour that happens twice is meant as a whole', async () => {
    const content = await submitted({ text: 'The long night.' })
    const night = { version: '1', from: '2050-10-30T02:15', until: '2050-10-30T02:15' }
    await house.cora.page('POST', `/w/northwind/content/${content}/approval`, night)
    expect((await house.bob.api('GET', `/content/${content}/seal`)).body.window).toEqual({
      from: '2050-10-30T00:15:00.000Z',
      until: '2050-10-30T01:15:00.000Z',
    })
  })

  test('approved without one it may go out at any time', async () => {
    const content = await submitted({ text: 'At any time.' })
    const answer = { version: '1', from: '', until: '' }
    expect((await house.cora.page('POST', `/w/northwind/content/${content}/approval`, answer)).status).toBe(
      303,
    )
    expect((await house.bob.api('GET', `/content/${content}/seal`)).body).toMatchObject({
      state: 'intact',
      window: null,
    })
  })

  test('a receipt says the time that it was approved for', async () => {
    const account = await rehearsal()
    const content = await approved('With a receipt.', { until: inMs(hour) })
    const id = await plan(content, account, { now: true })
    await work()
    const { html } = await house.bob.page('GET', `/w/northwind/publish-jobs/${id}/receipt`)
    expect(html).toContain('Approved for')
    expect(html).toContain('It went out exactly as it was approved')
  })
})

describe('the forecast', () => {
  test('warns of a moment outside of it: red when it is near, amber before', async () => {
    const content = await submitted({ text: 'Foreseen.' })
    const account = await rehearsal()
    const [near, far, good] = [
      await plan(content, account, { at: inMs(5 * hour) }),
      await plan(content, account, { at: inMs(72 * hour) }),
      await plan(content, account, { at: inMs(30 * hour) }),
    ]
    await approve(content, { from: inMs(24 * hour), until: inMs(48 * hour) })
    const look = async () => {
      const { body } = await house.alice.api('POST', '/forecasts')
      return (id: string) => {
        const found = body.jobs.find((one: { jobId: string }) => one.jobId === id)
        const finding = found.findings.find((one: { code: string }) => one.code === 'outside_window')
        return finding ? `${finding.level}: ${finding.reason}` : 'nothing'
      }
    }
    const told = await look()
    expect(told(near)).toMatch(
      /^red: It is approved to go out between .*, and its moment is before that time\.$/,
    )
    expect(told(far)).toMatch(/^amber: .* is after that time\.$/)
    expect(told(good)).toBe('nothing')
    await requireApproval(false)
    expect((await look())(near)).toBe('nothing')
    for (const id of [near, far, good]) await cancel(id)
  })
})
