import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { clusterHome, unprivileged } from '../db/cluster-home.ts'
import { Stop } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { check, unpackInto, type Verdict } from './check.ts'
import { isScratch, makeScratch, recover } from './scratch.ts'

/** Lies in a data folder that was put back, until the first start has held what may have gone out since. */
export const restoredName = 'restored.json'

/** Moved last, the cluster makes the folder one that a start takes up. */
const moved = [restoredName, 'media', 'secret', 'postgres'] as const

/**
 * Restores a backup into an empty data folder: unpacked and recovered beside, compared with its manifest, stopped
 * cleanly, and only then put in place.
 * @throws Stop in words; the folder is then as empty as it was
 */
export async function restore(
  file: string,
  passphrase: string,
  into: string,
  log: Log,
  onBytes: (done: number, of: number) => void,
): Promise<Verdict> {
  refuseUsed(into, log)
  const scratch = await makeScratch(into, log)
  const give = () => void scratch.discard().finally(() => process.exit(1))
  process.once('SIGINT', give).once('SIGTERM', give)
  try {
    const unpacked = await unpackInto(scratch, file, passphrase, onBytes)
    const server = await recover(scratch, unpacked.secret, unpacked.manifest.point, log)
    let verdict: Verdict
    try {
      verdict = await check(server.owner, scratch, unpacked)
    } finally {
      await server.stop()
    }
    if (verdict.wrong.length > 0)
      throw new Stop(`The backup is not what it was made from: ${verdict.wrong.slice(0, 5).join('; ')}.`)
    for (const name of ['server.log', 'backup_label.old', 'backup_manifest'])
      rmSync(join(scratch.postgres, name), { force: true })
    const marker = { madeAt: unpacked.head.madeAt, restoredAt: new Date().toISOString() }
    writeFileSync(join(scratch.folder, restoredName), `${JSON.stringify(marker)}\n`)
    writeFileSync(join(scratch.folder, 'secret'), `${unpacked.secret}\n`, { mode: 0o600 })
    place(scratch.folder, dirname(scratch.postgres), into, log)
    return verdict
  } finally {
    await scratch.discard()
    process.off('SIGINT', give).off('SIGTERM', give)
  }
}

function place(scratch: string, scratchHome: string, into: string, log: Log): void {
  const home = clusterHome(into, unprivileged(), log)
  mkdirSync(join(scratch, 'media'), { recursive: true, mode: 0o700 })
  for (const name of moved) {
    const cluster = name === 'postgres'
    renameSync(join(cluster ? scratchHome : scratch, name), join(cluster ? home : into, name))
  }
}

/** @throws Stop when there is anything in the folder, or a cluster that belongs to it elsewhere */
function refuseUsed(into: string, log: Log): void {
  const home = clusterHome(into, unprivileged(), log)
  if (existsSync(join(home, 'postgres/postmaster.pid')))
    throw new Stop(
      `A database runs in ${home}: stop the app and "bun run db:stop", and move ${into} away, or restore --into another folder.`,
    )
  if (!existsSync(into)) return
  const inside = readdirSync(into).filter(name => !isScratch(name) && name !== 'lost+found')
  // Made by looking: an empty home of a cluster is none.
  if (inside.length === 0 && !existsSync(join(home, 'postgres'))) return
  throw new Stop(
    `${into} is not empty (${inside.slice(0, 3).join(', ') || join(home, 'postgres')}): a backup is restored into an empty folder. Move this one away, or restore --into another.`,
  )
}
