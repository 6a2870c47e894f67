import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { clusterHome, type Identity, unprivileged } from '../db/cluster-home.ts'
import { ownerUser, startEmbedded, stopEmbedded } from '../db/embedded.ts'
import { openPool, type Sql, waitFor } from '../db/pool.ts'
import { Stop } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { derivePassword } from '../lib/seal.ts'

/** A data folder of its own, beside the real one, in which a backup is unpacked and tried. */
export interface Scratch {
  folder: string
  /** Where its cluster goes. */
  postgres: string
  identity: Identity
  /** Stops what runs there and deletes it. */
  discard(): Promise<void>
}

const prefix = '.unpacked-'

/** Makes one inside `parent`, and takes away those whose process died. */
export async function makeScratch(parent: string, log: Log): Promise<Scratch> {
  mkdirSync(parent, { recursive: true, mode: 0o755 })
  await clearLeftOvers(parent, log)
  const folder = join(parent, `${prefix}${process.pid}`)
  mkdirSync(folder, { mode: 0o755 })
  const identity = unprivileged()
  const home = clusterHome(folder, identity, log)
  return {
    folder,
    postgres: join(home, 'postgres'),
    identity,
    discard: () => discard(folder, log),
  }
}

async function clearLeftOvers(parent: string, log: Log): Promise<void> {
  for (const name of readdirSync(parent).filter(isScratch)) {
    const pid = Number(name.slice(prefix.length))
    if (pid === process.pid || !lives(pid)) await discard(join(parent, name), log)
  }
}

export const isScratch = (name: string): boolean => name.startsWith(prefix)

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function discard(folder: string, log: Log): Promise<void> {
  const home = clusterHome(folder, unprivileged(), log)
  if (existsSync(join(home, 'postgres/postmaster.pid'))) await stopEmbedded(folder, log)
  rmSync(folder, { recursive: true, force: true })
  if (home !== folder) rmSync(home, { recursive: true, force: true })
}

/** A WAL of hours takes minutes to replay. */
const recoverySeconds = 3_600
const lookMs = 200

/**
 * Starts PostgreSQL on an unpacked backup: it replays the WAL up to the restore point, and is a server of its own then.
 * @throws Stop with PostgreSQL's own last words when it does not come that far
 */
export async function recover(
  scratch: Scratch,
  secret: string,
  point: string,
  log: Log,
): Promise<{ owner: Sql; stop(): Promise<void> }> {
  const password = derivePassword(secret, 'database owner')
  await Bun.write(join(scratch.postgres, 'recovery.signal'), '')
  try {
    const cluster = await startEmbedded(scratch.folder, password, log, {
      // There is no archive: everything that is needed lies in pg_wal.
      restore_command: 'exit 1',
      recovery_target_name: point,
      recovery_target_action: 'promote',
      hot_standby: 'off',
      autovacuum: 'off',
    })
    const owner = openPool(
      { socket: cluster.socket, user: ownerUser, password, database: 'masthead' },
      { name: 'masthead restore', max: 4 },
    )
    await recovered(owner, scratch.postgres, log)
    return {
      owner,
      async stop() {
        await owner.end({ timeout: 2 })
        cluster.stop()
      },
    }
  } catch (error) {
    throw new Stop(
      `PostgreSQL does not start on what the backup holds: ${lastWords(scratch.postgres) ?? (error as Error).message}`,
    )
  }
}

/** Waits until it answers. It refuses everybody while it replays, and is gone when it cannot. */
async function recovered(owner: Sql, postgres: string, log: Log): Promise<void> {
  let over = false
  const answered = waitFor(owner, postgres, log, recoverySeconds).finally(() => {
    over = true
  })
  const gone = (async () => {
    while (!over) {
      await Bun.sleep(lookMs)
      if (!over && !existsSync(join(postgres, 'postmaster.pid'))) throw new Error('the server has ended')
    }
  })()
  try {
    await Promise.race([answered, gone])
    await answered
  } catch (error) {
    answered.catch(() => {})
    await owner.end({ timeout: 1 })
    throw error
  }
}

function lastWords(postgres: string): string | null {
  try {
    const lines = readFileSync(join(postgres, 'server.log'), 'utf8').split('\n')
    return lines.findLast(line => /FATAL|PANIC/.test(line))?.replace(/^.*?(FATAL|PANIC):\s*/, '') ?? null
  } catch {
    return null
  }
}
