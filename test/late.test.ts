import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { restoredName } from '../src/backup/restore.ts'
import { holdAfterRestore } from '../src/jobs/after-restore.ts'
import { claimJobs } from '../src/jobs/claim.ts'
import { recordOutcome } from '../src/jobs/record.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { armLater } from './waiting.ts'

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
afterEach(() => house.shiftClock(0))

const minute = 60_000
const rehearsal = async (person: Person = house.alice) =>
  (await person.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id as string
const job = async (id: string) => (await house.alice.api('GET', `/publish-jobs/${id}`)).body
/** A post planned for a minute from now. */
async function plan(text: string, account: string, more: object = {}): Promise<string> {
  const { body } = await house.alice.api('POST', '/content', { text })
  const made = await house.alice.api('POST', `/content/${body.id}/publish-jobs`, {
    accounts: [account],
    at: new Date(Date.now() + minute).toISOString(),
    ...more,
  })
  expect(made.status).toBe(201)
  return made.body.items[0].id
}
/** Nothing was sent for so long after the moment of what was planned. */
async function outage(minutes: number): Promise<void> {
  await house.shiftClock((minutes + 1) * minute)
  await worker.idle()
}

describe('a post that is late', () => {
  test('goes out while it is less late than the workspace allows', async () => {
    const id = await plan('Two hours are allowed', await rehearsal())
    await outage(118)
    expect((await job(id)).state).toBe('published')
  })

  test('asks once it is later, with event and notification; sent on a person’s word', async () => {
    const id = await plan('Three hours are too much', await rehearsal())
    await outage(180)
    const held = await job(id)
    expect([held.state, held.heldFor, held.error.code, held.attempts]).toEqual(['held', 'late', 'late', []])
    expect(held.error.message).toBe(
      'It did not go out in time, and more than 2 h late it is not sent without being asked about.',
    )
    const told = (await house.bob.api('GET', '/notifications')).body.items
    expect(told.find((one: { subjectId: string }) => one.subjectId === id).about).toContain(
      'its moment passed. It waits for your word.',
    )
    const today = (await house.bob.page('GET', '/w/northwind')).html
    expect(today).toContain('Three hours are too much')
    expect(today).toContain('Not sent: its moment passed 3 h ago')
    const { html } = await house.bob.page('GET', `/w/northwind/publish-jobs/${id}`)
    expect(html).toMatch(/href="\/help\/rehearsal#late"[\s\S]*?What that means/)
    await house.bob.api('POST', `/publish-jobs/${id}/resolution`, { as: 'retry' })
    await worker.idle()
    expect((await job(id)).state).toBe('published')
  })

  test('has its own limit where one was given, at both doors', async () => {
    const account = await rehearsal()
    const patient = await plan('May be a day late', account, { lateMinutes: 1440 })
    const strict = await plan('Ten minutes at most', await rehearsal(), { lateMinutes: 10 })
    const moved = await plan('Told on its page', await rehearsal())
    const { local, zone } = await job(moved)
    const form = { local, zone, lateMinutes: '15' }
    expect((await house.bob.page('POST', `/w/northwind/publish-jobs/${moved}/time`, form)).status).toBe(303)
    expect((await job(moved)).lateMinutes).toBe(15)
    await outage(20)
    expect([(await job(patient)).state, (await job(strict)).state, (await job(moved)).state]).toEqual([
      'published',
      'held',
      'held',
    ])
    const page = (await house.bob.page('GET', `/w/northwind/publish-jobs/${strict}`)).html
    expect(page).toContain('asks when more than 10 min late')
  })

  test('the workspace’s limit is a setting of owners and admins, in words at both doors', async () => {
    const { body } = await house.alice.api('GET', '/workspace')
    expect(body.lateMinutes).toBe(120)
    expect((await house.bob.api('PATCH', '/workspace', { lateMinutes: 5 })).status).toBe(403)
    expect((await house.alice.api('PATCH', '/workspace', { lateMinutes: 0 })).body.errors[0].message).toBe(
      'must be at least 1 minute',
    )
    const { name, zone } = body
    await house.alice.page('POST', '/w/northwind/settings/workspace', { name, zone, lateMinutes: '15' })
    const id = await plan('A stricter house', await rehearsal())
    await outage(16)
    expect((await job(id)).heldFor).toBe('late')
    await house.alice.api('PATCH', '/workspace', { lateMinutes: 120 })
  })

  test('that has begun in time goes on with its tries; one that an outage kept back asks', async () => {
    const account = await rehearsal()
    const id = await plan('Refused for a while', account, { lateMinutes: 1 })
    const later = await plan('Kept back for longer', await rehearsal(), { lateMinutes: 1 })
    const system = { tenantId: house.alice.tenant.id, userId: null, role: 'system' } as const
    const why = { code: 'throttled', message: 'It asks us to wait.', next: 'Nothing to do.' }
    await house.shiftClock(minute + 1000)
    await house.services.db.within(system, async scope => {
      const { jobs } = await claimJobs(scope, 'test', 5)
      for (const [one, afterMs] of [
        [id, 30 * minute],
        [later, 29 * minute],
      ] as const) {
        const claimed = jobs.find(({ id: found }) => found === one)
        if (!claimed) throw new Error('It was not claimed')
        await recordOutcome(scope, claimed, { is: 'retry', why, afterMs })
      }
    })
    expect((await job(id)).state).toBe('scheduled')
    // Half a minute after the one's next try, and a minute and a half after the other's: half an hour late are both.
    await house.shiftClock(31.5 * minute + 1000)
    await worker.idle()
    expect([(await job(id)).state, (await job(later)).heldFor]).toEqual(['published', 'late'])
    expect((await job(later)).error.message).toStartWith('It asks us to wait. It did not go out in time')
  })

  test('goes out when it is approved, and asks when no approval is needed any more', async () => {
    await house.alice.api('PATCH', '/workspace', { approvalRequired: true })
    const approved = await plan('Approved a day late', await rehearsal())
    const spared = await plan('Looked at by nobody', await rehearsal())
    await outage(1440)
    expect([(await job(approved)).heldFor, (await job(spared)).heldFor]).toEqual(['approval', 'approval'])
    const content = (await job(approved)).contentId
    await house.alice.api('POST', `/content/${content}/submission`)
    await house.cora.api('POST', `/content/${content}/approval`, {})
    await worker.idle()
    expect((await job(approved)).state).toBe('published')
    await house.alice.api('PATCH', '/workspace', { approvalRequired: false })
    await worker.idle()
    expect([(await job(spared)).state, (await job(spared)).heldFor]).toEqual(['held', 'late'])
  })

  test('is not sent late by a worker that comes after one that broke off', async () => {
    const id = await plan('Broken off before it was sent', await rehearsal())
    const system = { tenantId: house.alice.tenant.id, userId: null, role: 'system' } as const
    await house.shiftClock(2 * minute)
    await house.services.db.within(system, async scope => {
      expect((await claimJobs(scope, 'gone', 5)).jobs.map(one => one.id)).toContain(id)
    })
    await outage(180)
    const held = await job(id)
    expect([held.heldFor, held.attempts[0].outcome]).toEqual(['late', 'lost'])
  })
})

describe('after a restore', () => {
  test('what waited for a brake, an approval or a connection asks: it may have gone out since the backup', async () => {
    const { alice, services } = house
    const account = await rehearsal()
    await alice.api('POST', '/brakes', {
      scope: 'account',
      value: account,
      reason: 'Until later.',
      until: new Date(Date.now() + 2 * minute).toISOString(),
    })
    const past = await plan('Braked when the backup was made', account)
    const { body } = await alice.api('POST', '/content', { text: 'Not due yet' })
    const planned = await alice.api('POST', `/content/${body.id}/publish-jobs`, {
      accounts: [account],
      at: new Date(Date.now() + 60 * minute).toISOString(),
    })
    const future = planned.body.items[0].id as string
    expect((await job(past)).heldFor).toBe('brake')
    await house.shiftClock(3 * minute)
    await Bun.write(join(services.config.dataDir, restoredName), '{}')
    // Several processes start at once, and the first that is through takes the mark away.
    await Promise.all([1, 2, 3].map(() => holdAfterRestore(services)))
    await worker.idle()
    expect(await job(past)).toMatchObject({ state: 'held', heldFor: 'late', attempts: [] })
    await house.shiftClock(4 * minute)
    await worker.idle()
    expect((await job(past)).heldFor).toBe('late')
    expect((await job(future)).state).toBe('scheduled')
    // On a person's word it goes.
    await alice.api('POST', `/publish-jobs/${past}/resolution`, { as: 'retry' })
    await worker.idle()
    expect((await job(past)).state).toBe('published')
    await alice.api('DELETE', `/publish-jobs/${future}`)
  })
})

describe('after an outage', () => {
  test('the posts of one account go out one after another, the oldest first', async () => {
    const account = await rehearsal()
    const other = await rehearsal()
    const ids: string[] = []
    for (let n = 0; n < 9; n++) ids.push(await plan(`Backlog ${n}`, account))
    const alone = await plan('Another account waits for none', other)
    await outage(30)
    const states = async () => Promise.all(ids.map(async id => (await job(id)).state))
    const out = async () => (await states()).filter(state => state === 'published').length
    expect([await out(), (await job(alone)).state]).toEqual([1, 'published'])
    const turns = await Promise.all(ids.map(async id => (await job(id)).nextTryAt as string | null))
    expect(turns.filter(Boolean)).toHaveLength(8)
    const page = await house.bob.page('GET', `/w/northwind/publish-jobs/${ids[8]}`)
    expect(page.html).toContain('they go out one after another')
    // Everything of the first minute, and no more.
    await house.shiftClock(31 * minute + 50_000)
    await worker.idle()
    expect(await out()).toBeLessThanOrEqual(4)
    expect((await states())[0]).toBe('published')
    for (let seconds = 60; seconds <= 180; seconds += 15) {
      await house.shiftClock(31 * minute + seconds * 1000)
      await worker.idle()
    }
    expect(await out()).toBe(9)
    const times = await Promise.all(ids.map(async id => (await job(id)).publishedAt as string))
    expect(times).toEqual([...times].sort())
  })

  test('a post that comes meanwhile is on time', async () => {
    const account = await rehearsal()
    for (let n = 0; n < 4; n++) await plan(`Waiting ${n}`, account)
    await outage(30)
    const { body } = await house.alice.api('POST', '/content', { text: 'Right now' })
    const made = await house.alice.api('POST', `/content/${body.id}/publish-jobs`, {
      accounts: [account],
      now: true,
    })
    await worker.idle()
    expect((await job(made.body.items[0].id)).state).toBe('published')
  })

  test('what is overdue is shown: on its card, in the calendar, in lists, on Today and in the metrics', async () => {
    const account = await rehearsal()
    const id = await plan('Overdue by now', account)
    await house.shiftClock(13 * minute)
    const of = `account=${account}`
    const paths = ['', `/calendar?${of}`, `/calendar?view=list&${of}`, '/publish-jobs', `/publish-jobs/${id}`]
    for (const path of paths) {
      const { html } = await house.bob.page('GET', `/w/northwind${path}`)
      expect({ path, told: html.includes('late by 12 min') }).toEqual({ path, told: true })
    }
    const today = (await house.bob.page('GET', '/w/northwind')).html
    expect(today).toMatch(/\d posts are late|One post is late/)
    let metrics = ''
    for (let tries = 0; tries < 100 && !metrics.includes('masthead_publish_jobs_overdue'); tries++) {
      metrics = (await house.anyone('GET', '/metrics')).html
      await Bun.sleep(20)
    }
    expect(Number(/^masthead_publish_jobs_overdue (\d+)/m.exec(metrics)?.[1])).toBeGreaterThan(0)
    expect(Number(/^masthead_publish_overdue_seconds ([\d.]+)/m.exec(metrics)?.[1])).toBeGreaterThan(700)
  })
})
