/** Looks at the cluster from a database of its own, so that the look is not in the figures. */
import { readFileSync } from 'node:fs'
import { openPool, type Sql } from '../../../src/db/pool.ts'
import type { BenchHouse } from './house.ts'

export interface Observer {
  sql: Sql
  /**
   * Processor time of the backends that serve this database's clients, in milliseconds each since it began. Autovacuum is
   * not among them: it cleans up after what was measured before.
   */
  backends(database: string): Promise<Map<number, number>>
  /** How many statements have run in this database. */
  statements(database: string): Promise<number>
  close(): Promise<void>
}

export async function openObserver(house: BenchHouse): Promise<Observer> {
  const sql = openPool(house.owner('postgres'), { name: 'bench observer', max: 1 })
  await sql`create extension if not exists pg_stat_statements`
  return {
    sql,
    async backends(database) {
      const rows = await sql`
        select pid from pg_stat_activity where datname = ${database} and backend_type = 'client backend' and application_name <> 'bench observer'`
      return new Map(rows.map(row => [row.pid as number, cpuOf(row.pid as number)]))
    },
    async statements(database) {
      const [row] = await sql`
        select coalesce(sum(calls), 0)::float8 as calls from pg_stat_statements s join pg_database d on d.oid = s.dbid
        where d.datname = ${database}`
      return row?.calls as number
    },
    close: () => sql.end({ timeout: 2 }),
  }
}

/** What the backends used between two looks; those that ended meanwhile are not counted. */
export function usedBetween(before: Map<number, number>, after: Map<number, number>): number {
  let used = 0
  for (const [pid, ms] of after) used += ms - (before.get(pid) ?? 0)
  return used
}

/** Processor time that a process has used, in milliseconds; ticks of 10 ms. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export function cpuOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return 0
  }
}
