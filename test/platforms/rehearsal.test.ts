/** The two platforms that need no network: the rehearsal and the workspace's own feed. */
import { describe, expect, test } from 'bun:test'
import { platforms } from '../../src/platforms/index.ts'
import { platformIds } from '../../src/platforms/platform.ts'
import { rehearsal } from '../../src/platforms/rehearsal.ts'
import { contract } from './contract.ts'
import { connectWorld, postOf, publish, reconcile, sendingOf, settle } from './world.ts'

describe('rehearsal', () => {
  contract({
    world: () => connectWorld(rehearsal, {}, []),
    visible: async world => [...world.journal.entries.values()].map(({ text }) => text),
    looks: true,
    readsBack: true,
    namesIt: true,
    secrets: () => [],
  })

  const acting = (answer: string, delayMs = 0) => connectWorld(rehearsal, { answer, delayMs }, [])

  test('lost: arrives, cannot be confirmed, is found by looking, and is there once', async () => {
    const world = await acting('lost')
    const post = postOf('Lost answer')
    expect(await publish(world, post)).toMatchObject({ is: 'unconfirmed', why: { code: 'answer_lost' } })
    expect(await reconcile(world, post)).toMatchObject({ is: 'published', remoteId: 'r1' })
    expect((await settle(world, post)).is).toBe('published')
    expect(world.journal.entries.size).toBe(1)
  })

  test('throttled: asks to wait once, then takes it', async () => {
    const world = await acting('throttled')
    const post = postOf('Slowly')
    expect(await publish(world, post)).toMatchObject({
      is: 'retry',
      afterMs: 30_000,
      why: { code: 'throttled' },
    })
    expect(world.armed).toBe(0)
    expect((await publish(world, post)).is).toBe('published')
  })

  test('rejected: always, and nothing arrives', async () => {
    const world = await acting('rejected')
    expect(await publish(world, postOf('No'))).toMatchObject({ is: 'rejected' })
    expect(world.journal.entries.size).toBe(0)
  })

  test('a delay is kept, and can be called off before anything arrives', async () => {
    const world = await acting('ok', 60_000)
    const post = postOf('Waiting')
    const stop = new AbortController()
    const sending = { ...sendingOf(world, post), signal: stop.signal, arm: async () => stop.abort() }
    expect(await rehearsal.publish(world.account, post, sending)).toMatchObject({
      is: 'retry',
      why: { code: 'called_off' },
    })
    expect(world.journal.entries.size).toBe(0)
  })

  test('settings are checked', () => {
    expect(rehearsal.settings.safeParse({ answer: 'maybe' }).success).toBe(false)
    expect(rehearsal.settings.safeParse({ delayMs: -1 }).success).toBe(false)
    expect(rehearsal.settings.safeParse({ other: 1 }).success).toBe(false)
    expect(rehearsal.settings.parse({})).toEqual({ delayMs: 0, answer: 'ok' })
  })
})

describe('feed', () => {
  test('names the post by its job, and publishes nothing anywhere else', async () => {
    const world = await connectWorld(platforms.feed, {}, [])
    const post = postOf('On our own page')
    const published = {
      is: 'published',
      remoteId: post.jobId,
      remoteUrl: `http://feed.test/posts/${post.jobId}`,
    } as const
    expect(await publish(world, post)).toEqual(published)
    expect(await reconcile(world, post)).toEqual({ is: 'absent' })
    expect(await settle(world, post)).toEqual(published)
    expect(await publish(world, postOf(''))).toMatchObject({ is: 'rejected', why: { code: 'empty' } })
  })
})

describe('the list of platforms', () => {
  test.each([...platformIds])('%s is there under its own id, with fields that its settings know', id => {
    const platform = platforms[id]
    expect(platform.id).toBe(id)
    const unknown = platform.settings.safeParse(
      Object.fromEntries(platform.fields.map(({ name }) => [name, {}])),
    )
    const codes = unknown.success ? [] : unknown.error.issues.map(issue => issue.code)
    expect(codes).not.toContain('unrecognized_keys')
  })
})
