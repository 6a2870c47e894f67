/**
 * Everybody does everything at once: eight callers plan, move, cancel, brake, release, approve, edit, describe pictures,
 * stop rules and take slots for some seconds, on few pieces and accounts, beside a running worker.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { type ApiAnswer, type House, openHouse } from './cast.ts'
import { type Served, serve } from './peers/serve.ts'
import { newPicture } from './world.ts'

let house: House
let worker: Worker
let receiver: Served
/** How often the receiver took each post. A post that it refused was not taken. */
const taken = new Map<string, number>()
let refusing = 0
const told: string[] = []
const errors: string[] = []
beforeAll(async () => {
  receiver = await serve(async request => {
    const id = request.headers.get('webhook-id') ?? ''
    if (request.path.startsWith('/events')) {
      told.push(id)
      return Response.json({})
    }
    if (id.startsWith('ping_')) return Response.json({})
    if (refusing++ % 3 === 1) return Response.json({}, { status: 503 })
    taken.set(id, (taken.get(id) ?? 0) + 1)
    return Response.json({})
  })
  house = await openHouse({ OUTBOUND_ALLOW: new URL(receiver.url).host })
  const { log } = house.services
  log.error = (what, fields) => {
    errors.push(`${what}: ${(fields?.error as Error | undefined)?.message}`)
  }
  worker = createWorker(house.services)
})
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
  await receiver.stop()
})

