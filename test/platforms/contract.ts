/** The one suite that every platform adapter passes. A setup says what the adapter's peer can be made to do. */
import { beforeEach, expect, test } from 'bun:test'
import { createOutbound } from '../../src/lib/fetch.ts'
import type { Fault } from '../peers/index.ts'
import { pictureOf, postOf, publish, readBack, reconcile, settle, type World } from './world.ts'

export interface Setup {
  /** A connected account at a fresh place. */
  world(): Promise<World>
  /** What outsiders see for this account: one text per visible post. */
  visible(world: World): Promise<string[]>
  /** Makes the next publishing calls go wrong; absent where nothing travels over a network. */
  fail?(fault: Fault, times?: number): void
  /** Makes the next calls of every kind go wrong. */
  failAll?(fault: Fault, times?: number): void
  clear?(): void
  /** Takes our access away, as the person on the other side would. */
  revoke?(world: World): Promise<void>
  /** Upload calls that the peer has seen so far. */
  uploads?(): number
  /** Whether looking can tell arrived from not arrived. */
  looks: boolean
  /** Whether the peer names what it made in its answer, so that an answer without a name proves nothing. */
  namesIt: boolean
  /** Whether a published post can be read back. */
  readsBack?: true
  /** Secrets that must never show up in a failure. */
  secrets(world: World): string[]
}

