import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { claimJobs } from '../src/jobs/claim.ts'
import { holdLease, Unsealed } from '../src/jobs/lease.ts'
import { readBackDue } from '../src/jobs/read-back.ts'
import { recordOutcome } from '../src/jobs/record.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { planAhead } from '../src/recurrences/plan.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { type Mastodon, startMastodon } from './peers/index.ts'
import { armLater } from './waiting.ts'
import { newPicture } from './world.ts'

let house: House
let worker: Worker
let clock = 0
let mastodon: Mastodon
let putBack = () => {}
beforeAll(async () => {
  // What is claimed here is armed by hand, or has its moment between the two.
  putBack = armLater()
  mastodon = await startMastodon()
  house = await openHouse({ OUTBOUND_ALLOW: mastodon.host })
  worker = createWorker(house.services)
})
afterAll(async () => {
  putBack()
  await worker.stop(5_000)
  await house.close()
  await mastodon.stop()
})
beforeEach(() => requireApproval(true))

const requireApproval = (required: boolean) =>
  house.alice.api('PATCH', '/workspace', { approvalRequired: required })
const system = () => ({ tenantId: house.alice.tenant.id, userId: null, role: 'system' }) as const
const inside: House['services']['db']['within'] extends (actor: never, work: infer W) => unknown
  ? (work: W) => Promise<unknown>
  : never = work => house.services.db.within(system(), work)
const shift = async (ms: number) => {
  clock += ms
  await house.shiftClock(clock)
}
const rehearsal = async (settings: object = {}) =>
  (await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings })).body.id as string
const feed = async () =>
  (await house.alice.api('GET', '/accounts')).body.items.find(
    (a: { platform: string }) => a.platform === 'feed',
  ).id as string
async function picture(alt = 'A red cup'): Promise<string> {
  const form = new FormData()
  form.append('file', await newPicture())
  form.append('alt', alt)
  return (await house.bob.api('POST', '/media', form)).body.id
}
const later = (hours = 2) => ({ at: new Date(Date.now() + clock + hours * 3_600_000).toISOString() })
const job = async (id: string) => (await house.bob.api('GET', `/publish-jobs/${id}`)).body
const commentOf = async (id: string) => {
  const { items } = (await house.bob.api('GET', '/publish-jobs?limit=100')).body
  const found = items.find((one: { firstCommentOf: string | null }) => one.firstCommentOf === id)
  return found && job(found.id)
}
const stateOf = async (id: string) => (await house.bob.api('GET', `/content/${id}`)).body.state

async function approved(given: object, by: Person = house.cora): Promise<string> {
  const { body } = await house.ann.api('POST', '/content', given)
  await house.ann.api('POST', `/content/${body.id}/submission`)
  expect((await by.api('POST', `/content/${body.id}/approval`)).status).toBe(201)
  return body.id
}
async function plan(content: string, accounts: string[], when: object = later()): Promise<string[]> {
  const made = await house.bob.api('POST', `/content/${content}/publish-jobs`, { accounts, ...when })
  expect(made.status).toBe(201)
  return made.body.items.map((one: { id: string }) => one.id)
}

