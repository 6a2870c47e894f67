/**
 * The publishing engine beside the job libraries, in one run on one machine: the same embedded PostgreSQL (fsync on)
 * for all, Redis with an append-only file for BullMQ. Ours is the whole product in a process of its own, over 200
 * workspaces; the libraries run in Bun too, each in a database of its own. BENCH_TENANTS says with how many workspaces
 * idling is measured, 600 otherwise.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { program } from '../../peers/present.ts'
import { startRedis } from '../../peers/redis.ts'
import { type Contender, type Library, library, ours } from './contender.ts'
import { type Crash, crash, oneAccount } from './crash.ts'
import { openBenchHouse, statesNow } from './house.ts'
import { openObserver } from './observer.ts'
import { type Drain, drain, type Idle, idle, type Lateness, lateness } from './parts.ts'
import { type Shown, show } from './show.ts'

const libraries: readonly Library[] = [
  { queue: 'graphile-worker', mode: 'default' },
  { queue: 'pg-boss', mode: 'default' },
  { queue: 'pg-boss', mode: 'tuned' },
  { queue: 'bullmq', mode: 'default' },
]
const dueAtOnce = 2_000
const noOps = 20_000
const scheduled = 3_000
const callers = 16

export interface Row {
  late?: Lateness
  drain?: Drain
  idle?: Idle
  /** Planned one by one, jobs a second. */
  schedule?: number
  crash?: Crash
}

export async function publishing(): Promise<Shown> {
  installLibraries()
  const load = () => Math.round((loadavg()[0] ?? 0) * 10) / 10
  const loadBefore = load()
  const redis = program('redis-server') ? await startRedis({ appendOnly: true }) : null
  const house = await openBenchHouse(10)
  const observer = await openObserver(house)
  const rows: Record<string, Row> = {}
  const leftOut: Record<string, string> = redis ? {} : { bullmq: 'redis-server is not installed' }
  const us = ours(house, observer, { tenants: 200, accounts: 10 })
  const them = libraries
    .filter(({ queue }) => redis || queue !== 'bullmq')
    .map(one => library(one, { house, observer, redis }))
  /** One figure of one row; a library that breaks is named and does not end the run. */
  const measure = async (contender: Contender, part: keyof Row, figure: () => Promise<Row[keyof Row]>) => {
    const row = rows[contender.name] ?? {}
    rows[contender.name] = row
    const began = performance.now()
    try {
      Object.assign(row, { [part]: await figure() })
      say(`${contender.name}: ${part} ${JSON.stringify(row[part])} (${seconds(began)} s, load ${load()})`)
    } catch (error) {
      if (contender === us) throw error
      leftOut[`${contender.name}, ${part}`] = (error as Error).message
    }
  }
  try {
    const idleWithTen = await idle(us)
    say(`masthead, 10 workspaces: idle ${JSON.stringify(idleWithTen)}`)
    await house.grow(200)
    for (const contender of [us, ...them])
      await measure(contender, 'late', () => lateness(contender, dueAtOnce))
    for (const contender of [us, ...them])
      await measure(contender, 'drain', () => drain(contender, noOps, contender === us))
    for (const contender of them) await measure(contender, 'idle', () => idle(contender))
    const byOne = [us, ...them.filter(({ name }) => name === 'graphile-worker')]
    for (const contender of byOne)
      await measure(contender, 'schedule', () => contender.schedule(scheduled, callers))
    const single = ours(house, observer, { tenants: 1, accounts: 1 })
    const account = await oneAccount(single)
    // Waiting dominates here, so all are killed at the same time, each on its own store.
    await Promise.all(
      [us, ...them.filter(({ name }) => !name.includes('tuned'))].map(contender =>
        measure(contender, 'crash', () => crash(contender, contender === us ? () => statesNow(house) : null)),
      ),
    )
    const many = Number(process.env.BENCH_TENANTS ?? 600)
    await house.grow(many)
    await measure(us, 'idle', () => idle(us))
    const our = rows.masthead as Required<Row>
    const missed = musts(our, rows, idleWithTen)
    const figures = { load: loadBefore, many, idleWithTen, oneAccount: account, rows, leftOut, missed }
    say(`\n${show(figures)}`)
    return figures
  } finally {
    await observer.close()
    await house.close()
    await redis?.stop()
  }
}

/** What a release must keep, in words where it does not. */
function musts(our: Required<Row>, rows: Record<string, Row>, idleWithTen: Idle): string[] {
  const graphile = rows['graphile-worker']?.late?.p99
  const cost = (of: Idle) => of.workerPercent + of.storePercent
  const wanted: [boolean, string][] = [
    [our.late.early === 0, `${our.late.early} posts began early`],
    [our.late.unseen === 0, `${our.late.unseen} due posts had not begun when the time was up`],
    [our.late.p99 <= 1_000, `p99 of the lateness is ${our.late.p99} ms, above 1,000`],
    [
      graphile === undefined || our.late.p99 < graphile,
      `p99 of the lateness is not below graphile-worker's ${graphile} ms`,
    ],
    [our.drain.done === noOps, `${noOps - our.drain.done} posts were not worked off in time`],
    [our.crash.startedTwice === 0, `${our.crash.startedTwice} posts began twice after the kill`],
    [
      our.crash.unconfirmed <= our.crash.inFlight,
      `${our.crash.unconfirmed} unconfirmed posts, of ${our.crash.inFlight} in flight`,
    ],
    [
      our.crash.notDone <= our.crash.unconfirmed,
      `${our.crash.notDone - our.crash.unconfirmed} posts were lost after the kill`,
    ],
    ...[idleWithTen, our.idle].flatMap((of): [boolean, string][] => [
      [
        (of.statementsPerSecond ?? 0) <= 15,
        `${of.statementsPerSecond} statements a second while idle, above 15`,
      ],
      [cost(of) <= 1, `${cost(of)} % of a processor while idle, above 1`],
    ]),
  ]
  return wanted.filter(([kept]) => !kept).map(([, words]) => words)
}

const say = (line: string) => console.error(line)
const seconds = (since: number) => Math.round((performance.now() - since) / 1000)

/** Once per lockfile, into the folder of their own. @throws in words when they cannot be had */
function installLibraries(): void {
  const folder = join(import.meta.dir, 'peers')
  const stamp = join(folder, 'node_modules', '.installed')
  const wanted = createHash('sha256')
    .update(readFileSync(join(folder, 'bun.lock')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('Installing the job libraries …')
  const installed = Bun.spawnSync(
    [process.execPath, 'install', '--frozen-lockfile', '--ignore-scripts', '--linker', 'hoisted'],
    { cwd: folder, stderr: 'pipe' },
  )
  if (!installed.success)
    throw new Error(
      `The job libraries cannot be installed: ${installed.stderr.toString().trim().slice(-300)}`,
    )
  writeFileSync(stamp, wanted)
}
