/**
 * Never twice, never silent: a worker process is killed by SIGKILL at each step of publishing, to each platform; a
 * second worker takes over. What counts is what each platform's own witness holds afterwards.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { House } from './cast.ts'
import { describePeer, type Pds, startMastodon, startPds } from './peers/index.ts'
import { passOn, type Served, serve } from './peers/serve.ts'
import { connect, hireVictim, openStage, type Stage, takeOver } from './victims.ts'

const steps = [
  'before-arm',
  'after-arm',
  'after-step',
  'after-send',
  'before-record',
  'after-record',
] as const
type Step = (typeof steps)[number]
/** The call that publishes may have been made when it died here: looking has to come before sending. */
const doubtful: readonly Step[] = ['after-arm', 'after-send', 'before-record']
/** These are armed with their claim: by what is written down it may have been made a little earlier already. */
const direct: readonly string[] = ['feed', 'rehearsal', 'webhook']
/** Of these, the ones at which it really was made. */
const sent: readonly Step[] = ['after-send', 'before-record', 'after-record']
const tally = { kills: 0, lost: 0, twice: 0, unexplained: 0 }
afterAll(() => {
  const { kills, lost, twice, unexplained } = tally
  console.log(`crash: ${kills} kills, lost ${lost}, visible twice ${twice}, unexplained ${unexplained}`)
})

interface Witness {
  account: string
  /** How many posts with these words the platform itself holds. */
  visible(text: string): Promise<number>
  /** How many calls that publish these words it got; absent where no call is made or each one counts as a delivery. */
  calls?(text: string): number
}

async function killAt(stage: Stage, platform: string, step: Step, witness: Witness): Promise<boolean> {
  const victim = await hireVictim(stage, step)
  try {
    const text = `${platform} dies ${step} ${crypto.randomUUID()}`
    const { alice } = stage.house
    const content = await alice.api('POST', '/content', { text, media: [stage.picture] })
    const planned = await alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [witness.account],
      now: true,
    })
    expect(planned.status, JSON.stringify(planned.body)).toBe(201)
    const id = planned.body.items[0].id as string
    if (!(await victim.perform())) {
      expect(await witness.visible(text)).toBe(1)
      return false
    }
    tally.kills += 1
    const wasThere = await witness.visible(text)
    const done = await takeOver(stage, id)
    const visible = await witness.visible(text)
    tally.lost += visible === 0 ? 1 : 0
    tally.twice += visible > 1 ? visible - 1 : 0
    const explained =
      done.state === 'published' &&
      done.remoteId &&
      done.attempts.every(
        (one: { outcome: string | null; endedAt: string | null }) => one.outcome && one.endedAt,
      )
    tally.unexplained += explained ? 0 : 1

    expect({ step, visible, state: done.state }).toEqual({ step, visible: 1, state: 'published' })
    expect(explained, JSON.stringify(done)).toBeTruthy()
    expect(await publishedEvents(stage.house, id)).toBe(1)
    // The feed shows what is recorded as published, so its send and its record are one.
    if (platform !== 'feed') expect(wasThere).toBe(sent.includes(step) ? 1 : 0)
    if (witness.calls) expect({ step, calls: witness.calls(text) }).toEqual({ step, calls: 1 })
    const inDoubt = doubtful.includes(step) || (step === 'before-arm' && direct.includes(platform))
    expectLookBeforeSend(step, inDoubt, done.attempts)
    return true
  } finally {
    victim.dismiss()
  }
}

/** What the attempts tell: written down before the call, and looked at before anything was sent again. */
function expectLookBeforeSend(
  step: Step,
  inDoubt: boolean,
  attempts: { armedAt: string | null; outcome: string; notes: { what: string }[] }[],
): void {
  const [first, second] = attempts
  if (step === 'after-record') {
    expect(attempts).toHaveLength(1)
    return
  }
  expect(first?.outcome).toBe('lost')
  expect(first?.armedAt !== null).toBe(inDoubt)
  const looked = second?.notes.some(({ what }) => what.includes('looking before')) ?? false
  expect({ step, looked }).toEqual({ step, looked: inDoubt })
}