describe('a seal', () => {
  test('pins the exact payload of each account, and what goes out has that hash', async () => {
    const [one, media] = [await rehearsal(), await picture()]
    const content = await approved({
      text: 'For everywhere.',
      media: [media],
      variants: [{ accountId: one, text: 'For this one.' }],
    })
    const both = await plan(content, [one, await feed()], { now: true })
    await worker.idle()
    const sealed = (await house.bob.api('GET', `/content/${content}/seal`)).body
    expect(sealed).toMatchObject({ state: 'intact', version: 1, by: 'Cora', changes: [] })
    for (const id of both) {
      const { state, accountId, attempts } = await job(id)
      const text = accountId === one ? 'For this one.' : 'For everywhere.'
      expect(state).toBe('published')
      const seal = sealed.accounts.find((a: { accountId: string }) => a.accountId === accountId)
      expect(attempts.at(-1).sentSha256).toBe(seal.sha256)
      const { sent } = (await house.bob.api('GET', `/publish-jobs/${id}/receipt`)).body
      expect(createHash('sha256').update(sent.payload).digest('hex')).toBe(seal.sha256)
      const payload = JSON.parse(sent.payload)
      expect(payload).toMatchObject({ account: accountId, post: { text, images: [{ alt: 'A red cup' }] } })
      // What was sealed before posts could have parts keeps its hash.
      expect(Object.keys(payload.post)).toEqual(['images', 'text'])
      const file = await house.bob.api('GET', `/media/${media}/file`)
      expect(file.status).toBe(200)
      expect(payload.post.images[0].sha256).toMatch(/^[0-9a-f]{64}$/)
    }
  })

  test('another alt text breaks it: held, back in review, told in words; approved again it goes out', async () => {
    const [account, media] = [await rehearsal(), await picture('A cup')]
    const content = await approved({ text: 'With a picture.', media: [media] })
    const [id] = (await plan(content, [account])) as [string]
    expect((await job(id)).state).toBe('scheduled')
    await house.bob.api('PATCH', `/media/${media}`, { alt: 'A mug' })
    expect(await job(id)).toMatchObject({ state: 'held', heldFor: 'approval' })
    expect(await stateOf(content)).toBe('in_review')
    const seal = (await house.bob.api('GET', `/content/${content}/seal`)).body
    expect(seal.state).toBe('broken')
    expect(seal.changes).toEqual(['the alt text of picture 1 is now “A mug”, it was “A cup”'])
    for (const path of [`/w/northwind/content/${content}`, `/w/northwind/publish-jobs/${id}`]) {
      const { html } = await house.cora.page('GET', path)
      expect(html).toContain('is now “A mug”, it was “A cup”')
    }
    const told = (await house.cora.api('GET', '/notifications')).body.items[0]
    expect(told).toMatchObject({ kind: 'review', about: expect.stringContaining('waits for approval again') })
    await house.cora.api('POST', `/content/${content}/approval`)
    expect((await job(id)).state).toBe('scheduled')
    await shift(3 * 3_600_000)
    await worker.idle()
    expect(await job(id)).toMatchObject({ state: 'published' })
  })

  test('words, pictures and variants break it visibly', async () => {
    const [account, media] = [await rehearsal(), await picture()]
    for (const [change, words] of [
      [{ text: 'Other words entirely.' }, 'the words changed'],
      [{ media: [media] }, 'one picture was added'],
      [{ variants: [{ accountId: account, text: 'Only here.' }] }, 'the words changed'],
    ] as const) {
      const content = await approved({ text: 'First words.' })
      const [id] = (await plan(content, [account])) as [string]
      await house.ann.api('PATCH', `/content/${content}`, change)
      expect(await job(id)).toMatchObject({ state: 'held', heldFor: 'approval' })
      const seal = (await house.bob.api('GET', `/content/${content}/seal`)).body
      expect(seal.state).toBe('broken')
      expect(seal.changes.join()).toContain(words)
      await house.bob.api('DELETE', `/publish-jobs/${id}`)
    }
  })

  test('pins a thread and a first comment with their post, and both go out as they were approved', async () => {
    const [account, media] = [await rehearsal(), await picture('In part two')]
    const content = await approved({
      text: 'One.',
      thread: [{ text: 'Two.', media: [media] }],
      firstComment: 'A link.',
    })
    const [id] = (await plan(content, [account], { now: true })) as [string]
    await worker.idle()
    const seal = (await house.bob.api('GET', `/content/${content}/seal`)).body.accounts.find(
      (a: { accountId: string }) => a.accountId === account,
    )
    const comment = await commentOf(id)
    for (const one of [await job(id), comment]) {
      expect(one).toMatchObject({ state: 'published', error: null })
      expect(one.attempts.at(-1).sentSha256).toBe(seal.sha256)
    }
    const receipt = async (of: string) => (await house.bob.api('GET', `/publish-jobs/${of}/receipt`)).body
    expect((await receipt(id)).post).toMatchObject({ text: 'One.', thread: [{ text: 'Two.' }] })
    expect(await receipt(comment.id)).toMatchObject({
      post: { text: 'A link.', images: [], thread: [] },
      seal: { sha256: seal.sha256, kept: true },
    })
    expect((await house.bob.page('GET', `/w/northwind/publish-jobs/${comment.id}`)).html).toContain('A link.')
    const { html } = await house.bob.page('GET', `/w/northwind/publish-jobs/${id}/receipt`)
    for (const words of ['One.', 'Part 2', 'Two.', 'In part two', 'First comment', 'A link.'])
      expect(html).toContain(words)
  })

  test('the alt text of a picture in a later part breaks it', async () => {
    const [account, media] = [await rehearsal(), await picture('A cup')]
    const [own, shared] = [
      await approved({ text: 'One.', variants: [{ accountId: account, thread: [{ media: [media] }] }] }),
      await approved({ text: 'Another.', thread: [{ media: [media] }] }),
    ]
    const ids = [...(await plan(own, [account])), ...(await plan(shared, [account], later(3)))]
    await house.bob.api('PATCH', `/media/${media}`, { alt: 'A mug' })
    for (const id of ids) {
      expect(await job(id)).toMatchObject({ state: 'held', heldFor: 'approval' })
      await house.bob.api('DELETE', `/publish-jobs/${id}`)
    }
    expect((await house.bob.api('GET', `/content/${shared}/seal`)).body.changes).toEqual([
      'the thread changed',
    ])
  })

  test('an account connected after the approval gets the words for everywhere, as they were approved', async () => {
    const content = await approved({ text: 'Approved before.' })
    const [id] = (await plan(content, [await rehearsal()], { now: true })) as [string]
    await worker.idle()
    expect((await job(id)).state).toBe('published')
    const media = await picture('One')
    const changed = await approved({ text: 'Changed before.', media: [media] })
    // Nothing of it is planned: it waits for review at once.
    await house.bob.api('PATCH', `/media/${media}`, { alt: 'Two' })
    expect(await stateOf(changed)).toBe('in_review')
    const [waiting] = (await plan(changed, [await rehearsal()])) as [string]
    expect(await job(waiting)).toMatchObject({ state: 'held', heldFor: 'approval' })
  })

  test('an alt text that is mended after everything went out asks nobody again', async () => {
    const media = await picture('Bfore')
    const content = await approved({ text: 'Out already.', media: [media] })
    await plan(content, [await rehearsal()], { now: true })
    await worker.idle()
    await house.bob.api('PATCH', `/media/${media}`, { alt: 'Before' })
    expect(await stateOf(content)).toBe('approved')
    expect((await house.bob.api('GET', `/content/${content}/seal`)).body.state).toBe('broken')
    // Planned once more, it is not what was approved.
    const [again] = (await plan(content, [await rehearsal()])) as [string]
    expect(await job(again)).toMatchObject({ state: 'held', heldFor: 'approval' })
    expect(await stateOf(content)).toBe('in_review')
  })

  test('nobody is asked where the workspace requires no approval, and the seal still shows that it broke', async () => {
    await requireApproval(false)
    const [account, media] = [await rehearsal(), await picture('Old')]
    const content = await approved({ text: 'Free to go.', media: [media] })
    const [id] = (await plan(content, [account])) as [string]
    await house.bob.api('PATCH', `/media/${media}`, { alt: 'New' })
    expect((await job(id)).state).toBe('scheduled')
    expect((await house.bob.api('GET', `/content/${content}/seal`)).body.state).toBe('broken')
    await shift(3 * 3_600_000)
    await worker.idle()
    expect((await job(id)).state).toBe('published')
  })
})

