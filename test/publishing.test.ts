import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { type House, openHouse, type Person } from './cast.ts'

let house: House
let worker: Worker
beforeAll(async () => {
  house = await openHouse()
  worker = createWorker(house.services)
})
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
})

const feedOf = async (person: Person) =>
  (await person.api('GET', '/accounts')).body.items.find((a: { platform: string }) => a.platform === 'feed')
    .id as string
const rehearsal = async (person: Person, settings: object = {}) => {
  const made = await person.api('POST', '/accounts', { platform: 'rehearsal', settings })
  expect(made.status).toBe(201)
  return made.body.id as string
}
const write = async (person: Person, text: string) => {
  const made = await person.api('POST', '/content', { text })
  expect(made.status).toBe(201)
  return made.body.id as string
}
const schedule = (person: Person, contentId: string, accounts: string[], when: object = { now: true }) =>
  person.api('POST', `/content/${contentId}/publish-jobs`, { accounts, ...when })
const job = async (person: Person, id: string) => (await person.api('GET', `/publish-jobs/${id}`)).body
const inSeconds = (seconds: number) => ({ at: new Date(Date.now() + seconds * 1000).toISOString() })

describe('publishing', () => {
  test('what is due goes out once, to each account, with id and address', async () => {
    const accounts = [await feedOf(house.alice), await rehearsal(house.alice)]
    const content = await write(house.bob, 'The autumn roast is back.')
    const made = await schedule(house.bob, content, accounts)
    expect(made.status).toBe(201)
    expect(made.body.items).toHaveLength(2)
    await worker.idle()
    for (const { id } of made.body.items) {
      const done = await job(house.bob, id)
      expect(done.state).toBe('published')
      expect(done.remoteId).toBeTruthy()
      expect(done.remoteUrl).toStartWith('http')
      expect(done.attempts).toHaveLength(1)
      expect(done.attempts[0].outcome).toBe('published')
    }
  })

  test('nothing goes out early, and it goes out when its time has come', async () => {
    const content = await write(house.alice, 'Later today.')
    const made = await schedule(house.alice, content, [await feedOf(house.alice)], inSeconds(3600))
    await worker.idle()
    expect((await job(house.alice, made.body.items[0].id)).state).toBe('scheduled')
    await house.shiftClock(3_601_000)
    await worker.idle()
    expect((await job(house.alice, made.body.items[0].id)).state).toBe('published')
    await house.shiftClock(0)
  })

  test('a worker that has come to rest looks again only when it is told to', async () => {
    const account = await rehearsal(house.alice)
    await schedule(house.alice, await write(house.alice, 'Just now'), [account])
    const made = await schedule(
      house.alice,
      await write(house.alice, 'In a while'),
      [account],
      inSeconds(300),
    )
    const id = made.body.items[0].id
    await worker.idle()
    await house.shiftClock(600_000)
    // Longer than the look that follows what has ended is put off.
    await Bun.sleep(100)
    expect((await job(house.alice, id)).state).toBe('scheduled')
    await worker.idle()
    expect((await job(house.alice, id)).state).toBe('published')
    await house.shiftClock(0)
  })

  test('an answer that is lost is looked up, not sent again', async () => {
    const account = await rehearsal(house.alice, { answer: 'lost' })
    const made = await schedule(house.alice, await write(house.alice, 'Lost answer.'), [account])
    await worker.idle()
    const done = await job(house.alice, made.body.items[0].id)
    expect(done.state).toBe('published')
    const rows = await house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      s => s.sql`select id from rehearsal_posts where account_id = ${account}`,
    )
    expect(rows).toHaveLength(1)
  })

  test('a refusal fails in words; a throttle waits and goes on', async () => {
    const refused = await schedule(house.alice, await write(house.alice, 'No.'), [
      await rehearsal(house.alice, { answer: 'rejected' }),
    ])
    const slowed = await schedule(house.alice, await write(house.alice, 'Slow.'), [
      await rehearsal(house.alice, { answer: 'throttled' }),
    ])
    await worker.idle()
    const failed = await job(house.alice, refused.body.items[0].id)
    expect(failed.state).toBe('failed')
    expect(failed.error.next).toContain('settings')
    const waits = await job(house.alice, slowed.body.items[0].id)
    expect(waits.state).toBe('scheduled')
    expect(new Date(waits.nextTryAt).getTime()).toBeGreaterThan(Date.now() + 20_000)
    await house.shiftClock(40_000)
    await worker.idle()
    expect((await job(house.alice, slowed.body.items[0].id)).state).toBe('published')
    await house.shiftClock(0)
  })

  test('a cancelled post never goes out; a sent one cannot be cancelled', async () => {
    const made = await schedule(
      house.alice,
      await write(house.alice, 'Cancel me.'),
      [await feedOf(house.alice)],
      inSeconds(60),
    )
    const id = made.body.items[0].id
    expect((await house.alice.api('DELETE', `/publish-jobs/${id}`)).body.state).toBe('cancelled')
    await house.shiftClock(120_000)
    await worker.idle()
    expect((await job(house.alice, id)).state).toBe('cancelled')
    await house.shiftClock(0)
    const now = await schedule(house.alice, await write(house.alice, 'Gone.'), [await feedOf(house.alice)])
    await worker.idle()
    expect((await house.alice.api('DELETE', `/publish-jobs/${now.body.items[0].id}`)).status).toBe(409)
  })

  test('an edit before the moment sends the new words, and only them', async () => {
    const account = await rehearsal(house.alice)
    const content = await write(house.alice, 'First words.')
    await schedule(house.alice, content, [account], inSeconds(60))
    expect((await house.alice.api('PATCH', `/content/${content}`, { text: 'Second words.' })).status).toBe(
      200,
    )
    await house.shiftClock(61_000)
    await worker.idle()
    await house.shiftClock(0)
    const rows = await house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      s => s.sql`select text from rehearsal_posts where account_id = ${account}`,
    )
    expect(rows.map(row => row.text)).toEqual(['Second words.'])
  })

  test('the same wish twice is refused, so a double click posts once', async () => {
    const content = await write(house.alice, 'Twice?')
    const feed = await feedOf(house.alice)
    const both = await Promise.all([
      schedule(house.alice, content, [feed]),
      schedule(house.alice, content, [feed]),
    ])
    expect(both.map(answer => answer.status).sort()).toEqual([201, 409])
  })
})

