import { afterAll, beforeAll, describe, expect, setSystemTime, test } from 'bun:test'
import sharp from 'sharp'
import { keyOf, mastodon } from '../../src/platforms/mastodon.ts'
import { ConnectionFailed } from '../../src/platforms/platform.ts'
import { type Mastodon, startMastodon } from '../peers/index.ts'
import { contract } from './contract.ts'
import {
  connectWorld,
  pictureOf,
  postOf,
  publish,
  readBack,
  reconcile,
  sendingOf,
  settle,
  type World,
} from './world.ts'

let server: Mastodon
let forgetful: Mastodon
beforeAll(async () => {
  server = await startMastodon({ mediaPolls: 1, rateLimit: 100_000 })
  forgetful = await startMastodon({ idempotency: false, rateLimit: 100_000 })
})
afterAll(() => Promise.all([server.stop(), forgetful.stop()]))

let people = 0
async function account(at: Mastodon): Promise<World> {
  const { token } = at.addAccount(`ada${++people}`)
  return connectWorld(mastodon, { instance: at.url, token }, [at.host])
}
const visible = (at: Mastodon) => async (world: World) =>
  at.statuses(world.account.remoteId).map(status => status.text)
const token = (world: World) => String(world.secret.token)
const statusCall = 'POST /api/v1/statuses'

describe('mastodon', () => {
  contract({
    world: () => account(server),
    visible: world => visible(server)(world),
    fail: (fault, times) => server.faults.next(statusCall, fault, times),
    failAll: (fault, times) => server.faults.next('*', fault, times),
    clear: () => server.faults.clear(),
    revoke: async world => server.revoke(token(world)),
    uploads: () =>
      server.requests.filter(({ method, path }) => method === 'POST' && path === '/api/v2/media').length,
    looks: true,
    readsBack: true,
    namesIt: true,
    secrets: world => [token(world)],
  })
})

describe('mastodon-compatible servers that ignore the key', () => {
  const world = async () => {
    const made = await account(forgetful)
    made.account.settings.keyed = false
    return made
  }
  contract({
    world,
    visible: made => visible(forgetful)(made),
    fail: (fault, times) => forgetful.faults.next(statusCall, fault, times),
    failAll: (fault, times) => forgetful.faults.next('*', fault, times),
    clear: () => forgetful.faults.clear(),
    looks: true,
    readsBack: true,
    namesIt: true,
    secrets: made => [token(made)],
  })

  test('when looking fails too, nobody guesses', async () => {
    const made = await world()
    const post = postOf('Where is it?')
    forgetful.faults.next(statusCall, { is: 'drop', when: 'after' })
    expect((await publish(made, post)).is).toBe('unconfirmed')
    forgetful.faults.next(
      `GET /api/v1/accounts/${made.account.remoteId}/statuses`,
      { is: 'status', status: 500 },
      2,
    )
    expect((await reconcile(made, post)).is).toBe('unconfirmed')
    expect((await publish(made, post)).is).toBe('unconfirmed')
    expect(await visible(forgetful)(made)).toEqual(['Where is it?'])
    expect((await settle(made, post)).is).toBe('published')
    expect(await visible(forgetful)(made)).toEqual(['Where is it?'])
  })
})

