/** The signed webhook against a receiver of ours that verifies with the public `standardwebhooks` package. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Webhook } from 'standardwebhooks'
import { ConnectionFailed } from '../../src/platforms/platform.ts'
import { webhook } from '../../src/platforms/webhook.ts'
import { signatureHeaders } from '../../src/platforms/webhook-delivery.ts'
import { type Served, serve } from '../peers/serve.ts'
import { contract } from './contract.ts'
import { connectWorld, pictureOf, postOf, publish, settle, type World } from './world.ts'

interface Message {
  type: string
  data: { jobId: string; text: string; images: unknown[] }
}

let receiver: Served
let host = ''
/** What the receiver took in, by path and webhook-id: it dedupes as the standard asks. */
const taken = new Map<string, Map<string, Message>>()
let answer: unknown = {}
beforeAll(async () => {
  receiver = await serve(request => {
    const inbox = taken.get(request.path) ?? new Map<string, Message>()
    taken.set(request.path, inbox)
    const id = request.headers.get('webhook-id') ?? ''
    if (!inbox.has(id)) inbox.set(id, JSON.parse(new TextDecoder().decode(request.raw)))
    return Response.json(answer)
  })
  host = new URL(receiver.url).host
})
afterAll(() => receiver.stop())

let count = 0
const connect = (path = `/hooks/${++count}`) =>
  connectWorld(webhook, { url: `${receiver.url}${path}` }, [host])
const pathOf = (world: World) => new URL(String(world.account.settings.url)).pathname
const posts = (world: World) =>
  [...(taken.get(pathOf(world))?.values() ?? [])].filter(({ type }) => type === 'post.published')

describe('webhook', () => {
  contract({
    world: () => connect(),
    visible: async world => posts(world).map(({ data }) => data.text),
    fail: (fault, times) => receiver.faults.next('POST *', fault, times),
    failAll: (fault, times) => receiver.faults.next('POST *', fault, times),
    clear: () => receiver.faults.clear(),
    looks: false,
    namesIt: false,
    secrets: world => [String(world.secret.secret)],
  })

  test('every message verifies with the public library, the ping too, and a changed one does not', async () => {
    const world = await connect()
    const post = postOf('Grüße 👋', [await pictureOf()])
    receiver.faults.next('POST *', { is: 'status', status: 503 })
    await settle(world, post)
    const sent = receiver.requests.filter(({ path }) => path === pathOf(world))
    expect(sent.length).toBe(3)
    const verifier = new Webhook(String(world.secret.secret))
    for (const { raw, headers } of sent) {
      const plain = Object.fromEntries(headers)
      const body = new TextDecoder().decode(raw)
      expect(() => verifier.verify(body, plain)).not.toThrow()
      expect(() => verifier.verify(`${body} `, plain)).toThrow()
      expect(() => verifier.verify(body, { ...plain, 'webhook-id': 'other' })).toThrow()
    }
    const [, first, second] = sent
    expect(first?.headers.get('webhook-id')).toBe(post.jobId)
    expect(second?.raw).toEqual(first?.raw as Uint8Array)
    expect(JSON.parse(new TextDecoder().decode(first?.raw))).toEqual({
      type: 'post.published',
      timestamp: post.plannedAt.toISOString(),
      data: {
        jobId: post.jobId,
        contentId: post.contentId,
        text: 'Grüße 👋',
        images: [
          {
            url: 'https://masthead.test/media/1',
            alt: 'A grey square',
            type: 'image/jpeg',
            width: 64,
            height: 48,
          },
        ],
        plannedAt: post.plannedAt.toISOString(),
      },
    })
  })

  // From https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/javascript/src/webhook.test.ts
  test('the published test vector', () => {
    const headers = signatureHeaders(
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1614265330,
      '{"test": 2432232314}',
    )
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  test('the secret is revealed at connect and nowhere else', async () => {
    const connected = await webhook.connect(
      { url: `${receiver.url}/reveal` },
      { fetch: (await connect()).fetch, signal: new AbortController().signal },
    )
    expect(connected.reveal?.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(JSON.stringify(connected.settings)).not.toContain('whsec_')
  })

  test.each([
    [{ id: 'abc', url: 'https://site.example/abc' }, 'abc', 'https://site.example/abc'],
    [{ id: 42, url: 'javascript:alert(1)' }, '42', null],
    ['<html>', null, null],
    [null, null, null],
  ])('answer %j', async (told, id, url) => {
    const world = await connect()
    answer = told
    const post = postOf('Where?')
    expect(await publish(world, post)).toEqual({
      is: 'published',
      remoteId: id ?? post.jobId,
      remoteUrl: url,
    })
    answer = {}
  })

  test('a 2xx whose body is cut or endless counts as delivered', async () => {
    const world = await connect()
    receiver.faults.next('POST *', { is: 'cut', when: 'after' })
    expect((await publish(world, postOf('Cut'))).is).toBe('published')
    answer = 'x'.repeat(3_000_000)
    expect((await publish(world, postOf('Endless'))).is).toBe('published')
    answer = {}
  })

  test.each([
    [410, 'reconnect'],
    [301, 'reconnect'],
    [307, 'reconnect'],
    [400, 'rejected'],
    [413, 'rejected'],
    [422, 'rejected'],
    [401, 'retry'],
    [404, 'retry'],
    [408, 'retry'],
    [500, 'retry'],
    [503, 'retry'],
  ])('%d means %s', async (status, is) => {
    const world = await connect()
    receiver.faults.next('POST *', { is: 'status', status, body: 'internal hostname db-1.internal' })
    const outcome = await publish(world, postOf('Hm'))
    expect<string>(outcome.is).toBe(is)
    expect(JSON.stringify(outcome)).not.toContain('db-1')
  })

  test.each([
    ['an address that answers 500', 500, /500/, false],
    ['an address that answers 404', 404, /404/, true],
    ['a redirect', 302, /redirect/, true],
    ['an address that is gone', 410, /gone/, true],
  ])('connect refuses %s with a sentence', async (_name, status, words, final) => {
    receiver.faults.next('POST *', { is: 'status', status })
    const error = await connect().catch(reason => reason)
    expect(error).toBeInstanceOf(ConnectionFailed)
    expect(error.message).toMatch(words)
    expect(error.final).toBe(final)
  })

  test.each(['http://127.0.0.1:1/x', 'https://[::1]/', 'http://example.com/', 'https://localhost/x'])(
    'connect does not call %s',
    async url => {
      const error = await connectWorld(webhook, { url }, [host]).catch(reason => reason)
      expect(error).toBeInstanceOf(ConnectionFailed)
      expect(error.final).toBe(true)
    },
  )

  test('an address where nobody listens is out of reach, not refused', async () => {
    const error = await connectWorld(webhook, { url: 'http://127.0.0.1:1/x' }, ['127.0.0.1:1']).catch(
      reason => reason,
    )
    expect(error).toBeInstanceOf(ConnectionFailed)
    expect(error.message).toContain('could not be reached')
    expect(error.final).toBe(false)
  })
})
