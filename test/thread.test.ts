/** Threads and first comments, by the front door: written, refused, published part by part, and broken off in between. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { type Mastodon, startMastodon } from './peers/index.ts'
import { type Served, serve } from './peers/serve.ts'

let house: House
let worker: Worker
let mastodon: Mastodon
let receiver: Served
let shift = 0
let adaId = ''
const accounts = { feed: '', rehearsal: '', mastodon: '', webhook: '' }
const received: { data: Record<string, unknown> }[] = []

beforeAll(async () => {
  mastodon = await startMastodon({ rateLimit: 100_000 })
  receiver = await serve(request => {
    received.push(JSON.parse(Buffer.from(request.raw).toString()))
    return Response.json({})
  })
  house = await openHouse({ OUTBOUND_ALLOW: `${mastodon.host},${new URL(receiver.url).host}` })
  const ada = mastodon.addAccount('ada')
  adaId = ada.id
  const connect = async (platform: string, settings: object) => {
    const made = await house.alice.api('POST', '/accounts', { platform, settings })
    expect(made.status, JSON.stringify(made.body)).toBe(201)
    return made.body.id as string
  }
  accounts.feed = (await house.alice.api('GET', '/accounts')).body.items[0].id
  accounts.rehearsal = await connect('rehearsal', {})
  accounts.mastodon = await connect('mastodon', { instance: mastodon.url, token: ada.token })
  accounts.webhook = await connect('webhook', { url: `${receiver.url}/hook` })
  worker = createWorker(house.services)
}, 60_000)
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
  await mastodon.stop()
  await receiver.stop()
})

const at = '/w/northwind/content'
const read = async (id: string) => (await house.alice.api('GET', `/content/${id}`)).body
const job = async (id: string) => (await house.alice.api('GET', `/publish-jobs/${id}`)).body
const commentOf = async (id: string) =>
  (await house.alice.api('GET', '/publish-jobs?limit=100')).body.items.find(
    (one: { firstCommentOf: string | null }) => one.firstCommentOf === id,
  )
async function write(body: object): Promise<string> {
  const made = await house.alice.api('POST', '/content', body)
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return made.body.id as string
}
async function send(content: string, account: string): Promise<string> {
  const planned = await house.alice.api('POST', `/content/${content}/publish-jobs`, {
    accounts: [account],
    now: true,
  })
  expect(planned.status, JSON.stringify(planned.body)).toBe(201)
  return planned.body.items[0].id as string
}
/** Past the next wait of a job that is tried again. */
async function later(): Promise<void> {
  shift += 60_000
  await house.shiftClock(shift)
  await worker.idle()
}
async function picture(who: Person, colour: string): Promise<string> {
  const bytes = await sharp({ create: { width: 30, height: 20, channels: 3, background: colour } })
    .png()
    .toBuffer()
  const form = new FormData()
  form.set('file', new File([new Uint8Array(bytes)], `${colour}.png`, { type: 'image/png' }))
  form.set('alt', colour)
  return (await who.api('POST', '/media', form)).body.id
}
const onMastodon = (word: string) => mastodon.statuses(adaId).filter(({ text }) => text.includes(word))