describe('metrics', () => {
  test('count what went out, and name nobody', async () => {
    const { html, status } = await house.anyone('GET', '/metrics')
    expect(status).toBe(200)
    expect(html).toMatch(/masthead_publish_attempts_total\{platform="feed",outcome="published"\} [1-9]/)
    expect(html).toMatch(/masthead_publish_lateness_seconds_count [1-9]/)
    expect(html).toMatch(/masthead_requests_total\{door="api",status="201"\} [1-9]/)
    expect(html).not.toContain('northwind')
  })
})

describe('times', () => {
  const at = (local: string, zone: string, fold?: string) => ({
    at: { local, zone, ...(fold ? { fold } : {}) },
  })
  test('past, skipped, doubled and unknown are each said in words', async () => {
    const content = await write(house.alice, 'When?')
    const feed = await feedOf(house.alice)
    const code = async (when: object) => (await schedule(house.alice, content, [feed], when)).body.code
    expect(await code(at('2020-01-01T09:00', 'Europe/Berlin'))).toBe('time_in_past')
    const skipped = await schedule(house.alice, content, [feed], at('2027-03-28T02:30', 'Europe/Berlin'))
    expect(skipped.body.code).toBe('time_does_not_exist')
    expect(skipped.body.detail).toContain('2027-03-28 03:30')
    expect(await code(at('2027-10-31T02:30', 'Europe/Berlin'))).toBe('time_happens_twice')
    expect(await code(at('2027-10-31T02:30', 'Mars/Olympus'))).toBe('unknown_zone')
    const second = await schedule(
      house.alice,
      content,
      [feed],
      at('2027-10-31T02:30', 'Europe/Berlin', 'second'),
    )
    expect(second.body.items[0].runAt).toBe('2027-10-31T02:30:00+01:00')
  })
})

describe('approval', () => {
  test('where approval is required, only approved words go out', async () => {
    expect((await house.dan.api('PATCH', '/workspace', { approvalRequired: true })).body).toMatchObject({
      approvalRequired: true,
    })
    const content = await write(house.dan, 'Needs a yes.')
    const made = await schedule(house.dan, content, [await feedOf(house.dan)], inSeconds(30))
    expect(made.body.items[0].state).toBe('held')
    await house.shiftClock(31_000)
    await worker.idle()
    expect((await job(house.dan, made.body.items[0].id)).state).toBe('held')
    expect((await house.dan.api('POST', `/content/${content}/submission`)).status).toBeLessThan(300)
    expect((await house.dan.api('POST', `/content/${content}/approval`)).status).toBeLessThan(300)
    await worker.idle()
    expect((await job(house.dan, made.body.items[0].id)).state).toBe('published')
    await house.shiftClock(0)
  })
})

describe('walls', () => {
  test('another workspace sees and moves nothing', async () => {
    const made = await schedule(
      house.alice,
      await write(house.alice, 'Ours.'),
      [await feedOf(house.alice)],
      inSeconds(600),
    )
    const id = made.body.items[0].id
    for (const [method, path, body] of [
      ['GET', `/publish-jobs/${id}`],
      ['PATCH', `/publish-jobs/${id}`, { now: true }],
      ['DELETE', `/publish-jobs/${id}`],
      ['POST', `/publish-jobs/${id}/resolution`, { as: 'retry' }],
      [
        'POST',
        `/content/${made.body.items[0].contentId}/publish-jobs`,
        { accounts: [await feedOf(house.dan)], now: true },
      ],
    ] as const)
      expect((await house.dan.api(method, path, body)).status).toBe(404)
    expect(
      (await schedule(house.dan, await write(house.dan, 'Mine.'), [await feedOf(house.alice)])).status,
    ).toBe(422)
    expect((await job(house.alice, id)).state).toBe('scheduled')
  })

  test('authors and reviewers do not schedule', async () => {
    const content = await write(house.ann, 'Please.')
    for (const person of [house.ann, house.cora])
      expect((await schedule(person, content, [await feedOf(house.alice)])).status).toBe(403)
  })
})