describe('mastodon in particular', () => {
  test('connect reads the server’s own limits and who we are', async () => {
    const small = await startMastodon({ maxCharacters: 140, maxMedia: 2 })
    const { token: given } = small.addAccount('ada')
    const { account: made } = await connectWorld(
      mastodon,
      { instance: `${small.url}/@ada`, token: ` ${given} ` },
      [small.host],
    )
    expect(made.limits).toMatchObject({
      text: { max: 140, count: 'mastodon', linkLength: 23 },
      images: { max: 2 },
    })
    expect(made).toMatchObject({
      handle: `ada@${small.host}`,
      settings: { instance: small.url, keyed: true, application: 'Masthead' },
    })
    await small.stop()
  })

  test.each([
    ['a wrong token', () => ({ instance: server.url, token: 'wrong' }), /token/, true],
    [
      'an address that is no Mastodon server',
      () => ({ instance: 'http://127.0.0.1:1', token: 'x' }),
      /reached/,
      false,
    ],
    ['an inside address', () => ({ instance: 'https://10.0.0.1', token: 'x' }), /private network/, true],
  ])('connect refuses %s with a sentence', async (_name, typed, words, final) => {
    const error = await connectWorld(mastodon, typed(), [server.host, '127.0.0.1:1']).catch(reason => reason)
    expect(error).toBeInstanceOf(ConnectionFailed)
    expect(error.message).toMatch(words)
    expect(error.final).toBe(final)
  })

  test('sends the key of the job, alt texts and processed pictures', async () => {
    const world = await account(server)
    const post = postOf('With alt', [await pictureOf(40, 30, 'png', 'Ein Bär')])
    await settle(world, post)
    const sent = server.accepted.at(-1)
    expect(sent).toMatchObject({ text: 'With alt', idempotencyKey: keyOf(post) })
    expect(server.media(sent?.mediaIds[0] ?? '')?.description).toBe('Ein Bär')
    expect(server.requests.some(({ path }) => path === `/api/v1/media/${sent?.mediaIds[0]}`)).toBe(true)
  })

  test('a picture over the server’s cap is made smaller first', async () => {
    const world = await account(server)
    world.account.limits = {
      ...world.account.limits,
      images: { ...world.account.limits.images, shrinkToBytes: 20_000, shrinkToPixels: 100_000 },
    }
    await settle(world, postOf('Small', [await pictureOf(800, 600)]))
    const bytes = server.media(server.accepted.at(-1)?.mediaIds[0] ?? '')?.bytes ?? new Uint8Array()
    expect(bytes.length).toBeWithin(100, 20_001)
    const { width, height } = await sharp(bytes).metadata()
    expect(width * height).toBeLessThanOrEqual(100_000)
    expect(width / height).toBeCloseTo(4 / 3, 1)
  })

  test('a text with markup, links, mentions and lines is recognised when we look', async () => {
    const world = await account(server)
    const post = postOf(
      '<b>"Tom & Ada\'s"</b>\n\nsee https://example.com/a?b=1&c=2 @ada@example.org #café\nend',
    )
    server.faults.next(statusCall, { is: 'drop', when: 'after' })
    await publish(world, post)
    expect(await reconcile(world, post)).toMatchObject({
      is: 'published',
      remoteId: server.accepted.at(-1)?.id ?? '',
    })
  })

  test('after the key’s hour it looks, and does not send blindly when it cannot', async () => {
    const world = await account(server)
    const post = postOf('An hour later')
    server.faults.next(statusCall, { is: 'drop' })
    expect((await publish(world, post)).is).toBe('retry')
    try {
      setSystemTime(new Date(Date.now() + 3_700_000))
      server.faults.next(
        `GET /api/v1/accounts/${world.account.remoteId}/statuses`,
        { is: 'status', status: 500 },
        2,
      )
      expect((await publish(world, post)).is).toBe('unconfirmed')
      expect((await reconcile(world, post)).is).toBe('unconfirmed')
      expect(await reconcile(world, post)).toEqual({ is: 'absent' })
      expect((await publish(world, post)).is).toBe('published')
    } finally {
      setSystemTime()
    }
    expect(await visible(server)(world)).toEqual(['An hour later'])
  })

  test('an older post with the same words, or one with other pictures, is not taken for this one', async () => {
    const world = await account(server)
    try {
      setSystemTime(new Date(Date.now() - 180_000))
      await settle(world, postOf('Good morning'))
    } finally {
      setSystemTime()
    }
    await settle(world, postOf('Good morning', [await pictureOf()]))
    const post = postOf('Good morning')
    server.faults.next(statusCall, { is: 'drop' })
    expect((await publish(world, post)).is).toBe('retry')
    expect(await reconcile(world, post)).toEqual({ is: 'absent' })
    expect((await settle(world, post)).is).toBe('published')
    expect(await visible(server)(world)).toEqual(['Good morning', 'Good morning', 'Good morning'])
  })

  test('a frozen login holds the job', async () => {
    const world = await account(server)
    server.disable(token(world))
    expect(await publish(world, postOf('Frozen'))).toMatchObject({
      is: 'reconnect',
      why: { code: 'forbidden' },
    })
  })

  test('reading back sees through the HTML, and finds what somebody edited or removed', async () => {
    const world = await account(server)
    const post = postOf('Hello @bob@example.org,\n\nsee https://example.org/x', [await pictureOf()])
    const done = await settle(world, post)
    const id = done.is === 'published' ? done.remoteId : ''
    expect(await readBack(world, post, id)).toEqual([
      { kind: 'explained', words: 'A picture was written anew on the way.' },
      { kind: 'explained', words: 'Links are shown shortened and lead to the whole address.' },
    ])
    const [status] = server.statuses(world.account.remoteId)
    if (!status) throw new Error('nothing was published')
    status.text = 'Hello,\n\nsee https://example.org/x'
    expect(await readBack(world, post, id)).toContainEqual({
      kind: 'different',
      words: 'The words there are not those that were sent.',
    })
    expect(await readBack(world, post, '1')).toBeNull()
  })

  test('counts', async () => {
    const world = await account(server)
    const post = postOf('Count me')
    const done = await settle(world, post)
    const id = done.is === 'published' ? done.remoteId : ''
    server.setCounts(id, { favourites: 3, reblogs: 2, replies: 1 })
    expect(await mastodon.metrics?.(world.account, id, sendingOf(world, post))).toMatchObject({
      likes: 3,
      reposts: 2,
      replies: 1,
    })
    expect(await mastodon.metrics?.(world.account, '1', sendingOf(world, post))).toBeNull()
  })
})
