/** A worker dies by SIGKILL in the middle, and a second one begins at once: what happens outside is counted by HTTP. */
import type { Contender } from './contender.ts'

const jobs = 400
const killAtHit = 100
const workMs = 200
const windowMs = 75_000

export interface Crash {
  /** Jobs that the dead worker held: by the states in the store; where it tells none, those begun and not ended outside. */
  inFlight: number
  startedTwice: number
  /** Seconds until the second worker began a job that the first had not; null: not within the window. */
  othersAfter: number | null
  /** Seconds until the last job that was in flight began again, or was told to be unconfirmed; null: not all within the window. */
  inFlightAfter: number | null
  /** Jobs whose work had not ended when the window closed. */
  notDone: number
  unconfirmed: number
}

interface Seen {
  kind: string
  who: string
  job: string
  at: number
}

/** A server that counts what reached the outside world. */
export function countOutside() {
  const seen: Seen[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      seen.push({
        kind: pathname.slice(1),
        who: searchParams.get('who') ?? '',
        job: searchParams.get('job') ?? '',
        at: performance.now(),
      })
      return new Response('seen')
    },
  })
  return { seen, address: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) }
}

/** @param states how many jobs are in which state; null where nothing is ever unconfirmed */
export async function crash(
  contender: Contender,
  states: (() => Promise<Record<string, number>>) | null,
): Promise<Crash> {
  const outside = countOutside()
  const { seen } = outside
  const jobsSeen = (kind: string, who?: string) =>
    new Set(seen.filter(one => one.kind === kind && (!who || one.who === who)).map(({ job }) => job))
  const work = (who: string) => ({ expect: jobs, counter: outside.address, workMs, who })
  await contender.prepare()
  const before = states ? ((await states()).published ?? 0) : 0
  await contender.plan(jobs, null)
  const first = await contender.start(work('first'))
  first.tell({ begin: true })
  try {
    await until(() => jobsSeen('hit').size >= killAtHit, 60_000)
  } finally {
    await first.kill()
  }
  const killed = performance.now()
  const [begun, ended] = [jobsSeen('hit'), jobsSeen('done')]
  const open = [...begun].filter(job => !ended.has(job))
  const inFlight = states ? ((await states()).publishing ?? 0) : open.length
  const second = await contender.start(work('second'))
  second.tell({ begin: true })
  try {
    let asked = 0
    let settled: number | null = null
    await until(
      async () => {
        const now = states ? await states() : {}
        asked = now.unconfirmed ?? 0
        const again = jobsSeen('hit', 'second')
        const over = states
          ? asked + (now.published ?? 0) >= jobs + before
          : open.every(job => again.has(job))
        if (over) settled ??= performance.now()
        return settled !== null && (states !== null || jobsSeen('done').size >= jobs)
      },
      windowMs,
      states ? 1_000 : 50,
    )
    const others = seen.find(({ kind, who, job }) => kind === 'hit' && who === 'second' && !begun.has(job))
    const seconds = (at: number) => Math.round((at - killed) / 100) / 10
    const hits = seen.filter(({ kind }) => kind === 'hit')
    const twice = [...Map.groupBy(hits, ({ job }) => job).values()].filter(of => of.length > 1)
    return {
      inFlight,
      startedTwice: twice.length,
      othersAfter: others ? seconds(others.at) : null,
      inFlightAfter: settled === null ? null : seconds(settled),
      notDone: jobs - jobsSeen('done').size,
      unconfirmed: asked,
    }
  } finally {
    await second.kill()
    outside.stop()
  }
}

/** Waits until it is so, or the time is up. */
async function until(so: () => boolean | Promise<boolean>, ms: number, pauseMs = 50): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end && !(await so())) await Bun.sleep(pauseMs)
}

/** 40 posts of one second on one account: in which order and over how long they reach a network that takes its time. */
export async function oneAccount(contender: Contender): Promise<{ inOrder: boolean; spreadMs: number }> {
  const count = 40
  const outside = countOutside()
  await contender.prepare()
  const child = await contender.start({ expect: count, counter: outside.address, workMs: 100, who: 'one' })
  try {
    await contender.plan(count, new Date(Math.ceil(Date.now() / 1000) * 1000 + 2_000))
    await child.hear('ended', 60_000)
    const hits = outside.seen.filter(({ kind }) => kind === 'hit')
    const order = hits.map(({ job }) => job)
    return {
      // Ids grow with the order of planning.
      inOrder: order.join() === [...order].sort().join() && order.length === count,
      spreadMs: Math.round((hits.at(-1)?.at ?? 0) - (hits[0]?.at ?? 0)),
    }
  } finally {
    await child.kill()
    outside.stop()
  }
}
