/** The parts of the bench that let contenders work off many jobs, or none. */
import { figures } from '../figures.ts'
import type { Contender } from './contender.ts'
import { cpuOf } from './observer.ts'
import { workAtInstant, workAtOnce } from './work.ts'

const round = (value: number, digits = 0) => Math.round(value * 10 ** digits) / 10 ** digits

export interface Lateness {
  p50: number
  p99: number
  max: number
  early: number
  /** Jobs that had not begun when the time was up; their share of the percentiles is the cap. */
  unseen: number
}

const latenessCapMs = 10_000

/** How late each job's work begins, in milliseconds by this machine's clock, when `count` are due at one instant. */
export async function lateness(contender: Contender, count: number): Promise<Lateness> {
  const { starts, due } = await workAtInstant(contender, count, latenessCapMs)
  const late = starts.map(at => at - due)
  const unseen = count - late.length
  const { p50, p99, max } = figures([...late, ...Array<number>(unseen).fill(latenessCapMs)], 1)
  return {
    p50: round(p50),
    p99: round(p99),
    max: round(max),
    early: late.filter(ms => ms < 0).length,
    unseen,
  }
}

export interface Drain {
  perSecond: number
  /** Microseconds of processor time a job: of the worker, and of the store's backends. */
  worker: number
  store: number
  done: number
}

const drainCapMs = 60_000

/** Works off `count` jobs that do nothing, each of them recorded. @param ahead they are planned ahead, for one instant */
export async function drain(contender: Contender, count: number, ahead: boolean): Promise<Drain> {
  const cap = contender.name === 'pg-boss' ? 8_000 : drainCapMs
  const worked = await (ahead ? workAtInstant : workAtOnce)(contender, count, cap)
  const done = worked.starts.length
  return {
    perSecond: round(done / ((worked.at - worked.due) / 1000)),
    worker: round((worked.worker * 1000) / done),
    store: round((worked.store * 1000) / done),
    done,
  }
}

export interface Idle {
  statementsPerSecond: number | null
  workerPercent: number
  storePercent: number
}

const settleMs = 10_000
const idleMs = 15_000

/** What a worker costs that has nothing to do. */
export async function idle(contender: Contender): Promise<Idle> {
  const child = await contender.start({ expect: 1 })
  try {
    child.tell({ begin: true })
    await child.hear('begun', 30_000)
    await Bun.sleep(settleMs)
    const meter = await contender.meter()
    const [statements, cpu, began] = [await contender.statements(), cpuOf(child.pid), performance.now()]
    await Bun.sleep(idleMs)
    const seconds = (performance.now() - began) / 1000
    const after = await contender.statements()
    return {
      statementsPerSecond:
        after === null || statements === null ? null : round((after - statements) / seconds, 1),
      workerPercent: round((cpuOf(child.pid) - cpu) / seconds / 10, 2),
      storePercent: round((await meter()) / seconds / 10, 2),
    }
  } finally {
    await child.kill()
  }
}