describe('the worker', () => {
  /** Past the front door, as a mistake of ours or a hand in the database would. */
  const behindOurBacks = (media: string, alt: string) =>
    inside(({ sql }) => sql`update media set alt = ${alt} where id = ${media}`)

  test.each(['rehearsal', 'feed'])('refuses bytes that are not what was approved (%s)', async where => {
    const [account, media] = [where === 'feed' ? await feed() : await rehearsal(), await picture('Right')]
    const content = await approved({ text: `Sealed for the ${where}.`, media: [media] })
    const [id] = (await plan(content, [account])) as [string]
    await behindOurBacks(media, 'Wrong')
    await shift(3 * 3_600_000)
    await worker.idle()
    const held = await job(id)
    expect(held).toMatchObject({ state: 'held', heldFor: 'approval', error: { code: 'seal_broken' } })
    expect(held.attempts.at(-1)).toMatchObject({ outcome: 'unsealed', armedAt: null })
    expect(await stateOf(content)).toBe('in_review')
    expect((await house.bob.page('GET', `/w/northwind/accounts/${account}`)).html).not.toContain('Sealed for')
    expect((await house.bob.page('GET', `/w/northwind/content/${content}/versions`)).html).toContain(
      'The seal of version 1 broke',
    )
    await house.cora.api('POST', `/content/${content}/approval`)
    await worker.idle()
    expect(await job(id)).toMatchObject({ state: 'published', error: null })
  })

  test('uploads nothing of what was not approved', async () => {
    const { token } = mastodon.addAccount('grace')
    const connected = await house.alice.api('POST', '/accounts', {
      platform: 'mastodon',
      settings: { instance: mastodon.url, token },
    })
    const media = await picture('Right')
    const content = await approved({ text: 'Not a byte of it.', media: [media] })
    const [id] = (await plan(content, [connected.body.id])) as [string]
    await behindOurBacks(media, 'Wrong')
    await shift(3 * 3_600_000)
    await worker.idle()
    expect(await job(id)).toMatchObject({ state: 'held', error: { code: 'seal_broken' } })
    expect(mastodon.requests.filter(({ method }) => method === 'POST')).toEqual([])
  })

  test('refuses a picture whose file is another one', async () => {
    const { token } = mastodon.addAccount('ada')
    const connected = await house.alice.api('POST', '/accounts', {
      platform: 'mastodon',
      settings: { instance: mastodon.url, token },
    })
    const [good, media] = [await picture(), await picture()]
    const content = await approved({ text: 'Swapped.', media: [media] })
    const bytes = await house.services.files.read(house.alice.tenant.id, good, 'full')
    if (!bytes) throw new Error('the picture has no file')
    await house.services.files.write(house.alice.tenant.id, media, 'full', bytes)
    const [id] = (await plan(content, [connected.body.id], { now: true })) as [string]
    await worker.idle()
    expect(await job(id)).toMatchObject({ state: 'failed', error: { code: 'picture_changed' } })
    expect(mastodon.accepted).toHaveLength(0)
  })

  /** Claims the one job that is due, as a worker does. */
  async function claim(id: string) {
    const { jobs } = await house.services.db.within(system(), scope => claimJobs(scope, 'test', 20))
    const claimed = jobs.find(one => one.id === id)
    if (!claimed?.opened) throw new Error('it was not claimed')
    const lease = holdLease(work => house.services.db.within(system(), work), claimed, 10_000)
    lease.end()
    return { claimed, lease, payload: claimed.opened.payload }
  }

  test('asks once more just before it sends: an approval taken back meanwhile stops it', async () => {
    const content = await approved({ text: 'Taken back meanwhile.' })
    const [id] = (await plan(content, [await rehearsal()], { now: true })) as [string]
    const { claimed, lease, payload } = await claim(id)
    expect(claimed.sealed).toBe(payload.sha256)
    await house.bob.api('DELETE', `/content/${content}/approval`)
    await expect(lease.arm({}, payload)).rejects.toBeInstanceOf(Unsealed)
    expect((await job(id)).attempts.at(-1)).toMatchObject({ armedAt: null, sentSha256: null })
  })

  test('asks once more for a first comment too', async () => {
    const content = await approved({ text: 'Out.', firstComment: 'Taken back meanwhile.' })
    const [id] = (await plan(content, [await rehearsal()], { now: true })) as [string]
    const { claimed } = await claim(id)
    const out = { is: 'published', remoteId: 'here', remoteUrl: null } as const
    await inside(scope => recordOutcome(scope, claimed, out))
    const comment = (await commentOf(id)).id as string
    const { lease, payload } = await claim(comment)
    await house.bob.api('DELETE', `/content/${content}/approval`)
    await expect(lease.arm({}, payload)).rejects.toBeInstanceOf(Unsealed)
    expect((await job(comment)).attempts.at(-1)).toMatchObject({ armedAt: null, sentSha256: null })
  })

  test('sends those bytes and no others, also when it is asked without any', async () => {
    const content = await approved({ text: 'These bytes.' })
    const [id] = (await plan(content, [await rehearsal()], { now: true })) as [string]
    const { lease, payload } = await claim(id)
    await expect(lease.arm({})).rejects.toBeInstanceOf(Unsealed)
    await expect(lease.arm({}, { ...payload, sha256: 'f'.repeat(64) })).rejects.toBeInstanceOf(Unsealed)
    await lease.arm({}, payload)
    expect((await job(id)).attempts.at(-1).sentSha256).toBe(payload.sha256)
  })

  test('a former version that may have been sent, and that nobody approves any more, is not sent again', async () => {
    await requireApproval(false)
    const { body } = await house.bob.api('POST', '/content', { text: 'First words.' })
    const [id] = (await plan(body.id, [await rehearsal()], { now: true })) as [string]
    const { lease, payload, claimed } = await claim(id)
    await lease.arm({}, payload)
    await house.bob.api('PATCH', `/content/${body.id}`, { text: 'Second words.' })
    await requireApproval(true)
    await house.bob.api('POST', `/content/${body.id}/submission`)
    await house.cora.api('POST', `/content/${body.id}/approval`)
    await house.services.db.within(system(), scope =>
      recordOutcome(scope, claimed, {
        is: 'unsealed',
        why: { code: 'seal_broken', message: 'No.', next: 'Look.' },
      }),
    )
    expect(await job(id)).toMatchObject({ state: 'failed', error: { code: 'seal_broken' } })
    expect(await stateOf(body.id)).toBe('approved')
    // A person who sends it again gets what is approved now, as the page has said.
    await house.bob.api('POST', `/publish-jobs/${id}/resolution`, { as: 'retry' })
    await worker.idle()
    const sent = await job(id)
    expect(sent).toMatchObject({ state: 'published', error: null })
    expect((await house.bob.api('GET', `/publish-jobs/${id}/receipt`)).body.post.text).toBe('Second words.')
  })

  test('what was approved before there were seals is sealed when it is first looked at', async () => {
    const content = await approved({ text: 'Of old.' })
    const [id] = (await plan(content, [await rehearsal()])) as [string]
    await inside(({ sql }) => sql`delete from seals where content_id = ${content}`)
    await shift(3 * 3_600_000)
    await worker.idle()
    expect((await job(id)).state).toBe('published')
  })

  test('refuses a first comment that is not what was approved; its post stays out', async () => {
    const { token } = mastodon.addAccount('mary')
    const connected = await house.alice.api('POST', '/accounts', {
      platform: 'mastodon',
      settings: { instance: mastodon.url, token },
    })
    const content = await approved({ text: 'Out already.', firstComment: 'A link.' })
    const [id] = (await plan(content, [connected.body.id], { now: true })) as [string]
    mastodon.faults.next('POST /api/v1/statuses', { is: 'slow', ms: 1 })
    mastodon.faults.next('POST /api/v1/statuses', {
      is: 'throttled',
      resetAt: new Date(Date.now() + 30_000),
    })
    await worker.idle()
    expect(await commentOf(id)).toMatchObject({ state: 'scheduled', error: { code: 'throttled' } })
    await house.services.db.owner.unsafe(
      `update ${house.alice.tenant.schema}.content_versions set first_comment = 'Smuggled.' where content_id = '${content}'`,
    )
    await shift(3_600_000)
    await worker.idle()
    expect(await commentOf(id)).toMatchObject({ state: 'held', error: { code: 'seal_broken' } })
    expect((await job(id)).state).toBe('published')
    expect(mastodon.accepted.map(({ text }) => text)).toEqual(['Out already.'])
  })
})