describe('writing', () => {
  test('parts, a first comment and what one account gets instead are kept, versioned and told apart', async () => {
    const red = await picture(house.alice, 'red')
    const id = await write({ text: 'One', thread: [{ text: 'Two', media: [red] }, { text: 'Three' }] })
    expect(await read(id)).toMatchObject({
      thread: [
        { text: 'Two', media: [red] },
        { text: 'Three', media: [] },
      ],
      firstComment: '',
      version: 1,
    })
    const change = {
      thread: [{ text: 'Two', media: [red] }, { text: 'Three and a half' }, { text: 'Four' }],
      firstComment: 'A link',
      variants: [{ accountId: accounts.mastodon, thread: [], firstComment: '' }],
    }
    const saved = await house.alice.api('PATCH', `/content/${id}`, change)
    expect(saved.body).toMatchObject({
      text: 'One',
      version: 2,
      firstComment: 'A link',
      variants: [{ accountId: accounts.mastodon, text: null, media: null, thread: [], firstComment: '' }],
    })
    expect((await house.alice.api('PATCH', `/content/${id}`, change)).body.version).toBe(2)
    const versions = (await house.alice.api('GET', `/content/${id}/versions`)).body.items
    expect(versions[0].changes).toBe('6 words added · 1 part added · words for single accounts changed')
    const { html } = await house.alice.page('GET', `${at}/${id}/versions`)
    expect(html).toContain('<ins> and a half</ins>')
    expect(html).toContain('First comment')
    const copy = await house.alice.api('POST', `/content/${id}/copies`)
    expect(copy.body).toMatchObject({ thread: saved.body.thread, firstComment: 'A link' })
  })

  test('what cannot be is refused with its place', async () => {
    const foreign = await picture(house.dan, 'blue')
    const refused = async (body: object) => {
      const { status, body: answer } = await house.alice.api('POST', '/content', body)
      return { status, paths: answer.errors?.map((one: { path: string }) => one.path) }
    }
    expect(await refused({ text: 'One', thread: [{ text: 'Two', media: [foreign] }] })).toEqual({
      status: 422,
      paths: ['thread.0.media.0'],
    })
    expect(
      await refused({
        text: 'One',
        variants: [{ accountId: accounts.feed, thread: [{ media: [foreign] }] }],
      }),
    ).toEqual({ status: 422, paths: ['variants.0.thread.0.media.0'] })
    expect(await refused({ text: 'One', thread: [{ text: ' ' }] })).toEqual({
      status: 422,
      paths: ['thread.0'],
    })
    expect(await refused({ text: 'One', thread: Array(25).fill({ text: 'x' }) })).toEqual({
      status: 422,
      paths: ['thread'],
    })
    expect((await refused({ text: 'One', thread: [{ text: 'x', alt: 'y' }] })).status).toBe(422)
  })

  test('a part or comment that an account would refuse is not planned', async () => {
    const long = 'x'.repeat(501)
    const plan = async (body: object, account: string) => {
      const answer = await house.alice.api('POST', `/content/${await write(body)}/publish-jobs`, {
        accounts: [account],
        now: true,
      })
      return answer.body.errors?.[0].message ?? answer.status
    }
    expect(await plan({ text: 'One', thread: [{ text: long }] }, accounts.rehearsal)).toContain(
      'Part 2: the text counts 501 characters',
    )
    expect(await plan({ text: 'One', firstComment: long }, accounts.mastodon)).toContain(
      'The first comment: the text counts 501 characters',
    )
    // Each account is measured by what it gets.
    const own = [{ accountId: accounts.mastodon, thread: [{ text: 'short' }] }]
    expect(await plan({ text: 'One', thread: [{ text: long }], variants: own }, accounts.mastodon)).toBe(201)
    await worker.idle()
  })

  test('a picture of a planned part is not thrown away', async () => {
    const green = await picture(house.alice, 'green')
    const id = await write({ text: 'One', thread: [{ media: [green] }] })
    const planned = await house.alice.api('POST', `/content/${id}/publish-jobs`, {
      accounts: [accounts.feed],
      at: { local: '2030-01-01T10:00', zone: 'UTC' },
    })
    expect((await house.alice.api('DELETE', `/media/${green}`)).status).toBe(409)
    await house.alice.api('DELETE', `/publish-jobs/${planned.body.items[0].id}`)
    expect((await house.alice.api('DELETE', `/media/${green}`)).status).toBe(204)
  })
})

