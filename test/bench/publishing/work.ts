/** Lets a contender work off many jobs. */
import type { Child } from './child.ts'
import type { Contender } from './contender.ts'
import type { Ended } from './counted.ts'
import { cpuOf } from './observer.ts'

export interface Worked extends Ended {
  /** The instant they were due; when the first began where they were due at once. */
  due: number
  /** Processor time until all were recorded, in milliseconds. */
  worker: number
  store: number
}

/**
 * A worker idles, and jobs are planned for one instant ahead.
 * @throws when planning took longer than the time until they were due
 */
export async function workAtInstant(contender: Contender, count: number, capMs: number): Promise<Worked> {
  await contender.prepare()
  const child = await contender.start({ expect: count })
  try {
    child.tell({ begin: true })
    await child.hear('begun', 30_000)
    const due = new Date(Math.ceil((Date.now() + 3_000 + count * contender.planMs) / 1000) * 1000)
    await contender.plan(count, due)
    const spare = due.getTime() - Date.now()
    if (spare < 300)
      throw new Error(`${contender.name}: planning took longer than the time until they were due`)
    await Bun.sleep(spare - 200)
    const meter = await contender.meter()
    const before = cpuOf(child.pid)
    const ended = await end(child, spare + capMs)
    return { ...ended, due: due.getTime(), worker: cpuOf(child.pid) - before, store: await meter() }
  } finally {
    await child.kill()
  }
}

/** Jobs that are due already meet a worker that begins. */
export async function workAtOnce(contender: Contender, count: number, capMs: number): Promise<Worked> {
  await contender.prepare()
  await contender.plan(count, null)
  const child = await contender.start({ expect: count })
  try {
    const meter = await contender.meter()
    const before = cpuOf(child.pid)
    child.tell({ begin: true })
    const ended = await end(child, capMs)
    return {
      ...ended,
      due: Math.min(...ended.starts),
      worker: cpuOf(child.pid) - before,
      store: await meter(),
    }
  } finally {
    await child.kill()
  }
}

/** All recorded, or what there is when the time is up. */
async function end(child: Child, capMs: number): Promise<Ended> {
  try {
    return await child.hear<Ended>('ended', capMs)
  } catch {
    child.tell({ report: true })
    return child.hear<Ended>('ended', 5_000)
  }
}