describe('reading back', () => {
  const look = () => readBackDue(house.services, house.alice.tenant.id)
  const out = async (text: string, media: string[] = [], account?: string, more: object = {}) => {
    await requireApproval(false)
    const { body } = await house.bob.api('POST', '/content', { text, media, ...more })
    const [id] = (await plan(body.id, [account ?? (await rehearsal())], { now: true })) as [string]
    await worker.idle()
    return id
  }

  test('finds what was sent as it was sent, some time after it went out', async () => {
    const [one, two] = [await out('As sent.', [await picture()]), await out('On the feed.', [], await feed())]
    await look()
    expect((await job(one)).readBack).toMatchObject({ state: 'waiting' })
    await shift(30_000)
    await look()
    for (const id of [one, two]) {
      expect((await job(id)).readBack).toMatchObject({ state: 'same', findings: [] })
      expect((await house.bob.page('GET', `/w/northwind/publish-jobs/${id}`)).html).toContain('as sent')
    }
  })

  test('tells what is different there, and whoever can act on it', async () => {
    const id = await out('The real words.', [await picture('Long alt text')])
    const { remoteId } = await job(id)
    await inside(({ sql }) => sql`update rehearsal_posts set text = 'Other words.' where id = ${remoteId}`)
    await shift(30_000)
    await look()
    const { readBack } = await job(id)
    expect(readBack).toMatchObject({
      state: 'different',
      findings: [{ kind: 'different', words: 'The words there are not those that were sent.' }],
    })
    const told = (await house.bob.api('GET', '/notifications')).body.items[0]
    expect(told).toMatchObject({ kind: 'different', about: expect.stringContaining('The real words.') })
    expect((await job(id)).state).toBe('published')
  })

  test('looks at each part of a thread and at its first comment', async () => {
    const { token } = mastodon.addAccount('joan')
    const connected = await house.alice.api('POST', '/accounts', {
      platform: 'mastodon',
      settings: { instance: mastodon.url, token },
    })
    const parts = { thread: [{ text: 'Two.', media: [await picture()] }], firstComment: 'A link.' }
    const [far, near, joined] = [
      await out('One.', [], connected.body.id, parts),
      await out('One.', [], undefined, parts),
      await out('One.', [], await feed(), parts),
    ]
    const second = (await job(near)).thread.out[1].remoteId
    await inside(({ sql }) => sql`update rehearsal_posts set text = 'Zwei.' where id = ${second}`)
    await shift(30_000)
    await look()
    // The server writes the picture anew, and its id is that of the part's own upload.
    expect((await job(far)).readBack).toEqual({
      ...(await job(far)).readBack,
      state: 'explained',
      findings: [{ kind: 'explained', words: 'Part 2: A picture was written anew on the way.' }],
    })
    expect((await job(near)).readBack).toMatchObject({
      state: 'different',
      findings: [{ kind: 'different', words: 'Part 2: The words there are not those that were sent.' }],
    })
    expect((await job(joined)).readBack).toMatchObject({ state: 'same' })
    for (const id of [far, near])
      expect(await commentOf(id)).toMatchObject({ state: 'published', readBack: { state: 'same' } })
  })

  test('what is not there is looked for again before anything is said', async () => {
    const id = await out('Soon gone.')
    const { remoteId } = await job(id)
    await inside(({ sql }) => sql`delete from rehearsal_posts where id = ${remoteId}`)
    for (const [ms, state] of [
      [30_000, 'waiting'],
      [61_000, 'waiting'],
      [601_000, 'waiting'],
      [3_601_000, 'waiting'],
      [6 * 3_601_000, 'different'],
    ] as const) {
      await shift(ms)
      await look()
      expect((await job(id)).readBack.state).toBe(state)
    }
    expect((await job(id)).readBack.findings[0].words).toBe('It is not there any more.')
  })

  test('two readers at once look once', async () => {
    const id = await out('Only once.')
    await shift(30_000)
    await Promise.all([look(), look(), look()])
    const rows = (await inside(
      ({ sql }) => sql`select tries, state from read_backs where job_id = ${id}`,
    )) as Record<string, unknown>[]
    expect([...rows]).toMatchObject([{ tries: 1, state: 'same' }])
  })
})

