import { createHash } from 'node:crypto'
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Stop } from '../errors.ts'
import type { Log } from '../lib/log.ts'

/** Who the database server runs as; empty for an ordinary user, who runs it himself. */
export type Identity = { uid: number; gid: number } | Record<string, never>

/** PostgreSQL refuses to run as root: root hands it to `postgres`, else to `nobody`. */
export function unprivileged(): Identity {
  if (process.getuid?.() !== 0) return {}
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const entry = users.find(line => line.startsWith(`${name}:`))?.split(':')
    if (entry) return { uid: Number(entry[2]), gid: Number(entry[3]) }
  }
  throw new Stop(
    'PostgreSQL does not run as root, and there is neither a "postgres" nor a "nobody" user: run as an ordinary user.',
  )
}

/** Where the cluster lives: the data folder, unless root's helper user cannot reach it. */
export function clusterHome(dataDir: string, identity: Identity, log: Log): string {
  if (!('uid' in identity) || reachable(dataDir)) return dataDir
  const home = join('/var/lib/masthead', createHash('sha256').update(dataDir).digest('hex').slice(0, 16))
  log.info('the data folder is closed to the database user, so the database is kept elsewhere', {
    folder: home,
  })
  mkdirSync(home, { recursive: true, mode: 0o755 })
  return home
}

function reachable(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

/** A socket address has at most 107 bytes (Linux), so a deep or odd data folder gets a short one in the temp folder. */
export function socketFolder(home: string, identity: Identity): string {
  const inside = join(home, 'run')
  // The address goes through a shell and is a list divided by commas: only plain ones are taken as they are.
  const short = Buffer.byteLength(inside) <= 85 && /^[\w/. -]+$/.test(inside)
  const folder = short
    ? inside
    : join(tmpdir(), `masthead-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`)
  mkdirSync(folder, { recursive: true })
  const made = lstatSync(folder)
  const own = [process.getuid?.(), 'uid' in identity ? identity.uid : undefined]
  if (!made.isDirectory() || (process.getuid && !own.includes(made.uid)))
    throw new Stop(`${folder} belongs to somebody else: remove it, or set DATA_DIR to a shorter path.`)
  if ('uid' in identity) chownSync(folder, identity.uid, identity.gid)
  chmodSync(folder, 0o700)
  return folder
}