async function publishedEvents(house: House, jobId: string): Promise<number> {
  const rows = await house.services.db.within(
    { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
    scope => scope.sql`select id from events where subject_id = ${jobId} and type = 'publish_job.published'`,
  )
  return rows.length
}

/** Every step in turn. @param unreached the steps that this platform does not come to */
async function killAtEach(
  stage: Stage,
  platform: string,
  witnessAt: (step: Step) => Witness,
  unreached: readonly Step[],
): Promise<void> {
  const missed: Step[] = []
  for (const step of steps) if (!(await killAt(stage, platform, step, witnessAt(step)))) missed.push(step)
  expect(missed).toEqual([...unreached])
}

describe('killed at every step', () => {
  let stage: Stage
  afterAll(() => stage.house.close())

  test('feed and rehearsal', async () => {
    stage = await openStage([])
    const { house } = stage
    const accounts = await house.alice.api('GET', '/accounts')
    const feed = accounts.body.items.find((one: { platform: string }) => one.platform === 'feed').id as string
    const rows = (work: Parameters<typeof house.services.db.within<readonly unknown[]>>[1]) =>
      house.services.db.within({ tenantId: house.alice.tenant.id, userId: null, role: 'system' }, work)
    const onFeed = (text: string) =>
      rows(
        scope => scope.sql`
          select j.id from publish_jobs j join content_versions v on v.id = j.version_id
          where j.account_id = ${feed} and j.state = 'published' and v.text = ${text}`,
      )
    await killAtEach(
      stage,
      'feed',
      () => ({ account: feed, visible: async text => (await onFeed(text)).length }),
      // Nothing is called there that could be a step.
      ['after-step'],
    )

    const polite = await connect(house, 'rehearsal', {})
    // Being asked to wait is the one thing that the rehearsal network remembers as a step.
    const slow = await connect(house, 'rehearsal', { answer: 'throttled' })
    const arrived = (text: string) =>
      rows(scope => scope.sql`select id from rehearsal_posts where text = ${text}`)
    await killAtEach(
      stage,
      'rehearsal',
      step => ({
        account: step === 'after-step' ? slow : polite,
        visible: async text => (await arrived(text)).length,
      }),
      [],
    )
  }, 120_000)
})

describe('killed at every step, over the network', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterAll(async () => {
    for (const close of closing.reverse()) await close()
  })

  test('mastodon', async () => {
    const server = await startMastodon({ rateLimit: 100_000 })
    closing.push(server.stop)
    const stage = await openStage([server.host])
    closing.push(stage.house.close)
    const { token } = server.addAccount('ada')
    const account = await connect(stage.house, 'mastodon', { instance: server.url, token })
    const calls = (text: string) =>
      server.requests.filter(
        ({ method, path, raw }) =>
          method === 'POST' && path === '/api/v1/statuses' && Buffer.from(raw).includes(text),
      ).length
    const visible = async (text: string) => server.accepted.filter(one => one.text === text).length
    await killAtEach(stage, 'mastodon', () => ({ account, visible, calls }), [])
  }, 120_000)

  test('webhook', async () => {
    const inbox = new Map<string, Set<string>>()
    const receiver = await serve(request => {
      const { data } = JSON.parse(Buffer.from(request.raw).toString()) as { data: { text?: string } }
      const ids = inbox.get(data.text ?? '') ?? new Set()
      inbox.set(data.text ?? '', ids.add(request.headers.get('webhook-id') ?? ''))
      return Response.json({})
    })
    closing.push(receiver.stop)
    const stage = await openStage([new URL(receiver.url).host])
    closing.push(stage.house.close)
    const account = await connect(stage.house, 'webhook', { url: `${receiver.url}/hook` })
    // A receiver cannot be asked: it is told again, and knows the repeat by its webhook-id.
    const visible = async (text: string) => inbox.get(text)?.size ?? 0
    await killAtEach(stage, 'webhook', () => ({ account, visible }), ['after-step'])
  }, 120_000)
})

describePeer('pds', 'killed at every step, on a real server', () => {
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
    const calls = (text: string) =>
      proxy.requests.filter(
        ({ path, raw }) => path === '/xrpc/com.atproto.repo.putRecord' && Buffer.from(raw).includes(text),
      ).length
    const visible = async (text: string) =>
      (await pds.records(ada.did)).filter(record => record.value.text === text).length
    await killAtEach(stage, 'bluesky', () => ({ account, visible, calls }), [])
    expect(await pds.records(ada.did)).toHaveLength(steps.length)
  }, 120_000)
})

describe('altogether', () => {
  test('nothing lost, nothing twice, nothing unexplained', () => {
    expect(tally.kills).toBeGreaterThan(0)
    expect(tally).toMatchObject({ lost: 0, twice: 0, unexplained: 0 })
  })
})
