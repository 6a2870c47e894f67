/** Bluesky against a real PDS, through a proxy of ours that fails on request. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { findFacets } from '../../src/lib/text.ts'
import { bluesky } from '../../src/platforms/bluesky.ts'
import { recordKey } from '../../src/platforms/bluesky-record.ts'
import { ConnectionFailed } from '../../src/platforms/platform.ts'
import { describePeer, type Pds, type PdsAccount, startPds } from '../peers/index.ts'
import { type Served, serve } from '../peers/serve.ts'
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

describe('record keys', () => {
  test('are TIDs: the same for the same job, in the order of their times, different for different jobs', () => {
    const plannedAt = new Date('2026-11-21T10:00:00Z')
    const key = recordKey({ jobId: 'a', part: 1, plannedAt })
    expect(key).toMatch(/^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/)
    expect(recordKey({ jobId: 'a', part: 1, plannedAt })).toBe(key)
    expect(recordKey({ jobId: 'b', part: 1, plannedAt })).not.toBe(key)
    expect(recordKey({ jobId: 'z', part: 1, plannedAt: new Date(plannedAt.getTime() + 2) }) > key).toBe(true)
  })
})

describePeer('pds', 'bluesky', () => {
  let pds: Pds
  let proxy: Served
  let host = ''
  const people = new Map<string, PdsAccount>()
  beforeAll(async () => {
    pds = await startPds()
    proxy = await serve(async request => {
      const answer = await fetch(`${pds.url}${request.path}?${request.query}`, {
        method: request.method,
        headers: Object.fromEntries(
          [...request.headers].filter(([name]) => !['host', 'connection', 'content-length'].includes(name)),
        ),
        ...(request.method === 'POST' ? { body: new Uint8Array(request.raw) } : {}),
      })
      const headers = new Headers({ 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
      return new Response(await answer.arrayBuffer(), { status: answer.status, headers })
    })
    host = new URL(proxy.url).host
    // A busy machine may take longer than a test's usual time to start a server.
  }, 60_000)
  afterAll(async () => {
    await proxy?.stop()
    await pds?.stop()
  })

  let count = 0
  let person: PdsAccount | undefined
  const before = new Map<World, Set<string>>()
  /** One account serves many tests (making one is slow); each sees only what came after its own start. */
  async function world(): Promise<World> {
    person ??= await pds.createAccount(`ada${++count}`)
    people.set(person.did, person)
    const made = await connected(person)
    before.set(made, new Set((await pds.records(person.did)).map(record => record.uri)))
    return made
  }
  const records = async (made: World) =>
    (await pds.records(made.account.remoteId)).filter(record => !before.get(made)?.has(record.uri))
  function connected(person: PdsAccount): Promise<World> {
    return connectWorld(
      bluesky,
      { service: proxy.url, identifier: person.handle, password: person.appPassword },
      [host],
    )
  }
  const visible = async (made: World) => (await records(made)).map(record => String(record.value.text))
  const calls = (method: string) => proxy.requests.filter(({ path }) => path === `/xrpc/${method}`).length
  const call = (method: string) => `POST /xrpc/${method}`
  const put = call('com.atproto.repo.putRecord')

  contract({
    world,
    visible,
    fail: (fault, times) => proxy.faults.next(put, fault, times),
    failAll: (fault, times) => proxy.faults.next('*', fault, times),
    clear: () => proxy.faults.clear(),
    revoke: async made => {
      const locked = people.get(made.account.remoteId)
      if (!locked) throw new Error('no such person')
      await pds.revokeAppPassword(locked)
      person = undefined
      // An access token outlives its app password by up to two hours; this one has aged.
      made.secret = { ...made.secret, accessJwt: 'aged' }
    },
    uploads: () => calls('com.atproto.repo.uploadBlob'),
    looks: true,
    readsBack: true,
    namesIt: true,
    secrets: made => [made.secret.password, made.secret.accessJwt, made.secret.refreshJwt].map(String),
  })

  test.each([
    ['a wrong password', { password: 'wrong-wrong' }, /app password/, true],
    ['an unknown handle', { identifier: 'nobody.test' }, /app password/, true],
    ['a server that is not there', { service: 'http://127.0.0.1:1' }, /reached/, false],
  ])('connect refuses %s with a sentence', async (_name, change, words, final) => {
    const person = await pds.createAccount(`bob${++count}`)
    const typed = { service: proxy.url, identifier: person.handle, password: person.appPassword, ...change }
    const error = await connectWorld(bluesky, typed, [host, '127.0.0.1:1']).catch(reason => reason)
    expect(error).toBeInstanceOf(ConnectionFailed)
    expect(error.message).toMatch(words)
    expect(error.final).toBe(final)
  })

  test('a pasted handle with @ and invisible marks connects', async () => {
    const person = await pds.createAccount(`eve${++count}`)
    const typed = {
      service: ` ${proxy.url}/ `,
      identifier: `\u2068@${person.handle}\u2069 `,
      password: person.appPassword,
    }
    const { account } = await connectWorld(bluesky, typed, [host])
    expect(account).toMatchObject({
      handle: person.handle,
      remoteId: person.did,
      settings: { service: proxy.url },
    })
  })

  test('the record holds facets by bytes, the picture with alt text and shape, and the first try’s time', async () => {
    const made = await world()
    const friend = [...people.values()][0]
    const text = `👋 grüß @${friend?.handle} and @nobody.test https://example.com/a?b=ü #Café`
    const post = postOf(text, [await pictureOf(80, 40, 'jpeg', 'Ein Bär')])
    proxy.faults.next(put, { is: 'drop' })
    const outcome = await settle(made, post)
    const [record] = await records(made)
    expect(record).toMatchObject({
      rkey: recordKey(post),
      value: {
        text,
        embed: {
          $type: 'app.bsky.embed.images',
          images: [{ alt: 'Ein Bär', aspectRatio: { width: 80, height: 40 } }],
        },
      },
    })
    const [mention, , link, tag] = findFacets(text)
    expect(record?.value.facets).toMatchObject([
      {
        index: { byteStart: mention?.start },
        features: [{ $type: 'app.bsky.richtext.facet#mention', did: friend?.did }],
      },
      {
        index: { byteStart: link?.start, byteEnd: link?.end },
        features: [{ uri: 'https://example.com/a?b=ü' }],
      },
      { index: { byteStart: tag?.start, byteEnd: tag?.end }, features: [{ tag: 'Café' }] },
    ])
    expect(made.notes.join()).toContain('plain text')
    expect(outcome).toMatchObject({
      remoteId: record?.uri,
      remoteUrl: `https://bsky.app/profile/${made.account.remoteId}/post/${record?.rkey}`,
    })
  })

  test('a repeat writes nothing new at the server', async () => {
    const made = await world()
    const post = postOf('The same again')
    await settle(made, post)
    const revision = await pds.revision(made.account.remoteId)
    await Promise.all([publish(made, post), publish(made, post), publish(made, post)])
    expect(await pds.revision(made.account.remoteId)).toBe(revision)
  })

  test('a picture over the cap is made smaller and keeps its shape', async () => {
    const made = await world()
    const picture = await pictureOf(2400, 1600)
    expect(picture.bytes).toBeGreaterThan(1_000_000)
    await settle(made, postOf('Big picture', [picture]))
    const [record] = await records(made)
    const embed = record?.value.embed as
      | { images: { image: { ref: { $link: string } }; aspectRatio: object }[] }
      | undefined
    const image = embed?.images[0]
    const { bytes } = await pds.getBlob(made.account.remoteId, image?.image.ref.$link ?? '')
    expect(bytes.length).toBeLessThanOrEqual(1_000_000)
    const { width, height } = await sharp(bytes).metadata()
    expect(image?.aspectRatio).toEqual({ width, height })
    expect(width / height).toBeCloseTo(1.5, 1)
  })

  test('no sign-in per post, and an aged token is refreshed once', async () => {
    const made = await world()
    const signIns = calls('com.atproto.server.createSession')
    await settle(made, postOf('One'))
    await settle(made, postOf('Two'))
    const refreshes = calls('com.atproto.server.refreshSession')
    proxy.faults.next(put, {
      is: 'status',
      status: 400,
      body: { error: 'ExpiredToken', message: 'Token has expired' },
    })
    expect((await publish(made, postOf('Three'))).is).toBe('published')
    expect(made.renewals).toBe(1)
    expect(calls('com.atproto.server.refreshSession')).toBe(refreshes + 1)
    expect(calls('com.atproto.server.createSession')).toBe(signIns)
    expect(await visible(made)).toEqual(['One', 'Two', 'Three'])
  })

  test('a spent refresh token: signs in again with the app password, once', async () => {
    const made = await world()
    const signIns = calls('com.atproto.server.createSession')
    made.secret = { ...made.secret, accessJwt: 'aged', refreshJwt: 'spent' }
    expect((await publish(made, postOf('Back again'))).is).toBe('published')
    expect(calls('com.atproto.server.createSession')).toBe(signIns + 1)
    expect(made.secret.refreshJwt).not.toBe('spent')
  })

  test('a server in trouble while refreshing is not a lost account', async () => {
    const made = await world()
    made.secret = { ...made.secret, accessJwt: 'aged' }
    proxy.faults.next(call('com.atproto.server.refreshSession'), {
      is: 'status',
      status: 502,
      body: 'bad gateway',
    })
    expect((await publish(made, postOf('Later'))).is).toBe('retry')
    expect((await publish(made, postOf('Now'))).is).toBe('published')
  })

  test('somebody else’s renewal is used, not repeated', async () => {
    const made = await world()
    const post = postOf('Renewed meanwhile')
    const sending = sendingOf(made, post)
    const refreshes = calls('com.atproto.server.refreshSession')
    const fresh = made.secret
    const credential = {
      current: { ...fresh, accessJwt: 'aged' },
      renew: (work: (c: typeof fresh) => Promise<typeof fresh>) => work(fresh),
    }
    expect((await bluesky.publish(made.account, post, { ...sending, credential })).is).toBe('published')
    expect(calls('com.atproto.server.refreshSession')).toBe(refreshes)
  })

  test('reading back tells a picture made to fit from another one, and a changed record from a removed one', async () => {
    const made = await world()
    const big = await pictureOf(900, 800, 'png')
    const post = postOf('Made to fit', [big, await pictureOf()])
    const done = await settle(made, post)
    const remoteId = done.is === 'published' ? done.remoteId : ''
    expect(await readBack(made, post, remoteId)).toEqual([
      { kind: 'explained', words: 'A picture was written anew on the way.' },
    ])
    const [record] = await records(made)
    const change = (method: string, record: object) =>
      fetch(`${pds.url}/xrpc/com.atproto.repo.${method}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${made.secret.accessJwt}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ repo: made.account.remoteId, collection: 'app.bsky.feed.post', ...record }),
      })
    if (!record) throw new Error('nothing was published')
    const { images } = record.value.embed as { images: { image: object; alt: string }[] }
    const swapped = images.map((image, at) => ({
      ...image,
      image: images[1 - at]?.image,
      alt: at === 0 ? '' : 'A grey',
    }))
    const value = { ...record.value, embed: { $type: 'app.bsky.embed.images', images: swapped } }
    expect((await change('putRecord', { rkey: record.rkey, record: value })).status).toBe(200)
    expect(await readBack(made, post, remoteId)).toEqual([
      { kind: 'different', words: 'Picture 1 is not the one that was sent.' },
      { kind: 'different', words: 'Picture 2 is not the one that was sent.' },
      { kind: 'different', words: 'Picture 1 has no alt text there.' },
      { kind: 'explained', words: 'The alt text of picture 2 is cut off there.' },
    ])
    expect((await change('deleteRecord', { rkey: record.rkey })).status).toBe(200)
    expect(await readBack(made, post, remoteId)).toBeNull()
  })

  test('looking never sends', async () => {
    const made = await world()
    const posts = () => proxy.requests.filter(({ method }) => method === 'POST').length
    const sofar = posts()
    expect(await reconcile(made, postOf('Nothing'))).toEqual({ is: 'absent' })
    expect(posts()).toBe(sofar)
  })

  test('counts are null where no one counts', async () => {
    const made = await world()
    const post = postOf('Count me')
    const done = await settle(made, post)
    expect(
      await bluesky.metrics?.(
        made.account,
        done.is === 'published' ? done.remoteId : '',
        sendingOf(made, post),
      ),
    ).toBeNull()
  })
})