export function contract(setup: Setup): void {
  const remote = setup.fail ?? null
  beforeEach(() => setup.clear?.())

  test('publishes text and a picture, once, and says where', async () => {
    const world = await setup.world()
    const post = postOf(`Hello, world ${crypto.randomUUID()}`, [await pictureOf()])
    const outcome = await publish(world, post)
    expect(outcome).toMatchObject({ is: 'published', remoteId: expect.any(String) })
    expect(world.armed).toBe(1)
    expect(await setup.visible(world)).toEqual([post.text])
  })

  test('a repeated send does not double, and names the same post', async () => {
    const world = await setup.world()
    const post = postOf(`Once only ${crypto.randomUUID()}`, [await pictureOf()])
    const first = await settle(world, post)
    expect(await settle(world, post)).toEqual(first)
    expect(await setup.visible(world)).toEqual([post.text])
  })

  test('a lost lease sends nothing', async () => {
    const world = await setup.world()
    world.onArm = () => {
      throw new Error('the lease is gone')
    }
    await expect(publish(world, postOf('Not ours any more'))).rejects.toThrow('the lease is gone')
    expect(await setup.visible(world)).toEqual([])
  })

  test('what does not fit is rejected in words, and nothing is sent', async () => {
    const world = await setup.world()
    const { limits } = world.account
    const picture = await pictureOf()
    const tooLong = await publish(world, postOf('x'.repeat(limits.text.max + 7)))
    expect(tooLong).toMatchObject({ is: 'rejected', why: { code: 'text_too_long' } })
    expect(JSON.stringify(tooLong)).toContain(`${limits.text.max}`)
    expect(JSON.stringify(tooLong)).toContain('Shorten the text by 7')
    const many = Array.from({ length: limits.images.max + 1 }, (_, index) => ({
      ...picture,
      id: `i${index}`,
    }))
    expect(await publish(world, postOf('x', many))).toMatchObject({
      is: 'rejected',
      why: { code: 'too_many_images' },
    })
    const alt = { ...picture, alt: 'x'.repeat(limits.images.maxAlt + 1) }
    expect(await publish(world, postOf('x', [alt]))).toMatchObject({
      is: 'rejected',
      why: { code: 'alt_too_long' },
    })
    expect(await publish(world, postOf('x', [{ ...picture, type: 'image/svg+xml' }]))).toMatchObject({
      is: 'rejected',
    })
    expect(await publish(world, postOf('  '))).toMatchObject({ is: 'rejected', why: { code: 'empty' } })
    expect(world.armed).toBe(0)
    expect(await setup.visible(world)).toEqual([])
  })

  if (setup.looks) {
    test('looking finds what arrived and says absent for what did not', async () => {
      const world = await setup.world()
      const [there, not] = [
        postOf(`There ${crypto.randomUUID()}`),
        postOf(`Not there ${crypto.randomUUID()}`),
      ]
      expect(await reconcile(world, not)).toEqual({ is: 'absent' })
      const outcome = await settle(world, there)
      expect(await reconcile(world, there)).toEqual(outcome)
      expect(await reconcile(world, not)).toEqual({ is: 'absent' })
    })
  }

  if (setup.readsBack) {
    test('what it has published reads back as it was sent, or with what the platform explains', async () => {
      const world = await setup.world()
      const post = postOf(
        `Read <me> back & "all", #tag\n\nSecond part,\nwith https://www.example.org/a/rather/long/path/that/gets/shortened?yes=1 ${crypto.randomUUID()}`,
        [await pictureOf(64, 48, 'jpeg', 'One “alt” & more'), await pictureOf(48, 64, 'png', '')],
      )
      const outcome = await settle(world, post)
      const remoteId = outcome.is === 'published' ? outcome.remoteId : ''
      const findings = await readBack(world, post, remoteId)
      expect(findings?.filter(({ kind }) => kind === 'different')).toEqual([])
      const other = await readBack(world, { ...post, text: 'Not what was sent' }, remoteId)
      expect(other).toContainEqual({
        kind: 'different',
        words: 'The words there are not those that were sent.',
      })
      const fewer = await readBack(world, { ...post, images: post.images.slice(1) }, remoteId)
      expect(fewer?.some(({ kind }) => kind === 'different')).toBe(true)
    })
  }

  if (!remote) return

  if (setup.readsBack)
    test('a platform that cannot be asked is an error, never an absence', async () => {
      const world = await setup.world()
      const post = postOf(`Ask ${crypto.randomUUID()}`)
      const outcome = await settle(world, post)
      const remoteId = outcome.is === 'published' ? outcome.remoteId : ''
      for (const fault of [html, { is: 'status', status: 500 }, { is: 'drop' }] as const) {
        setup.failAll?.(fault, 6)
        await expect(readBack(world, post, remoteId)).rejects.toThrow()
        setup.clear?.()
      }
      expect(await readBack(world, post, remoteId)).toBeArray()
    })

  const html = {
    is: 'status',
    status: 200,
    body: '<html>',
    headers: { 'content-type': 'text/html' },
  } as const
  const faults: [string, Fault][] = [
    ['500 before acceptance', { is: 'status', status: 500 }],
    ['500 after acceptance', { is: 'status', status: 500, when: 'after' }],
    ['502 after acceptance', { is: 'status', status: 502, when: 'after' }],
    ['connection dropped before acceptance', { is: 'drop' }],
    ['connection dropped after acceptance', { is: 'drop', when: 'after' }],
    ['answer cut after acceptance', { is: 'cut', when: 'after' }],
    ...(setup.namesIt
      ? ([
          ['HTML instead of JSON, not accepted', html],
          ['HTML instead of JSON, accepted', { ...html, when: 'after' }],
          ['200 without an id, not accepted', { is: 'status', status: 200, body: {} }],
          ['200 without an id, accepted', { is: 'status', status: 200, body: { ok: true }, when: 'after' }],
          ['200 with a list', { is: 'status', status: 200, body: [] }],
        ] satisfies [string, Fault][])
      : []),
  ]
  test.each(faults)('%s: ends up visible exactly once', async (_name, fault) => {
    const world = await setup.world()
    const post = postOf(`Fault ${crypto.randomUUID()}`)
    remote(fault)
    const outcome = await settle(world, post)
    setup.clear?.()
    expect(outcome.is).toBe('published')
    expect(await setup.visible(world)).toEqual([post.text])
  })

  test('three lost answers in a row: still exactly once', async () => {
    const world = await setup.world()
    const post = postOf(`Thrice ${crypto.randomUUID()}`)
    remote({ is: 'drop', when: 'after' }, 3)
    expect((await settle(world, post)).is).toBe('published')
    expect(await setup.visible(world)).toEqual([post.text])
  })

  test('a crash after the send, before the answer was recorded: exactly once', async () => {
    const world = await setup.world()
    const post = postOf(`Crash ${crypto.randomUUID()}`)
    await publish(world, post)
    expect(
      (await settle(world, post, { is: 'unconfirmed', why: { code: 'crash', message: '', next: '' } })).is,
    ).toBe('published')
    expect(await setup.visible(world)).toEqual([post.text])
  })

  test('throttled: told to wait as long as the platform asks, nothing visible', async () => {
    const world = await setup.world()
    remote({ is: 'throttled', resetAt: new Date(Date.now() + 90_000) })
    const outcome = await publish(world, postOf('Too fast'))
    expect(outcome).toMatchObject({ is: 'retry', why: { code: 'throttled' } })
    expect(outcome.is === 'retry' ? outcome.afterMs : 0).toBeWithin(80_000, 95_000)
    expect(await setup.visible(world)).toEqual([])
  })

  test('unreachable: tried again, because it certainly was not sent', async () => {
    const world = await setup.world()
    const dead = cutOff(world)
    expect(await publish(dead, postOf('Nobody there'))).toMatchObject({ is: 'retry' })
  })

  if (setup.uploads) {
    test('resumed steps are not done again', async () => {
      const world = await setup.world()
      const before = setup.uploads?.() ?? 0
      const post = postOf(`Resume ${crypto.randomUUID()}`, [await pictureOf(64, 48), await pictureOf(48, 64)])
      remote({ is: 'status', status: 503 }, 1)
      expect((await publish(world, post)).is).toBe('retry')
      const ran = [...world.ran]
      expect((await settle(world, post)).is).toBe('published')
      expect(world.ran).toEqual(ran)
      expect((setup.uploads?.() ?? 0) - before).toBe(2)
      expect(await setup.visible(world)).toEqual([post.text])
    })
  }

  if (setup.revoke) {
    test('access taken away: reconnect, with what to do, and check says it for good', async () => {
      const world = await setup.world()
      await setup.revoke?.(world)
      const outcome = await publish(world, postOf('Locked out'))
      expect(outcome).toMatchObject({
        is: 'reconnect',
        why: { message: expect.any(String), next: expect.any(String) },
      })
      const { account, fetch, secret } = world
      const sending = {
        fetch,
        signal: new AbortController().signal,
        credential: {
          current: secret,
          renew: (w: (c: typeof secret) => Promise<typeof secret>) => w(secret),
        },
      }
      await expect(world.platform.check(account, sending)).rejects.toMatchObject({ final: true })
      expect(await setup.visible(world)).toEqual([])
    })
  }

  test('no failure ever carries a secret', async () => {
    const world = await setup.world()
    const secrets = setup.secrets(world)
    expect(secrets.length).toBeGreaterThan(0)
    const leaky = {
      error: `Bad ${secrets.join(' ')}`,
      message: `Bearer ${secrets.join(' ')}`,
      error_description: secrets.join(),
    }
    for (const status of [400, 401, 403, 404, 410, 422, 429, 500]) {
      const post = postOf(`Leak ${status}`)
      setup.failAll?.({ is: 'status', status, body: leaky }, 6)
      const said = JSON.stringify([await publish(world, post), await reconcile(world, post)])
      setup.clear?.()
      for (const secret of secrets) expect(said).not.toContain(secret)
    }
  })
}

/** The same account, but its peer cannot be reached. */
function cutOff(world: World): World {
  const settings = Object.fromEntries(
    Object.entries(world.account.settings).map(([key, value]) => [
      key,
      typeof value === 'string' && value.startsWith('http') ? 'http://127.0.0.1:1' : value,
    ]),
  )
  return {
    ...world,
    account: { ...world.account, settings },
    fetch: createOutbound({ allow: ['127.0.0.1:1'] }),
  }
}
