/** A real streaming replica of an embedded cluster, made by the low-level backup API: the package has no pg_basebackup. */
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { ownerUser, startEmbedded } from '../../src/db/embedded.ts'
import { openPool, type Sql } from '../../src/db/pool.ts'
import { createLog } from '../../src/lib/log.ts'
import { freePort } from './processes.ts'

export interface Standby {
  /** postgres:// address of a login, over TCP on 127.0.0.1. */
  url(user: string, password: string, database: string): string
  /** The owner's login there, for looking and for pausing replay. Opened for each use: the server comes and goes. */
  ask<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** Kills the server; nothing answers then. */
  kill(): Promise<void>
  /** Stops every process of it as if the machine hung: connections stay open and nothing answers. */
  freeze(): void
  thaw(): void
  start(): Promise<void>
  stop(): Promise<void>
}

export interface Primary {
  /** Folder of the cluster's unix socket, and of its data. */
  socket: string
  dataFolder: string
  ownerPassword: string
}

const quiet = createLog({ level: 'silent', json: false })
/** What a copy must not have of the running server, and what it fetches by itself. */
const left = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'server.log',
  'pg_replslot',
  'pg_dynshmem',
  'pg_stat_tmp',
])

/** Copies the running primary and starts the copy as its standby (about 2 s). */
export async function startStandby(primary: Primary, database: string): Promise<Standby> {
  const folder = mkdtempSync(join(tmpdir(), 'masthead-standby-'))
  // Open to the database's own user, else the server would be kept elsewhere.
  chmodSync(folder, 0o755)
  const data = join(folder, 'postgres')
  await copy(primary, data)
  writeFileSync(join(data, 'standby.signal'), '')
  const quote = (value: string) => `'${value.replaceAll("'", "\\'")}'`
  const source = `host=${quote(primary.socket)} port=5432 user=${ownerUser} password=${quote(primary.ownerPassword)}`
  writeFileSync(
    join(data, 'postgresql.auto.conf'),
    `primary_conninfo = '${source.replaceAll("'", "''")}'\nhot_standby = on\nmax_standby_streaming_delay = '1s'\n`,
    { flag: 'a' },
  )
  ownedAlike(primary.dataFolder, folder)

  const port = await freePort()
  const start = () =>
    startEmbedded(folder, primary.ownerPassword, quiet, {
      fsync: 'off',
      listen_addresses: '127.0.0.1',
      port: String(port),
      max_connections: '400',
    })
  let cluster = await start()
  const pid = () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  const url = (user: string, password: string, name: string) =>
    `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`
  /** The server's processes: the postmaster leads a session of its own, and its children have it as their parent. */
  const processes = (): number[] => {
    const children = Bun.spawnSync(['pgrep', '-P', String(pid())])
      .stdout.toString()
      .trim()
      .split('\n')
    return [pid(), ...children.filter(Boolean).map(Number)]
  }
  return {
    url,
    async ask(work) {
      const sql = openPool(
        { url: url(ownerUser, primary.ownerPassword, database) },
        { name: 'standby test', max: 1 },
      )
      try {
        return await work(sql)
      } finally {
        await sql.end({ timeout: 1 })
      }
    },
    async kill() {
      const all = processes()
      for (const one of all) process.kill(one, 'SIGKILL')
      for (const one of all) while (alive(one)) await Bun.sleep(20)
      rmSync(join(data, 'postmaster.pid'), { force: true })
    },
    freeze() {
      for (const one of processes()) process.kill(one, 'SIGSTOP')
    },
    thaw() {
      for (const one of processes()) process.kill(one, 'SIGCONT')
    },
    async start() {
      cluster = await start()
    },
    async stop() {
      cluster.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function copy(primary: Primary, to: string): Promise<void> {
  const sql = openPool(
    { socket: primary.socket, user: ownerUser, password: primary.ownerPassword, database: 'postgres' },
    { name: 'standby copy', max: 1 },
  )
  try {
    await sql`select pg_backup_start('standby', true)`
    mkdirSync(to, { mode: 0o700 })
    cpSync(primary.dataFolder, to, {
      recursive: true,
      verbatimSymlinks: true,
      filter: source => !left.has(basename(source)) && basename(dirname(source)) !== 'pg_wal',
    })
    for (const name of ['pg_replslot', 'pg_dynshmem', 'pg_stat_tmp'])
      mkdirSync(join(to, name), { mode: 0o700 })
    const [label] = await sql`select labelfile from pg_backup_stop(false)`
    writeFileSync(join(to, 'backup_label'), label?.labelfile as string)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** The server's user is another than ours where we are root. */
function ownedAlike(model: string, folder: string): void {
  const { uid, gid } = statSync(model)
  if (uid === process.getuid?.()) return
  const done = Bun.spawnSync(['chown', '-R', `${uid}:${gid}`, folder])
  if (done.exitCode !== 0) chownSync(folder, uid, gid)
}

function alive(pid: number): boolean {
  try {
    // A zombie still has its number, and nothing else.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