describe('a receipt', () => {
  test('says what went out, when, and on whose word; nobody else’s workspace sees it', async () => {
    await requireApproval(true)
    const account = await rehearsal()
    const content = await approved({ text: 'Signed <and> sealed.', media: [await picture('Alt & more')] })
    const [id] = (await plan(content, [account])) as [string]
    const path = `/publish-jobs/${id}/receipt`
    expect(await house.bob.api('GET', path)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect((await house.bob.page('GET', `/w/northwind${path}`)).status).toBe(409)
    await shift(3 * 3_600_000)
    await worker.idle()
    await readBackDue(house.services, house.alice.tenant.id)
    const { status, body } = await house.cora.api('GET', path)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      jobId: id,
      planned: { zone: 'Europe/Berlin', by: 'Bob' },
      version: { number: 1, begunBy: 'Ann', savedBy: 'Ann' },
      approval: { by: 'Cora' },
      seal: { kept: true, changes: [] },
      published: { saidBy: null },
    })
    expect(body.seal.sha256).toBe(body.sent.sha256)
    const { html } = await house.cora.page('GET', `/w/northwind${path}`)
    for (const words of [
      'Signed &lt;and&gt; sealed.',
      'Alt &amp; more',
      'Europe/Berlin',
      'It went out exactly as it was approved',
      body.sent.sha256,
      'Cora',
    ])
      expect(html).toContain(words)
    expect((await house.bob.page('GET', `/w/northwind/publish-jobs/${id}`)).html).toContain(`${id}/receipt`)
    expect((await house.dan.api('GET', path)).status).toBe(404)
    expect((await house.dan.page('GET', `/w/southpaw${path}`)).status).toBe(404)
    expect((await house.dan.api('GET', `/content/${content}/seal`)).status).toBe(404)
  })

  test('what went out stays on it when the alt text is changed later', async () => {
    await requireApproval(false)
    const media = await picture('As it was')
    const { body } = await house.bob.api('POST', '/content', { text: 'Kept.', media: [media] })
    const [id] = (await plan(body.id, [await rehearsal()], { now: true })) as [string]
    await worker.idle()
    await house.bob.api('PATCH', `/media/${media}`, { alt: 'As it is' })
    const receipt = (await house.bob.api('GET', `/publish-jobs/${id}/receipt`)).body
    expect(receipt).toMatchObject({ approval: null, seal: null, post: { images: [{ alt: 'As it was' }] } })
    expect(createHash('sha256').update(receipt.sent.payload).digest('hex')).toBe(receipt.sent.sha256)
  })
})

