/** What a running process costs while nothing is due, and how long it takes to start. */
import { readFileSync } from 'node:fs'
import type { Sql } from '../../../src/db/pool.ts'
import { startApp } from '../desk.ts'
import type { Ground } from './ground.ts'

export interface IdleFigure {
  tenants: number
  startMs: number
  statementsPerSecond: number
  appCpuPercent: number
}

const settleMs = 3_000

/** Seconds of processor time a process has used. Linux counts it in hundredths. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Transactions that ended so far; a statement outside a transaction is one. */
async function statements(owner: Sql): Promise<number> {
  await owner`select pg_stat_force_next_flush()`
  const [row] =
    await owner`select (xact_commit + xact_rollback)::float8 as ended from pg_stat_database where datname = current_database()`
  return row?.ended as number
}

/** Starts the app beside the running database, leaves it alone for `seconds`, and stops it. */
export async function idle(ground: Ground, seconds: number): Promise<IdleFigure> {
  const app = await startApp(ground.dataDir)
  try {
    await Bun.sleep(settleMs)
    const [before, cpu, began] = [await statements(ground.db.owner), cpuSeconds(app.pid), performance.now()]
    await Bun.sleep(seconds * 1000)
    const [after, used] = [await statements(ground.db.owner), cpuSeconds(app.pid)]
    const passed = (performance.now() - began) / 1000
    return {
      tenants: ground.tenants.length,
      startMs: app.startedIn,
      statementsPerSecond: Math.round(((after - before) / passed) * 10) / 10,
      appCpuPercent: Math.round(((used - cpu) / passed) * 1000) / 10,
    }
  } finally {
    await app.stop()
  }
}