/** Numbers that look random and are the same every time. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return sides => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

const lasts = Number(process.env.STORM_MS ?? 4_000)
const seed = Number(process.env.STORM_SEED ?? 1)

test('eight callers and a worker: clean answers, no deadlock, nothing sent twice, nothing ends nowhere', async () => {
  const { alice, bob, cora, ann } = house
  const made = async (path: string, body?: unknown) => {
    const answer = await alice.api('POST', path, body)
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
    return answer.body
  }
  const accounts: string[] = []
  for (const name of ['a', 'b', 'c'])
    accounts.push(
      (await made('/accounts', { platform: 'webhook', settings: { url: `${receiver.url}/${name}` } })).id,
    )
  const hook = (await made('/webhooks', { url: `${receiver.url}/events` })).id as string
  await made('/slots', { account: accounts[0], weekdays: [1, 2, 3, 4, 5, 6, 7], local: '09:00' })
  const form = new FormData()
  form.append('file', await newPicture())
  const picture = (await made('/media', form)).id as string
  const contents: string[] = []
  for (let at = 0; at < 6; at++)
    contents.push(
      (await made('/content', { text: `Storm ${at}`, media: [picture], tags: [`t${at % 2}`] })).id,
    )
  await alice.api('PATCH', '/workspace', { approvalRequired: true })

  const wrong: string[] = []
  const counts: Record<string, number> = {}
  const jobs = new Set<string>()
  const cancelled = new Map<string, number>()
  let over = false
  const caller = async (lane: number) => {
    const roll = dice(seed * 100 + lane)
    const one = <T>(of: readonly T[]): T => of[roll(of.length)] as T
    const job = () => one([...jobs].slice(-40)) ?? contents[0]
    const ask = async (name: string, answering: Promise<ApiAnswer>) => {
      const answer = await answering
      const key = `${name} ${answer.status}`
      counts[key] = (counts[key] ?? 0) + 1
      if (answer.status >= 500) wrong.push(`${key} ${JSON.stringify(answer.body)}`)
      return answer
    }
    const soon = () => ({ at: new Date(Date.now() + 200 + roll(1_500)).toISOString() })
    const keep = ({ body }: ApiAnswer) => {
      for (const { id } of body?.items ?? []) jobs.add(id)
    }
    const moves: (() => Promise<unknown>)[] = [
      async () =>
        keep(
          await ask(
            'plan',
            bob.api('POST', `/content/${one(contents)}/publish-jobs`, { accounts, ...soon() }),
          ),
        ),
      async () =>
        keep(
          await ask(
            'now',
            bob.api('POST', `/content/${one(contents)}/publish-jobs`, {
              accounts: [one(accounts)],
              now: true,
            }),
          ),
        ),
      async () =>
        keep(
          await ask(
            'slot',
            bob.api('POST', `/content/${one(contents)}/publish-jobs`, {
              accounts: [accounts[0]],
              slot: 'next',
            }),
          ),
        ),
      () => ask('move', bob.api('PATCH', `/publish-jobs/${job()}`, soon())),
      () => ask('send now', bob.api('PATCH', `/publish-jobs/${job()}`, { now: true })),
      async () => {
        const id = job() as string
        const answer = await ask('cancel', bob.api('DELETE', `/publish-jobs/${id}`))
        if (answer.status === 200 && answer.body.state === 'cancelled') cancelled.set(id, taken.get(id) ?? 0)
      },
      () => ask('edit', ann.api('PATCH', `/content/${one(contents)}`, { text: `Storm words ${roll(1e6)}` })),
      () => ask('tags', ann.api('PATCH', `/content/${one(contents)}`, { tags: [`t${roll(3)}`] })),
      () => ask('alt', ann.api('PATCH', `/media/${picture}`, { alt: `Picture ${roll(1e6)}` })),
      ...[1, 2, 3].map(() => async () => {
        const content = one(contents)
        await ask('submit', ann.api('POST', `/content/${content}/submission`))
        await ask('approve', cora.api('POST', `/content/${content}/approval`))
      }),
      () => ask('withdraw', cora.api('DELETE', `/content/${one(contents)}/approval`)),
      async () => {
        const brakes = [
          { scope: 'workspace' },
          { scope: 'account', value: one(accounts) },
          { scope: 'tag', value: 't1' },
          { scope: 'word', value: 'storm' },
        ]
        const until = new Date(Date.now() + 150 + roll(300)).toISOString()
        const ends = roll(2) === 0 ? { until } : {}
        const put = await ask(
          'brake',
          bob.api('POST', '/brakes', { ...one(brakes), reason: 'Storm.', ...ends }),
        )
        await Bun.sleep(roll(120))
        if (put.status === 201) await ask('release', bob.api('DELETE', `/brakes/${put.body.id}`))
      },
      async () => {
        const start = {
          local: new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 16),
          zone: 'Europe/Berlin',
        }
        const rule = await ask(
          'rule',
          bob.api('POST', `/content/${one(contents)}/recurrences`, {
            accounts,
            rule: 'FREQ=DAILY;COUNT=5',
            start,
          }),
        )
        if (rule.status !== 201) return
        const next = rule.body.next?.[0]?.occurrence ?? start.local
        await ask('skip', bob.api('POST', `/recurrences/${rule.body.id}/skips`, { occurrence: next }))
        await ask('stop rule', bob.api('DELETE', `/recurrences/${rule.body.id}`))
      },
      () => ask('approval rule', alice.api('PATCH', '/workspace', { approvalRequired: roll(3) > 0 })),
      () =>
        ask(
          'calendar',
          bob.api(
            'GET',
            `/calendar?from=${new Date().toISOString()}&to=${new Date(Date.now() + 86_400_000).toISOString()}`,
          ),
        ),
    ]
    while (!over) await one(moves)()
  }
  const ticking = setInterval(() => worker.wake(), 50)
  const lanes = Array.from({ length: 8 }, (_, lane) => caller(lane))
  await Bun.sleep(lasts)
  over = true
  await Promise.all(lanes)

  // The storm is over: nothing is braked, nothing needs an approval, nobody is told any more, and all tries that wait are due.
  await alice.api('PATCH', `/webhooks/${hook}`, { active: false })
  for (const { id, releasedAt } of (await bob.api('GET', '/brakes?limit=100')).body.items)
    if (!releasedAt) await bob.api('DELETE', `/brakes/${id}`)
  await alice.api('PATCH', '/workspace', { approvalRequired: false })
  clearInterval(ticking)
  // The clock is not moved under a send: its lease would be over at once, and what is out would wait to be looked for.
  await worker.stop(5_000)
  await house.shiftClock(2 * 3_600_000)
  worker = createWorker(house.services)
  await worker.idle()
  await worker.stop(5_000)

  const states: Record<string, number> = {}
  const nowhere: unknown[] = []
  const untrue: unknown[] = []
  for (const id of jobs) {
    const { body } = await bob.api('GET', `/publish-jobs/${id}`)
    const state = body.heldFor ? `held for ${body.heldFor}` : body.state
    states[state] = (states[state] ?? 0) + 1
    const waits =
      body.state === 'scheduled' && Date.parse(body.nextTryAt ?? body.runAt) > Date.now() + 2 * 3_600_000
    const asks = body.state === 'held' && body.heldFor === 'late'
    if (!waits && !asks && !['published', 'cancelled', 'failed'].includes(body.state)) nowhere.push(body)
    const sends = taken.get(id) ?? 0
    if (sends !== (body.state === 'published' ? 1 : 0)) untrue.push({ id, state: body.state, sends })
  }
  const [deadlocks] = await house.services.db.owner`
    select deadlocks::int as n from pg_stat_database where datname = current_database()`
  console.log(
    JSON.stringify({ counts, states, taken: taken.size, told: told.length, deadlocks: deadlocks?.n }),
  )
  expect(wrong).toEqual([])
  expect(errors).toEqual([])
  expect(deadlocks?.n).toBe(0)
  expect(untrue).toEqual([])
  expect(nowhere).toEqual([])
  for (const [id, sends] of cancelled) expect({ id, sends: taken.get(id) ?? 0 }).toEqual({ id, sends })
  expect(states.published ?? 0).toBeGreaterThan(0)
  expect(told.length).toBeGreaterThan(0)
}, 60_000)