describe('the composer', () => {
  const form = (more: object) => ({ text: 'One', version: '', accounts: [accounts.mastodon], ...more })
  /** Presses a button of the form that changes its parts, and reads what stands in it then. */
  async function press(id: string, body: object, wish: string) {
    const done = await house.bob.page('POST', `${at}/${id}/arrangement`, { ...body, _part: wish })
    expect(done.status).toBe(303)
    const { html } = await house.bob.page('GET', `${at}/${id}`)
    const texts = [...html.matchAll(/<textarea[^>]* name="((?:part|ownPart)[^"]*)"[^>]*>\n([^<]*)</g)]
    return {
      html,
      place: done.location.split('#')[1],
      fields: Object.fromEntries(texts.map(([, a, b]) => [a, b])),
    }
  }

  test('adds, moves and removes parts without JavaScript, with their pictures', async () => {
    const [red, blue] = [await picture(house.bob, 'red'), await picture(house.bob, 'blue')]
    const pictures = { media: [red, blue], [`place.${blue}`]: '2' }
    let now = await press('new', form({}), 'add')
    expect(now.fields).toEqual({ 'part.2': '' })
    expect(now.place).toBe('thread-end')
    now = await press('new', form({ 'part.2': 'Two', 'part.3': 'Three', ...pictures }), 'earlier:3')
    expect(now.fields).toEqual({ 'part.2': 'Three', 'part.3': 'Two' })
    expect(now.html).toMatch(/<option value="3" selected[^>]*>In part 3/)
    now = await press('new', form({ 'part.2': 'Three', 'part.3': 'Two', ...pictures }), 'earlier:2')
    expect(now.fields).toEqual({ 'part.2': 'One', 'part.3': 'Two' })
    now = await press('new', form({ 'part.2': 'Two', 'part.3': 'Three', ...pictures }), 'remove:2')
    expect(now.fields).toEqual({ 'part.2': 'Three' })
    await press('new', form({}), 'remove:99')

    const saved = await house.bob.page('POST', `${at}/new`, {
      ...form({ 'part.2': 'Two', 'part.3': '', 'part.4': 'Four', comment: 'More there', ...pictures }),
      [`place.${red}`]: '1,2',
    })
    expect(saved.status).toBe(303)
    const id = /content\/([\w-]{36})/.exec(saved.location)?.[1] ?? ''
    expect(await read(id)).toMatchObject({
      text: 'One',
      media: [red],
      thread: [
        { text: 'Two', media: [red, blue] },
        { text: 'Four', media: [] },
      ],
      firstComment: 'More there',
    })
    // Opening it and saving it changes nothing, also where the same picture is in two parts.
    const { html } = await house.bob.page('GET', `${at}/${id}`)
    expect(html).toContain('In parts 1, 2')
    expect(html).toContain('More there')
  })

  test('one account gets its own parts, only the first, or no comment', async () => {
    const id = await write({ text: 'One', thread: [{ text: 'Two' }], firstComment: 'Link' })
    const everywhere = { text: 'One', 'part.2': 'Two', comment: 'Link', version: '1' }
    const words = { [`words.${accounts.mastodon}`]: '', [`words.${accounts.feed}`]: '' }
    const own = await press(id, { ...everywhere, ...words }, `own:${accounts.mastodon}`)
    expect(own.fields[`ownPart.${accounts.mastodon}.2`]).toBe('Two')
    const none = await press(id, { ...everywhere, ...words }, `first-only:${accounts.feed}`)
    expect(none.html).toContain('This account gets the first part only')
    await house.bob.page('POST', `${at}/${id}`, {
      ...everywhere,
      ...words,
      [`ownThread.${accounts.mastodon}`]: 'own',
      [`ownPart.${accounts.mastodon}.2`]: 'Zwei',
      [`quiet.${accounts.mastodon}`]: 'on',
      [`ownThread.${accounts.feed}`]: 'own',
    })
    const { variants } = await read(id)
    const variantOf = (accountId: string) =>
      variants.find((one: { accountId: string }) => one.accountId === accountId)
    expect(variantOf(accounts.mastodon)).toMatchObject({
      text: null,
      thread: [{ text: 'Zwei', media: [] }],
      firstComment: '',
    })
    expect(variantOf(accounts.feed)).toMatchObject({ text: null, thread: [], firstComment: null })
    const page = await house.bob.page('GET', `${at}/${id}`)
    expect(page.html).toContain('Zwei')
  })
})

