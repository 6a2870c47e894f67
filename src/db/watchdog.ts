import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { LastingPool } from './lasting.ts'

/** What is watched, and how it is asked. */
interface Watched {
  pool: LastingPool
  /** Settles when the pool has answered, be it with an error. */
  ask(): Promise<unknown>
  /** A pool that answers others meanwhile is busy, not dead. */
  excused?: boolean
}

export interface WatchTimes {
  /** From one question to the next. */
  everyMs: number
  /** An answer that takes longer is late; two late ones are a dead pool. */
  lateMs: number
  /** With no answer from any pool for so long, the process gives up. */
  giveUpMs: number
}

export interface Watchdog {
  /** Settles once its own LISTEN stands, or could not be made for now. */
  listening: Promise<void>
  stop(): Promise<void>
}

const usual: WatchTimes = { everyMs: 2_000, lateMs: 5_000, giveUpMs: 60_000 }
/** A single query of the app's own login is late after 10 s: its connection is cut a little later. */
const stalledMs = 12_000

/**
 * Asks each pool `select 1` again and again. A pool that is late twice is dead (its sockets half-open, or the driver
 * lost in itself) and is replaced inside the process. The one of the owner is asked by way of its LISTEN.
 *
 * @param giveUp called once, with a sentence, when no pool has answered for `giveUpMs`
 */
export function watch(
  pools: { app: LastingPool; worker: LastingPool; owner: LastingPool },
  { log, metrics }: { log: Log; metrics: Pick<Metrics, 'count'> },
  giveUp: (sentence: string) => void,
  times: WatchTimes = usual,
): Watchdog {
  const echo = echoing(pools.owner)
  const all: Watched[] = [
    { pool: pools.app, ask: () => pools.app.sql`select 1`, excused: true },
    { pool: pools.worker, ask: () => pools.worker.sql`select 1`, excused: true },
    { pool: pools.owner, ask: echo.ask },
  ]
  let silentMs = 0
  let askedAt = performance.now()
  let stopped = false
  const looks = all.map(one =>
    observe(one, { log, metrics }, times, () => {
      silentMs = 0
    }),
  )
  const timer = setInterval(() => {
    // A process that slept, or had no processor, is not to blame the database for that time.
    silentMs += Math.min(performance.now() - askedAt, times.everyMs * 2)
    askedAt = performance.now()
    pools.app.sql.stalled(stalledMs)
    pools.worker.sql.stalled(stalledMs)
    if (silentMs > times.giveUpMs && !stopped) {
      stopped = true
      clearInterval(timer)
      giveUp(
        `The database has not answered for ${Math.round(silentMs / 1000)} seconds: Masthead ends, for its supervisor to start it again.`,
      )
      return
    }
    for (const look of looks) look()
  }, times.everyMs)
  return {
    listening: echo.listening,
    async stop() {
      stopped = true
      clearInterval(timer)
      await echo.stop()
    },
  }
}

/** @returns the look that is to be made every now and then */
function observe(
  { pool, ask, excused }: Watched,
  { log, metrics }: { log: Log; metrics: Pick<Metrics, 'count'> },
  { lateMs }: WatchTimes,
  onAnswer: () => void,
) {
  let late = 0
  let generation = 0
  return async () => {
    const own = generation
    const began = performance.now()
    const answer = await Promise.race([
      ask().then(
        () => 'answered',
        () => 'failed',
      ),
      Bun.sleep(lateMs).then(() => 'late'),
    ])
    if (own !== generation) return
    if (answer === 'answered') onAnswer()
    if (answer !== 'late' || (excused && pool.sql.answeredAt() > began)) {
      late = 0
      return
    }
    late++
    if (late < 2) return
    late = 0
    generation++
    log.warn('the connections to the database are dead: they are replaced', { pool: pool.name })
    metrics.count('masthead_pool_replaced_total', 'dead connection pools that were replaced', {
      pool: pool.name,
    })
    pool.replace()
  }
}

/** Asks a pool to notify a channel that the pool itself listens on: both ways are alive when it is heard. */
function echoing(pool: LastingPool) {
  const channel = `masthead_echo_${crypto.randomUUID().replaceAll('-', '')}`
  const waiting = new Set<() => void>()
  const listener = pool.sql.listen(channel, () => {
    for (const heard of waiting) heard()
    waiting.clear()
  })
  const listening = listener.then(
    () => {},
    () => {},
  )
  return {
    listening,
    ask: () =>
      new Promise<void>((resolve, reject) => {
        waiting.add(resolve)
        pool.sql`select pg_notify(${channel}, '')`.catch(error => {
          waiting.delete(resolve)
          reject(error)
        })
      }),
    async stop() {
      await listener.then(({ unlisten }) => unlisten()).catch(() => {})
    },
  }
}
