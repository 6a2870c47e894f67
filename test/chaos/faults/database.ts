/** Faults 6 to 11: what can befall the database and the way to it. */
import type { Told } from '../check.ts'
import { until } from '../plan.ts'
import type { Rig } from '../rig.ts'
import { type Fault, takenOverMs } from './fault.ts'

const server = `datname = 'chaos' and pid <> pg_backend_pid()`

export const restarted: Fault = {
  number: 6,
  name: 'PostgreSQL restarted: fast, at once, and away for five seconds',
  mostLateMs: takenOverMs,
  async play(rig, { from, overMs }) {
    await until(from + overMs * 0.2)
    rig.cluster.stopServer('fast')
    rig.cluster.start()
    await until(from + overMs * 0.5)
    rig.cluster.stopServer('immediate')
    const told = await askWithoutDatabase(rig)
    await Bun.sleep(5_000)
    rig.cluster.start()
    return { times: 2, told }
  },
}

/** While the database is away a request is answered in time, and told when to come back. */
async function askWithoutDatabase(rig: Rig): Promise<Told[]> {
  const key = rig.tenants[0]?.key ?? ''
  const answers = await Promise.all(
    rig.processes.all.map(async ({ name, address }): Promise<Told[]> => {
      const answer = await fetch(`${address}/api/v1/publish-jobs`, {
        headers: { authorization: `Bearer ${key}` },
        signal: AbortSignal.timeout(15_000),
      }).catch(() => null)
      if (answer?.status === 503 && answer.headers.has('retry-after')) return []
      return [['ZOMBIE', `${name} answers ${answer?.status ?? 'nothing'} while the database is away`]]
    }),
  )
  return answers.flat()
}

export const terminated: Fault = {
  number: 7,
  name: 'backends terminated, ten a second',
  mostLateMs: takenOverMs,
  async play({ admin }, { from, overMs }) {
    await until(from)
    let times = 0
    for (; Date.now() < from + overMs; await Bun.sleep(100))
      times += (
        await admin.unsafe(
          `select pg_terminate_backend(pid) from (select pid from pg_stat_activity where ${server} order by random() limit 1) one`,
        )
      ).length
    return { times }
  },
}

export const commitsCut: Fault = {
  number: 8,
  name: 'lines cut at COMMIT: before the server has it, and after, its answer dropped',
  mostLateMs: takenOverMs,
  async play({ processes }, { from, overMs, random }) {
    let [before, after] = [0, 0]
    for (const line of processes.lines)
      line.commits(() => {
        const roll = random()
        if (roll < 0.06) before++
        else if (roll < 0.24) after++
        else return null
        return { when: roll < 0.06 ? 'before' : 'after' }
      })
    await until(from + overMs)
    for (const line of processes.lines) line.commits(null)
    return { times: before + after, words: `${before} before, ${after} after` }
  },
}

export const swallowed: Fault = {
  number: 9,
  name: 'half-open lines to the database: those there are, then all for five seconds',
  mostLateMs: takenOverMs,
  async play({ processes }, { from, overMs }) {
    await until(from + overMs * 0.2)
    for (const line of processes.lines) line.swallow('existing')
    await until(from + overMs * 0.6)
    for (const line of processes.lines) line.swallow('all')
    await Bun.sleep(5_000)
    for (const line of processes.lines) {
      line.pass()
      // The server's side of the holes is let go, as its keepalive does after a while.
      line.cut()
    }
    return { times: 8 }
  },
}

export const refusing: Fault = {
  number: 10,
  name: 'a database that only reads, cancels statements, has no connection left',
  mostLateMs: takenOverMs,
  async play({ admin }, { from, overMs }) {
    const drop = () => admin.unsafe(`select pg_terminate_backend(pid) from pg_stat_activity where ${server}`)
    await until(from)
    await admin.unsafe('alter database chaos set default_transaction_read_only = on')
    await drop()
    await until(from + overMs * 0.3)
    await admin.unsafe('alter database chaos reset default_transaction_read_only')
    await drop()
    let cancelled = 0
    for (; Date.now() < from + overMs * 0.65; await Bun.sleep(20))
      cancelled += (
        await admin.unsafe(
          `select pg_cancel_backend(pid) from pg_stat_activity where ${server} and state <> 'idle' and wait_event_type is distinct from 'Client'`,
        )
      ).length
    await admin.unsafe('alter database chaos connection limit 4')
    await drop()
    await until(from + overMs)
    await admin.unsafe('alter database chaos connection limit -1')
    return { times: 2 + cancelled, words: `${cancelled} statements cancelled` }
  },
}

export const locked: Fault = {
  number: 11,
  name: 'the jobs of two workspaces locked for twelve seconds, as by a migration',
  mostLateMs: takenOverMs,
  async play(rig, { from }) {
    const two = rig.tenants.slice(0, 2)
    const ids = two.map(({ id }) => id)
    // What is planned elsewhere is not in anybody's way.
    for (const post of rig.posts) if (!two.some(({ slug }) => slug === post.tenant)) post.clearAt = 0
    const own = await rig.ownerOf('chaos')
    try {
      const schemas = await own`select schema_name from public.tenants where id = any(${ids}::uuid[])`
      await until(from - 500)
      await own.begin(async sql => {
        for (const { schema_name: schema } of schemas)
          await sql.unsafe(`lock table ${schema as string}.publish_jobs in access exclusive mode`)
        await Bun.sleep(12_000)
      })
    } finally {
      await own.end({ timeout: 1 })
    }
    return { times: two.length }
  },
}