describe('publishing', () => {
  test('each part answers the one before it, the comment the first, and all are told on the page', async () => {
    const word = crypto.randomUUID()
    const blue = await picture(house.alice, 'blue')
    const content = await write({
      text: `One ${word}`,
      thread: [{ text: `Two ${word}`, media: [blue] }, { text: `Three ${word}` }],
      firstComment: `Link ${word}`,
    })
    const id = await send(content, accounts.mastodon)
    await worker.idle()
    const done = await job(id)
    expect(done).toMatchObject({ state: 'published', firstCommentOf: null, thread: { of: 3 } })
    const [one, two, three, link, ...more] = onMastodon(word)
    expect(more).toEqual([])
    expect([one?.inReplyTo, two?.inReplyTo, three?.inReplyTo, link?.inReplyTo]).toEqual([
      null,
      one?.id ?? '',
      two?.id ?? '',
      one?.id ?? '',
    ])
    expect(two?.media).toHaveLength(1)
    expect(done.thread.out.map((part: { remoteId: string }) => part.remoteId)).toEqual([
      one?.id,
      two?.id,
      three?.id,
    ])
    expect(done.remoteId).toBe(one?.id)
    const comment = await commentOf(id)
    expect(comment).toMatchObject({ state: 'published', remoteId: link?.id, thread: null })
    const { html } = await house.alice.page('GET', `/w/northwind/publish-jobs/${id}`)
    expect(html).toContain('All 3 parts are out')
    expect(html).toContain(`/publish-jobs/${comment.id}`)
    // It stands with its post, not among the posts.
    const calendar = (await house.alice.page('GET', '/w/northwind/publish-jobs')).html
    expect(calendar).not.toContain(`/publish-jobs/${comment.id}`)
    expect((await house.alice.page('GET', `/w/northwind/publish-jobs/${comment.id}`)).html).toContain(
      'Whatever becomes of it, the post is out',
    )
    expect((await house.dan.api('GET', `/publish-jobs/${comment.id}`)).status).toBe(404)
  })

  test('a part that fails for a while is waited for; what is out is seen, pinned, and not sent again', async () => {
    const word = crypto.randomUUID()
    const content = await write({
      text: `One ${word}`,
      thread: [{ text: `Two ${word}` }, { text: `Three ${word}` }],
    })
    const id = await send(content, accounts.mastodon)
    mastodon.faults.next('POST /api/v1/statuses', { is: 'slow', ms: 1 }, 2)
    mastodon.faults.next('POST /api/v1/statuses', { is: 'throttled', resetAt: new Date(Date.now() + 30_000) })
    await worker.idle()
    expect(await job(id)).toMatchObject({
      state: 'scheduled',
      thread: { of: 3, out: [{}, {}] },
      error: { message: expect.stringContaining('2 of 3 parts are out. Part 3: ') },
    })
    const { html } = await house.alice.page('GET', `/w/northwind/publish-jobs/${id}`)
    expect(html).toContain('2 of 3 parts are out')
    // As after a look that did not find the third part: no attempt stands armed any more.
    await house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      ({ sql }) => sql`update publish_attempts set armed_at = null where job_id = ${id}`,
    )
    await house.alice.api('PATCH', `/content/${content}`, {
      text: `Uno ${word}`,
      thread: [{ text: `Dos ${word}` }, { text: `Tres ${word}` }],
    })
    await later()
    expect((await job(id)).state).toBe('published')
    expect(onMastodon(word).map(({ text }) => text.split(' ')[0])).toEqual(['One', 'Two', 'Three'])
  })

  test('a lost answer in the middle is looked for by what the part answers', async () => {
    const word = crypto.randomUUID()
    // The second and the third say the same: only their places tell them apart.
    const content = await write({
      text: `One ${word}`,
      thread: [{ text: `Same ${word}` }, { text: `Same ${word}` }, { text: `Last ${word}` }],
    })
    const id = await send(content, accounts.mastodon)
    mastodon.faults.next('POST /api/v1/statuses', { is: 'slow', ms: 1 }, 2)
    mastodon.faults.next('POST /api/v1/statuses', { is: 'drop', when: 'after' })
    await worker.idle()
    expect((await job(id)).thread.out).toHaveLength(2)
    for (let tries = 0; tries < 4 && (await job(id)).state === 'scheduled'; tries++) await later()
    expect((await job(id)).state).toBe('published')
    expect(onMastodon(word).map(({ text }) => text.split(' ')[0])).toEqual(['One', 'Same', 'Same', 'Last'])
  })

  test('a refused part fails the rest of the thread; trying again goes on from it', async () => {
    const word = crypto.randomUUID()
    const content = await write({
      text: `One ${word}`,
      thread: [{ text: `Two ${word}` }],
      firstComment: word,
    })
    const id = await send(content, accounts.mastodon)
    mastodon.faults.next('POST /api/v1/statuses', { is: 'slow', ms: 1 })
    mastodon.faults.next('POST /api/v1/statuses', {
      is: 'status',
      status: 422,
      body: { error: 'Validation failed: no such luck' },
    })
    await worker.idle()
    expect(await job(id)).toMatchObject({
      state: 'failed',
      error: {
        message: '1 of 2 parts are out. Part 2: the server refused it: Validation failed: no such luck',
      },
    })
    expect(await commentOf(id)).toBeUndefined()
    // Mended words are sent, but never under a beginning that was another.
    const mend = (body: object) => house.alice.api('PATCH', `/content/${content}`, body)
    await mend({ thread: [{ text: `Deux ${word}` }, { text: `Trois ${word}` }] })
    await house.alice.api('POST', `/publish-jobs/${id}/resolution`, { as: 'retry' })
    await worker.idle()
    expect((await job(id)).state).toBe('published')
    const said = () => onMastodon(word).map(({ text }) => text.split(' ')[0])
    expect(said()).toEqual(['One', 'Deux', 'Trois', word])
  })

  test('a thread whose beginning was changed goes on as it began', async () => {
    const word = crypto.randomUUID()
    const content = await write({ text: `One ${word}`, thread: [{ text: `Two ${word}` }] })
    const id = await send(content, accounts.mastodon)
    mastodon.faults.next('POST /api/v1/statuses', { is: 'slow', ms: 1 })
    mastodon.faults.next('POST /api/v1/statuses', { is: 'status', status: 422, body: { error: 'No' } })
    await worker.idle()
    await house.alice.api('PATCH', `/content/${content}`, {
      text: `Uno ${word}`,
      thread: [{ text: `Dos ${word}` }],
    })
    await house.alice.api('POST', `/publish-jobs/${id}/resolution`, { as: 'retry' })
    await worker.idle()
    expect(onMastodon(word).map(({ text }) => text.split(' ')[0])).toEqual(['One', 'Two'])
  })

  test('a thread that is half out is never called cancelled', async () => {
    const word = crypto.randomUUID()
    const id = await send(
      await write({ text: `One ${word}`, thread: [{ text: `Two ${word}` }] }),
      accounts.mastodon,
    )
    mastodon.faults.next('POST /api/v1/statuses', { is: 'slow', ms: 1 })
    mastodon.faults.next('POST /api/v1/statuses', { is: 'throttled', resetAt: new Date(Date.now() + 30_000) })
    await worker.idle()
    const called = await house.alice.api('DELETE', `/publish-jobs/${id}`)
    expect(called.body).toMatchObject({ state: 'failed', error: { code: 'called_off_partly' } })
    await later()
    expect(onMastodon(word)).toHaveLength(1)
    await house.alice.api('POST', `/publish-jobs/${id}/resolution`, { as: 'retry' })
    await worker.idle()
    expect(onMastodon(word)).toHaveLength(2)
  })

  test('a brake on a word holds what says it in any part', async () => {
    const brake = await house.alice.api('POST', '/brakes', {
      scope: 'word',
      value: 'Zauberwort',
      reason: 'Not now',
    })
    expect(brake.status, JSON.stringify(brake.body)).toBe(201)
    const id = await send(
      await write({ text: 'One', thread: [{ text: 'A Zauberwort' }] }),
      accounts.rehearsal,
    )
    await worker.idle()
    expect(await job(id)).toMatchObject({ state: 'held', heldFor: 'brake', thread: { of: 2, out: [] } })
    await house.alice.api('DELETE', `/publish-jobs/${id}`)
    await house.alice.api('DELETE', `/brakes/${brake.body.id}`)
  })

  test('a first comment fails, is tried again and decided by itself', async () => {
    const word = crypto.randomUUID()
    const id = await send(
      await write({ text: `One ${word}`, firstComment: `Link ${word}` }),
      accounts.mastodon,
    )
    mastodon.faults.next('POST /api/v1/statuses', { is: 'slow', ms: 1 })
    mastodon.faults.next('POST /api/v1/statuses', { is: 'status', status: 422, body: { error: 'No' } })
    await worker.idle()
    expect((await job(id)).state).toBe('published')
    const comment = await commentOf(id)
    expect(comment.state).toBe('failed')
    // Now it needs somebody, so it has a line of its own.
    const { html } = await house.alice.page('GET', '/w/northwind/publish-jobs?state=failed')
    expect(html).toContain(`/publish-jobs/${comment.id}`)
    await house.alice.api('POST', `/publish-jobs/${comment.id}/resolution`, { as: 'retry' })
    await worker.idle()
    expect((await job(comment.id)).state).toBe('published')
    expect(onMastodon(word).map(({ text }) => text.split(' ')[0])).toEqual(['One', 'Link'])
  })

  test('a comment under a post that somebody deleted is refused in words', async () => {
    const word = crypto.randomUUID()
    const id = await send(
      await write({ text: `One ${word}`, firstComment: `Link ${word}` }),
      accounts.mastodon,
    )
    mastodon.faults.next('POST /api/v1/statuses', { is: 'slow', ms: 1 })
    mastodon.faults.next('POST /api/v1/statuses', {
      is: 'status',
      status: 404,
      body: { error: 'The post you are trying to reply to does not appear to exist.' },
    })
    await worker.idle()
    expect(await commentOf(id)).toMatchObject({ state: 'failed', error: { code: 'parent_gone' } })
  })

  test('the rehearsal network gets every part and the comment, each once', async () => {
    const word = crypto.randomUUID()
    await send(
      await write({ text: `One ${word}`, thread: [{ text: `Two ${word}` }], firstComment: `Link ${word}` }),
      accounts.rehearsal,
    )
    await worker.idle()
    const rows = await house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      ({ sql }) => sql`select text from rehearsal_posts where text like ${`%${word}`} order by id`,
    )
    expect(rows.map(row => (row.text as string).split(' ')[0])).toEqual(['One', 'Two', 'Link'])
  })

  test('the feed makes one post of all, with every picture in the open', async () => {
    const word = crypto.randomUUID()
    const red = await picture(house.alice, 'red')
    const content = await write({
      text: `One ${word}`,
      thread: [{ text: 'And then', media: [red] }],
      firstComment: 'The end',
    })
    const path = `/feed/northwind/media/${red}`
    expect((await house.anyone('GET', path)).status).toBe(404)
    const id = await send(content, accounts.feed)
    await worker.idle()
    expect(await job(id)).toMatchObject({ state: 'published', thread: null })
    expect(await commentOf(id)).toBeUndefined()
    const { html } = await house.anyone('GET', `/feed/northwind/posts/${id}`)
    expect(html).toMatch(/And then\s+The end/)
    expect(html).toContain(path)
    expect((await house.anyone('GET', path)).status).toBe(200)
  })

  test('a webhook gets the parts as a list, in one message', async () => {
    const word = crypto.randomUUID()
    const blue = await picture(house.alice, 'blue')
    const id = await send(
      await write({ text: word, thread: [{ text: 'Two', media: [blue] }], firstComment: 'Link' }),
      accounts.webhook,
    )
    await worker.idle()
    expect((await job(id)).state).toBe('published')
    const messages = received.filter(({ data }) => data.text === word)
    expect(messages).toHaveLength(1)
    expect(messages[0]?.data).toMatchObject({
      images: [],
      thread: [{ text: 'Two', images: [{ alt: 'blue' }] }],
      firstComment: 'Link',
    })
  })

  test('a flow starts for the post, not for its comment', async () => {
    const made = await house.alice.api('POST', '/workflows', { name: 'Flow', path: 'flow' })
    const word = crypto.randomUUID()
    const id = await send(
      await write({ text: word, thread: [{ text: 'Two' }], firstComment: 'Link' }),
      accounts.rehearsal,
    )
    await worker.idle()
    expect((await commentOf(id)).state).toBe('published')
    const inputs = await house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      ({ sql }) => sql`select input from workflow_runs where workflow_id = ${made.body.id}`,
    )
    expect(inputs.map(row => row.input)).toMatchObject([
      { data: { job: { id }, content: { text: word, thread: [{ text: 'Two' }], firstComment: 'Link' } } },
    ])
  })
})
