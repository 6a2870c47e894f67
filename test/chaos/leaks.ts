/** What a fault may leave behind: connections, transactions that stay open, files and memory of the processes. */
import { readFileSync } from 'node:fs'
import type { Told } from './check.ts'
import { openFiles } from './processes.ts'
import type { Rig } from './rig.ts'

export interface Holdings {
  connections: number
  /** The most that one process has open. */
  files: number
  /** The most that one process holds, in MB. */
  memory: number
}

const settleMs = 10_000
/** By the sizes of the pools: 10 and 4 of each process and of the rig, their probes, and the one that asks. */
const mostConnections = 5 * 16 + 4

export async function holdings({ admin, processes }: Rig): Promise<Holdings> {
  const [row] = await admin`select count(*)::int as n from pg_stat_activity where datname = 'chaos'`
  const pids = processes.all.map(({ child }) => child.pid)
  return {
    connections: row?.n as number,
    files: Math.max(...pids.map(pid => openFiles(pid).length)),
    memory: Math.max(...pids.map(residentMb)),
  }
}

function residentMb(pid: number): number {
  try {
    return Math.round(
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    )
  } catch {
    return 0
  }
}

/** @param calm what was held when nothing had gone wrong yet */
export async function leaks(rig: Rig, calm: Holdings): Promise<Told[]> {
  const until = Date.now() + settleMs
  for (;;) {
    const found = await look(rig, calm)
    if (found.length === 0 || Date.now() > until) return found.map(words => ['LEAK', words] as const)
    await Bun.sleep(500)
  }
}

async function look(rig: Rig, calm: Holdings): Promise<string[]> {
  const now = await holdings(rig)
  const stuck = await rig.admin`
    select pid, left(query, 80) as query from pg_stat_activity
    where datname = 'chaos' and state like 'idle in transaction%' and state_change < now() - interval '5 seconds'`
  return [
    ...stuck.map(({ pid, query }) => `backend ${pid} stays in a transaction: ${query}`),
    ...(now.connections > Math.max(mostConnections, calm.connections * 2)
      ? [`${now.connections} connections to the database`]
      : []),
    ...(now.files > calm.files * 1.1 + 40
      ? [`a process has ${now.files} files open, ${calm.files} when calm`]
      : []),
    ...(now.memory > calm.memory * 2 + 100
      ? [`a process holds ${now.memory} MB, ${calm.memory} when calm`]
      : []),
  ]
}
