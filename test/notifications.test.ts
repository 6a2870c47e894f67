import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { claimJobs } from '../src/jobs/claim.ts'
import { recordOutcome } from '../src/jobs/record.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { type Mastodon, startMastodon } from './peers/index.ts'

let house: House
let worker: Worker
let network: Mastodon
beforeAll(async () => {
  network = await startMastodon()
  house = await openHouse({ OUTBOUND_ALLOW: network.host })
  worker = createWorker(house.services)
})
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
  await network.stop()
})
beforeEach(async () => {
  for (const person of [house.alice, house.bob, house.cora, house.ann])
    await person.api('POST', '/notifications/done')
})

/** The kinds that wait for a person, and what they are about. */
async function open(person: Person): Promise<{ id: string; kind: string; about: string; path: string }[]> {
  const { status, body } = await person.api('GET', '/notifications?open=true')
  expect(status).toBe(200)
  return body.items
}
const kinds = async (person: Person) => (await open(person)).map(({ kind }) => kind)
const write = async (person: Person, text: string) =>
  (await person.api('POST', '/content', { text })).body.id as string
const rehearsal = async (answer = 'ok') =>
  (await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: { answer } })).body
    .id as string
async function publish(person: Person, text: string, account: string) {
  const content = await write(person, text)
  const made = await person.api('POST', `/content/${content}/publish-jobs`, {
    accounts: [account],
    now: true,
  })
  expect(made.status).toBe(201)
  return made.body.items[0].id as string
}
async function unconfirmed(text: string) {
  const id = await publish(house.bob, text, await rehearsal())
  const actor = { tenantId: house.bob.tenant.id, userId: null, role: 'system' } as const
  await house.services.db.within(actor, async scope => {
    const {
      jobs: [job],
    } = await claimJobs(scope, 'test', 1)
    if (job)
      await recordOutcome(scope, job, {
        is: 'unconfirmed',
        why: { code: 'no_answer', message: 'No answer.', next: 'Have a look.' },
      })
  })
  return id
}

/** The page of a job, at its last attempt; the page has that anchor. */
async function atLastAttempt(id: string): Promise<string> {
  const { attempts } = (await house.bob.api('GET', `/publish-jobs/${id}`)).body
  const anchor = `attempt-${attempts.at(-1).id}`
  expect((await house.bob.page('GET', `/w/northwind/publish-jobs/${id}`)).html).toContain(`id="${anchor}"`)
  return `/publish-jobs/${id}#${anchor}`
}

describe('posts', () => {
  test('one that failed is told to those who may schedule, until it is sent again or put away', async () => {
    const id = await publish(house.bob, 'Will be refused', await rehearsal('rejected'))
    await worker.idle()
    for (const person of [house.alice, house.bob])
      expect(await open(person)).toMatchObject([
        {
          kind: 'failed',
          about: '“Will be refused” did not go out to Rehearsal.',
          path: await atLastAttempt(id),
        },
      ])
    expect(await kinds(house.ann)).toEqual([])
    expect(await kinds(house.cora)).toEqual([])
    expect(await kinds(house.dan)).toEqual([])
    // Putting it away is one's own affair.
    await house.alice.page('POST', `/w/northwind/notifications/${(await open(house.alice))[0]?.id}/done`, {})
    expect(await kinds(house.alice)).toEqual([])
    expect(await kinds(house.bob)).toEqual(['failed'])
    await house.bob.api('POST', `/publish-jobs/${id}/resolution`, { as: 'retry' })
    expect(await kinds(house.bob)).toEqual([])
    // It fails again, and is told again.
    await worker.idle()
    expect(await kinds(house.bob)).toEqual(['failed'])
    expect(await kinds(house.alice)).toEqual(['failed'])
    expect((await open(house.bob))[0]?.path).toBe(await atLastAttempt(id))
  })

  test('one that may have gone out is asked about, and every answer closes the question for all', async () => {
    const there = await unconfirmed('Is it there?')
    expect(await kinds(house.alice)).toEqual(['unconfirmed'])
    expect(await kinds(house.bob)).toEqual(['unconfirmed'])
    await house.bob.api('POST', `/publish-jobs/${there}/resolution`, { as: 'published' })
    expect(await kinds(house.alice)).toEqual([])
    const given = await unconfirmed('Given up')
    await house.alice.api('POST', `/publish-jobs/${given}/resolution`, { as: 'abandon' })
    // Who was asked knows; it is not told once more as a failure.
    expect(await kinds(house.bob)).toEqual([])
    expect(await kinds(house.alice)).toEqual([])
  })
})

test('an account that needs its owner is told to those who manage accounts, until it works', async () => {
  const { token } = network.addAccount('northwind')
  const settings = { instance: network.url, token }
  const made = await house.alice.api('POST', '/accounts', { platform: 'mastodon', settings })
  expect(made.status).toBe(201)
  network.revoke(token)
  await house.alice.api('POST', `/accounts/${made.body.id}/check`)
  expect(await kinds(house.alice)).toEqual(['reconnect'])
  expect(await kinds(house.bob)).toEqual([])
  const today = await house.alice.page('GET', '/w/northwind')
  expect(today.html).toContain('Reconnect Mastodon')
  expect((await house.bob.page('GET', '/w/northwind')).html).not.toContain('Reconnect Mastodon')
  await house.alice.api('DELETE', `/accounts/${made.body.id}`)
  expect(await kinds(house.alice)).toEqual([])
})

