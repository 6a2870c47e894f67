/**
 * A thread is never out twice in any part: a worker process is killed by SIGKILL at each step of each part, and a second
 * worker goes on. What counts is what the platform's own witness holds afterwards.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { describePeer, type Pds, startMastodon, startPds } from './peers/index.ts'
import { passOn, type Served, serve } from './peers/serve.ts'
import { connect, hireVictim, openStage, type Stage, takeOver } from './victims.ts'

const parts = [1, 2, 3] as const
const eachPart = ['before-arm', 'after-arm', 'after-step', 'after-send'] as const
const steps = [
  ...parts.flatMap(part => [
    ...eachPart.map(step => (part === 1 ? step : `${part}/${step}`)),
    `kept:part-${part}`,
  ]),
  'before-record',
  'after-record',
]

interface Witness {
  account: string
  /** How many posts with these words the platform itself holds. */
  visible(text: string): Promise<number>
  /** Whether each of these posts answers the one before it, and the first answers none. */
  chained(texts: readonly string[]): Promise<boolean>
}

/** @returns how many parts were out when the worker died */
async function killAt(stage: Stage, step: string, witness: Witness): Promise<number> {
  const victim = await hireVictim(stage, step)
  try {
    const { alice } = stage.house
    const word = crypto.randomUUID()
    // Two parts that say the same are two posts all the same.
    const texts = [`One ${word}`, `Again ${word}`, `Again ${word}`]
    const content = await alice.api('POST', '/content', {
      text: texts[0],
      media: [stage.picture],
      thread: [
        { text: texts[1], media: [stage.picture] },
        { text: texts[2], media: [stage.picture] },
      ],
      firstComment: `Link ${word}`,
    })
    expect(content.status, JSON.stringify(content.body)).toBe(201)
    const planned = await alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [witness.account],
      now: true,
    })
    expect(planned.status, JSON.stringify(planned.body)).toBe(201)
    const id = planned.body.items[0].id as string
    expect({ step, killed: await victim.perform() }).toEqual({ step, killed: true })
    const all = async () => (await witness.visible(texts[0] ?? '')) + (await witness.visible(texts[1] ?? ''))
    const before = await all()
    const half = (await alice.api('GET', `/publish-jobs/${id}`)).body
    expect(half.thread.of).toBe(3)
    // What is told is never more than what is out, and at most one part behind it.
    expect([before, before - 1]).toContain(half.thread.out.length)
    const done = await takeOver(stage, id)
    expect({ step, state: done.state, out: await all() }).toEqual({ step, state: 'published', out: 3 })
    expect(done.thread.out).toHaveLength(3)
    expect(new Set(done.thread.out.map((one: { remoteId: string }) => one.remoteId)).size).toBe(3)
    expect(done.remoteId).toBe(done.thread.out[0].remoteId)
    expect(await witness.chained(texts)).toBe(true)
    // The comment was planned in the moment that recorded the post, so no crash loses it either.
    expect({ step, comments: await witness.visible(`Link ${word}`) }).toEqual({ step, comments: 1 })
    return before
  } finally {
    victim.dismiss()
  }
}

async function killAtEach(stage: Stage, witness: Witness): Promise<void> {
  const out: Record<string, number> = {}
  for (const step of steps) out[step] = await killAt(stage, step, witness)
  expect(out).toEqual(
    Object.fromEntries([
      ...parts.flatMap(part => [
        ...eachPart.map(step => [
          part === 1 ? step : `${part}/${step}`,
          step === 'after-send' ? part : part - 1,
        ]),
        [`kept:part-${part}`, part],
      ]),
      ['before-record', 3],
      ['after-record', 3],
    ]),
  )
  console.log(`thread: ${steps.length} kills, every part and comment out once`)
}

describe('a thread killed at every step of every part', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterAll(async () => {
    for (const close of closing.reverse()) await close()
  })

  test('mastodon', async () => {
    // A server that keeps no keys: nothing but our own looking and remembering keeps a part single.
    const server = await startMastodon({ rateLimit: 100_000, idempotency: false })
    closing.push(server.stop)
    const stage = await openStage([server.host])
    closing.push(stage.house.close)
    const ada = server.addAccount('ada')
    const account = await connect(stage.house, 'mastodon', { instance: server.url, token: ada.token })
    await killAtEach(stage, {
      account,
      visible: async text => server.accepted.filter(one => one.text === text).length,
      async chained([first, ...later]) {
        const own = server.statuses(ada.id)
        let above = own.find(({ text }) => text === first)
        if (!above || above.inReplyTo) return false
        for (const text of later) {
          const next = own.find(one => one.text === text && one.inReplyTo === above?.id)
          if (!next) return false
          above = next
        }
        return true
      },
    })
  }, 120_000)

  test('what is out is found where a worker goes on, also when it would be refused by now', async () => {
    const stage = await openStage([])
    closing.push(stage.house.close)
    const { alice } = stage.house
    const account = await connect(stage.house, 'rehearsal', {})
    const victim = await hireVictim(stage, '3/after-send')
    const { body } = await alice.api('POST', '/content', {
      text: 'One',
      thread: [{ text: 'Two' }, { text: 'Three' }],
    })
    const planned = await alice.api('POST', `/content/${body.id}/publish-jobs`, {
      accounts: [account],
      now: true,
    })
    const id = planned.body.items[0].id as string
    expect(await victim.perform()).toBe(true)
    expect((await alice.api('GET', `/publish-jobs/${id}`)).body.thread.out).toHaveLength(2)
    await stage.house.services.db.owner.unsafe(
      `update ${alice.tenant.schema}.social_accounts set settings = '{"answer": "rejected"}' where id = '${account}'`,
    )
    const done = await takeOver(stage, id)
    expect(done).toMatchObject({ state: 'published', error: null })
    expect(done.thread.out).toHaveLength(3)
  }, 60_000)
})

describePeer('pds', 'a thread killed at every step of every part, on a real server', () => {
  let pds: Pds
  let proxy: Served
  let stage: Stage
  beforeAll(async () => {
    pds = await startPds()
    proxy = await serve(request => passOn(pds.url, request))
    stage = await openStage([new URL(proxy.url).host])
  }, 120_000)
  afterAll(async () => {
    await stage?.house.close()
    await proxy?.stop()
    await pds?.stop()
  })

  test('bluesky', async () => {
    const ada = await pds.createAccount('ada')
    const account = await connect(stage.house, 'bluesky', {
      service: proxy.url,
      identifier: ada.handle,
      password: ada.appPassword,
    })
    await killAtEach(stage, {
      account,
      visible: async text => (await pds.records(ada.did)).filter(record => record.value.text === text).length,
      async chained([first, ...later]) {
        const records = await pds.records(ada.did)
        const root = records.find(({ value }) => value.text === first)
        let above = root
        if (!root || root.value.reply) return false
        for (const text of later) {
          const next = records.find(({ value }) => {
            const reply = value.reply as
              | { root: { uri: string; cid: string }; parent: { uri: string; cid: string } }
              | undefined
            return (
              value.text === text &&
              reply?.parent.uri === above?.uri &&
              reply?.parent.cid === above?.cid &&
              reply?.root.uri === root.uri
            )
          })
          if (!next) return false
          above = next
        }
        return true
      },
    })
    expect(await pds.records(ada.did)).toHaveLength(steps.length * 4)
  }, 120_000)
})