// Last: days go by, and with them the sessions of pages.
describe('a seal of what repeats', () => {
  const zone = 'UTC'
  /** From a rule's making to a moment after its first post. */
  const first = 86_400_000 + 60_000
  const rule = async (content: string, accounts: string[], given: string) => {
    const start = new Date(Date.now() + clock + 86_400_000).toISOString().slice(0, 16)
    const made = await house.bob.api('POST', `/content/${content}/recurrences`, {
      accounts,
      rule: given,
      start: { local: start, zone },
    })
    expect([made.status, made.body.detail ?? '']).toEqual([201, ''])
    const read = async () =>
      (await inside(
        ({ sql }) => sql`
          select id, state, held_for from publish_jobs where recurrence_id = ${made.body.id} order by occurrence`,
      )) as { id: string; state: string; held_for: string | null }[]
    return { id: made.body.id as string, read }
  }
  const asked = async (content: string) =>
    (await house.cora.api('GET', '/notifications?open=true&limit=100')).body.items.filter(
      (one: { kind: string; path: string }) => one.kind === 'review' && one.path.endsWith(content),
    )

  test('holds each of its posts when it breaks, asks once, and lets each go when it is approved again', async () => {
    const media = await picture('A cup')
    const content = await approved({ text: 'Each day.', media: [media] })
    const { read } = await rule(content, [await rehearsal()], 'FREQ=DAILY;COUNT=4')
    await house.bob.api('PATCH', `/media/${media}`, { alt: 'A mug' })
    expect((await read()).map(row => row.held_for)).toEqual(Array(4).fill('approval'))
    expect(await asked(content)).toHaveLength(1)
    await house.cora.api('POST', `/content/${content}/approval`)
    expect(await asked(content)).toEqual([])
    expect((await read()).map(row => row.state)).toEqual(Array(4).fill('scheduled'))
    for (let day = 0; day < 4; day++) {
      await shift(day === 0 ? first : 86_400_000)
      await worker.idle()
    }
    expect((await read()).map(row => row.state)).toEqual(Array(4).fill('published'))
    expect(await asked(content)).toEqual([])
  })

  test('that broke while nothing of it was planned is found when the next is', async () => {
    const media = await picture('A cup')
    const content = await approved({ text: 'Now and then.', media: [media] })
    const { id, read } = await rule(content, [await rehearsal()], 'FREQ=DAILY;INTERVAL=40;COUNT=3')
    await shift(first)
    await worker.idle()
    expect((await read()).map(row => row.state)).toEqual(['published'])
    await house.bob.api('PATCH', `/media/${media}`, { alt: 'A mug' })
    expect(await stateOf(content)).toBe('approved')
    await shift(20 * 86_400_000)
    await inside(scope => planAhead(scope, id))
    expect((await read()).map(row => row.held_for ?? row.state)).toEqual(['published', 'approval'])
    expect(await stateOf(content)).toBe('in_review')
    expect(await asked(content)).toHaveLength(1)
    await house.cora.api('POST', `/content/${content}/approval`)
    await shift(20 * 86_400_000)
    await worker.idle()
    expect((await read()).map(row => row.state)).toEqual(['published', 'published'])
  })

  test('whose account is connected again goes on as approved, and waits where it broke meanwhile', async () => {
    const { id: kay, token } = mastodon.addAccount('kay')
    const account = (
      await house.alice.api('POST', '/accounts', {
        platform: 'mastodon',
        settings: { instance: mastodon.url, token },
      })
    ).body.id
    const media = await picture('A cup')
    const [same, changed] = [
      await approved({ text: 'Reconnected, the same.' }),
      await approved({ text: 'Reconnected, another.', media: [media] }),
    ]
    const rules = [
      await rule(same, [account], 'FREQ=DAILY;COUNT=2'),
      await rule(changed, [account], 'FREQ=DAILY;COUNT=2'),
    ]
    mastodon.revoke(token)
    await shift(first)
    await worker.idle()
    await house.bob.api('PATCH', `/media/${media}`, { alt: 'A mug' })
    const again = await house.alice.api('POST', '/accounts', {
      platform: 'mastodon',
      settings: { instance: mastodon.url, token: mastodon.renew(kay) },
    })
    expect([again.status, again.body.id]).toEqual([201, account])
    await worker.idle()
    await shift(86_400_000)
    await worker.idle()
    const states = await Promise.all(
      rules.map(async one => (await one.read()).map(row => row.held_for ?? row.state)),
    )
    expect(states).toEqual([
      ['published', 'published'],
      ['approval', 'approval'],
    ])
    expect(mastodon.accepted.map(({ text }) => text)).not.toContain('Reconnected, another.')
  })
})