describe('reviews', () => {
  test('asked of those who may approve, except who asks; closed by the answer; changes lead back to the writer', async () => {
    const id = await write(house.ann, 'Please look at this')
    await house.ann.api('POST', `/content/${id}/submission`)
    for (const person of [house.alice, house.bob, house.cora]) expect(await kinds(person)).toEqual(['review'])
    expect(await kinds(house.ann)).toEqual([])
    expect((await house.cora.page('GET', '/w/northwind')).html).toContain('Ann asks you to look at it')
    await house.cora.api('POST', `/content/${id}/change-request`, { note: 'Shorter, please' })
    for (const person of [house.alice, house.bob, house.cora]) expect(await kinds(person)).toEqual([])
    expect(await open(house.ann)).toMatchObject([
      { kind: 'changes', about: 'Cora asks for changes: “Please look at this”' },
    ])
    expect((await house.ann.page('GET', '/w/northwind')).html).toContain('Shorter, please')
    await house.ann.api('POST', `/content/${id}/submission`)
    expect(await kinds(house.ann)).toEqual([])
    await house.bob.api('POST', `/content/${id}/approval`)
    for (const person of [house.alice, house.bob, house.cora]) expect(await kinds(person)).toEqual([])
  })

  test('an editor who submits is not asked, and archiving takes the question back', async () => {
    const id = await write(house.bob, 'Never mind')
    await house.bob.api('POST', `/content/${id}/submission`)
    expect(await kinds(house.bob)).toEqual([])
    expect(await kinds(house.alice)).toEqual(['review'])
    expect((await house.alice.page('GET', '/w/northwind')).html).toContain('Your approval')
    expect((await house.bob.page('GET', '/w/northwind')).html).not.toContain('Your approval')
    await house.bob.api('DELETE', `/content/${id}`)
    expect(await kinds(house.alice)).toEqual([])
  })
})

test('comments reach the writer and who spoke before, never the speaker', async () => {
  const id = await write(house.ann, 'Talk about this')
  const say = (person: Person, text: string) => person.api('POST', `/content/${id}/comments`, { text })
  expect((await say(house.cora, 'Nice')).status).toBe(201)
  expect(await open(house.ann)).toMatchObject([{ kind: 'comment', about: 'Cora: “Nice”' }])
  expect(await kinds(house.cora)).toEqual([])
  await say(house.bob, 'Second thoughts')
  // One line a piece, renewed.
  expect(await open(house.ann)).toMatchObject([{ about: 'Bob: “Second thoughts”' }])
  expect(await kinds(house.cora)).toEqual(['comment'])
  await say(house.ann, 'Thank you both')
  expect(await kinds(house.ann)).toEqual([])
  expect(await kinds(house.bob)).toEqual(['comment'])
  expect(await kinds(house.alice)).toEqual([])
})

describe('the list', () => {
  test('what waits comes first, pages lead on without losing any, and all of it is put away at once', async () => {
    const account = await rehearsal('rejected')
    for (let n = 0; n < 4; n += 1) {
      await publish(house.bob, `Refused ${n}`, account)
      await worker.idle()
    }
    const first = (await open(house.bob))[3]
    await house.bob.api('POST', `/notifications/${first?.id}/done`)
    const seen: { id: string; doneAt: string | null }[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const { body } = await house.bob.api('GET', `/notifications?limit=2${cursor && `&cursor=${cursor}`}`)
      seen.push(...body.items)
      cursor = body.next
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
    expect(seen.slice(0, 3).every(({ doneAt }) => doneAt === null)).toBe(true)
    expect(seen.slice(3).every(({ doneAt }) => doneAt !== null)).toBe(true)
    const page = await house.bob.page('GET', '/w/northwind/notifications')
    expect(page.html).toContain('3 wait for you')
    expect(page.html).toContain('Put all away')
    expect((await house.bob.page('POST', '/w/northwind/notifications/done', {})).status).toBe(303)
    expect(await kinds(house.bob)).toEqual([])
    expect((await house.bob.api('GET', '/notifications?cursor=nonsense')).status).toBe(400)
    expect((await house.bob.api('GET', '/notifications?open=maybe')).status).toBe(422)
  })

  test('nobody touches another person’s, in this workspace or another', async () => {
    await publish(house.bob, 'Mine', await rehearsal('rejected'))
    await worker.idle()
    const id = (await open(house.bob))[0]?.id
    for (const person of [house.alice, house.ann, house.dan])
      expect((await person.api('POST', `/notifications/${id}/done`)).status).toBe(404)
    expect((await house.dan.page('POST', `/w/southpaw/notifications/${id}/done`, {})).status).toBe(404)
    expect((await house.bob.api('POST', '/notifications/nonsense/done')).status).toBe(404)
    expect(await kinds(house.bob)).toEqual(['failed'])
    expect((await house.dan.page('GET', '/w/southpaw/notifications')).html).toContain('Nothing waits for you')
  })
})
