/** Our Mastodon server, judged by the public `masto` client: what that client takes for Mastodon is good enough for us. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createRestAPIClient, MastoHttpError } from 'masto'
import sharp from 'sharp'
import { type Mastodon, startMastodon } from './mastodon.ts'
import { countCharacters, toHtml } from './mastodon-text.ts'

let server: Mastodon
let me: ReturnType<Mastodon['addAccount']>
beforeAll(async () => {
  server = await startMastodon({ mediaPolls: 2 })
})
afterAll(() => server.stop())
beforeEach(() => {
  me = server.addAccount(`user${server.requests.length}`)
  server.faults.clear()
})

const client = (token = me.token) => createRestAPIClient({ url: server.url, accessToken: token })
const png = () =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: '#cc8844' } })
    .png()
    .toBuffer()

async function refusal(work: Promise<unknown>): Promise<{ status: number; message: string }> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof MastoHttpError)) throw new Error(`expected a refusal, got ${error}`)
  return { status: error.statusCode, message: error.message }
}

describe('as the masto client sees it', () => {
  test('instance, app and account introduce themselves', async () => {
    const instance = await client().v2.instance.fetch()
    expect(instance.configuration.statuses.maxCharacters).toBe(500)
    expect(instance.configuration.statuses.charactersReservedPerUrl).toBe(23)
    expect(instance.configuration.mediaAttachments).toMatchObject({ descriptionLimit: 1500 })
    expect((await client().v1.apps.verifyCredentials()).name).toBe('Masthead')
    expect((await client().v1.accounts.verifyCredentials()).username).toBe(me.username)
  })

  test('a picture is processed, attached once, and readable with its alt text', async () => {
    const original = await png()
    const media = await client().v2.media.create({
      file: new Blob([original], { type: 'image/png' }),
      description: 'a cup',
    })
    const status = await client().v1.statuses.create({
      status: 'Coffee #Kyoto\nhttps://example.com/a',
      mediaIds: [media.id],
    })
    const [listed] = await client().v1.accounts.$select(me.id).statuses.list({ limit: 5 })
    expect(listed?.id).toBe(status.id)
    expect(listed?.content).toContain('<br />')
    expect(listed?.content).toContain('href="https://example.com/a"')
    const attached = listed?.mediaAttachments[0]
    expect(attached?.description).toBe('a cup')
    expect(attached?.meta).toMatchObject({ original: { width: 40, height: 30 } })
    expect(Buffer.from(await (await fetch(attached?.url ?? '')).bytes()).equals(original)).toBe(true)
    const again = await refusal(client().v1.statuses.create({ status: 'twice', mediaIds: [media.id] }))
    expect(again).toEqual({
      status: 422,
      message: `Media ${media.id} not found or already attached to another post`,
    })
  })

  test('an unfinished picture is refused, and 206 turns into 200', async () => {
    const form = new FormData()
    form.set('file', new Blob([await png()], { type: 'image/png' }), 'a.png')
    const headers = { authorization: `Bearer ${me.token}` }
    const upload = await fetch(`${server.url}/api/v2/media`, { method: 'POST', body: form, headers })
    expect(upload.status).toBe(202)
    const { id, url } = (await upload.json()) as { id: string; url: string | null }
    expect(url).toBeNull()
    const early = await refusal(client().v1.statuses.create({ status: 'early', mediaIds: [id] }))
    expect(early.message).toBe(
      'Cannot attach files that have not finished processing. Try again in a moment!',
    )
    const poll = async () => (await fetch(`${server.url}/api/v1/media/${id}`, { headers })).status
    expect([await poll(), await poll(), await poll()]).toEqual([206, 206, 200])
  })

  test('bytes that are no picture are refused', async () => {
    const work = client().v2.media.create({
      file: new Blob(['GIF89a but no more'], { type: 'image/png' }),
    })
    expect(await refusal(work)).toEqual({
      status: 422,
      message: 'File type of uploaded media could not be verified',
    })
  })

  test('the same Idempotency-Key gives the first status back; another account has its own keys', async () => {
    const post = (token: string, text: string) =>
      client(token).v1.statuses.create(
        { status: text },
        { requestInit: { headers: { 'Idempotency-Key': 'job-1' } } },
      )
    const other = server.addAccount('other')
    const [first, again, foreign] = [
      await post(me.token, 'one'),
      await post(me.token, 'two'),
      await post(other.token, 'three'),
    ]
    expect(again.id).toBe(first.id)
    expect(foreign.id).not.toBe(first.id)
    expect(server.accepted.filter(({ accountId }) => accountId === me.id)).toMatchObject([
      { text: 'one', idempotencyKey: 'job-1' },
    ])
  })

  test('500 characters pass and 501 do not, links counting 23', async () => {
    const link = `https://example.com/${'x'.repeat(300)}`
    expect((await client().v1.statuses.create({ status: `${'é'.repeat(476)} ${link}` })).id).toBeString()
    const refused = await refusal(client().v1.statuses.create({ status: `${'é'.repeat(477)} ${link}` }))
    expect(refused).toEqual({
      status: 422,
      message: 'Validation failed: Text character limit of 500 exceeded',
    })
    const blank = await refusal(client().v1.statuses.create({ status: ' ' }))
    expect(blank.message).toBe("Validation failed: Text can't be blank")
  })

  test('counts, deletion and pages', async () => {
    const ids: string[] = []
    for (const text of ['a', 'b', 'c']) ids.unshift((await client().v1.statuses.create({ status: text })).id)
    server.setCounts(ids[0] ?? '', { favourites: 3, reblogs: 2, replies: 1 })
    const read = await client()
      .v1.statuses.$select(ids[0] ?? '')
      .fetch()
    expect([read.favouritesCount, read.reblogsCount, read.repliesCount]).toEqual([3, 2, 1])
    const pages: string[] = []
    for await (const page of client().v1.accounts.$select(me.id).statuses.list({ limit: 2 }))
      pages.push(...page.map(({ id }) => id))
    expect(pages).toEqual(ids)
    await client()
      .v1.statuses.$select(ids[0] ?? '')
      .remove()
    expect(
      await refusal(
        client()
          .v1.statuses.$select(ids[0] ?? '')
          .fetch(),
      ),
    ).toEqual({ status: 404, message: 'Record not found' })
  })

  test('an unknown, a revoked and a frozen token', async () => {
    const verify = (token: string) => refusal(client(token).v1.accounts.verifyCredentials())
    expect(await verify('nonsense')).toEqual({ status: 401, message: 'The access token is invalid' })
    server.revoke(me.token)
    expect(await verify(me.token)).toEqual({ status: 401, message: 'The access token was revoked' })
    server.disable(me.token)
    expect(await verify(me.token)).toEqual({ status: 403, message: 'Your login is currently disabled' })
  })
})

describe('faults on request', () => {
  const call = 'POST /api/v1/statuses'
  const post = (text: string, signal?: AbortSignal) =>
    fetch(`${server.url}/api/v1/statuses`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${me.token}`,
        'content-type': 'application/json',
        'idempotency-key': text,
      },
      body: JSON.stringify({ status: text }),
      ...(signal ? { signal } : {}),
    })
  const arrived = () => server.accepted.filter(({ accountId }) => accountId === me.id).map(({ text }) => text)

  test('a status before acceptance leaves nothing, one after it leaves the post', async () => {
    server.faults.next(call, { is: 'status', status: 503 })
    expect((await post('before')).status).toBe(503)
    expect(arrived()).toEqual([])
    server.faults.next(call, { is: 'status', status: 500, when: 'after' })
    expect((await post('after')).status).toBe(500)
    expect(arrived()).toEqual(['after'])
    // The repeat with the same key finds the first: still one.
    expect((await post('after')).status).toBe(200)
    expect(arrived()).toEqual(['after'])
  })

  test('a cut connection before and after acceptance', async () => {
    server.faults.next(call, { is: 'drop' })
    expect(post('cut before')).rejects.toThrow()
    server.faults.next(call, { is: 'drop', when: 'after' })
    await expect(post('cut after')).rejects.toThrow()
    server.faults.next(call, { is: 'cut', when: 'after' })
    await expect(post('cut in the body').then(response => response.text())).rejects.toThrow()
    expect(arrived()).toEqual(['cut after', 'cut in the body'])
  })

  test('a hanging server, with the post taken in', async () => {
    server.faults.next(call, { is: 'hang', when: 'after' })
    await expect(post('hang', AbortSignal.timeout(100))).rejects.toThrow()
    expect(arrived()).toEqual(['hang'])
  })

  test('throttled says when the window opens, in ISO time', async () => {
    const resetAt = new Date(Date.now() + 90_000)
    server.faults.next(call, { is: 'throttled', resetAt })
    const response = await post('too many')
    expect(response.status).toBe(429)
    expect(response.headers.get('x-ratelimit-reset')).toBe(resetAt.toISOString())
    expect(arrived()).toEqual([])
  })

  test('the documented limit of requests holds without any fault', async () => {
    const small = await startMastodon({ rateLimit: 2 })
    const { token } = small.addAccount('busy')
    const ask = () =>
      fetch(`${small.url}/api/v1/accounts/verify_credentials`, {
        headers: { authorization: `Bearer ${token}` },
      })
    const answers = [await ask(), await ask(), await ask()]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(answers.map(({ headers }) => headers.get('x-ratelimit-remaining'))).toEqual(['1', '0', '0'])
    await small.stop()
  })

  test('down is down, and up again', async () => {
    server.down = true
    await expect(post('down')).rejects.toThrow()
    server.down = false
    expect((await post('up')).status).toBe(200)
  })
})

test('counting and HTML', () => {
  expect(countCharacters('👩‍👩‍👧‍👦é')).toBe(2)
  expect(countCharacters('hi @anna@example.social')).toBe('hi @anna'.length)
  expect(countCharacters('see https://example.com/long/path.')).toBe(4 + 23 + 1)
  expect(countCharacters('b', 'a')).toBe(2)
  expect(toHtml('<b>&"\n\ntwo', 'http://x')).toBe('<p>&lt;b&gt;&amp;&quot;</p><p>two</p>')
})
