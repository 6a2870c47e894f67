import { createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type BaseBackup, beginBackup } from '../db/base-backup.ts'
import type { Address } from '../db/pool.ts'
import { Stop } from '../errors.ts'
import { type Entry, writeArchive } from '../lib/archive.ts'
import type { Storage } from '../storage/storage.ts'
import {
  createTally,
  format,
  type Head,
  headName,
  type Manifest,
  manifestName,
  secretName,
} from './layout.ts'

/** What there is to back up. */
export interface Instance {
  /** The owner's direct address of the embedded database. */
  owner: Address
  /** The cluster's folder. */
  dataFolder: string
  /** The instance secret. */
  secret: string
  storage: Storage
}

export interface Written {
  file: string
  bytes: number
  workspaces: number
  rows: number
  pictures: number
}

export interface Watch {
  bytes(done: number, of: number): void
  tables(done: number, of: number): void
}

/**
 * Writes a backup of the whole instance while it runs: database, secret, pictures. Snapshots, exports and earlier
 * backups are copies themselves, and stay out. The file appears whole or not at all.
 *
 * @param passphrase opens it again
 * @throws Stop in words
 */
export async function writeBackup(
  instance: Instance,
  to: string,
  passphrase: string,
  watch: Watch,
): Promise<Written> {
  if (existsSync(to)) throw new Stop(`${to} is there already: choose another name.`)
  const part = `${to}.part`
  const base = await beginBackup(instance.owner, instance.dataFolder)
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 })
    const counts = { workspaces: 0, rows: 0, pictures: 0 }
    const archive = await writeArchive(passphrase, contents(instance, base, watch, counts))
    await pipeline(Readable.fromWeb(archive as never), createWriteStream(part, { mode: 0o600 }))
    await settle(part)
    renameSync(part, to)
    return { file: to, bytes: statSync(to).size, ...counts }
  } catch (error) {
    throw inWords(error, to)
  } finally {
    rmSync(part, { force: true })
    await base.close()
  }
}

/** Two segments: the one it starts in, and the one of the restore point. */
const leastWal = 2 * 16 * 1024 * 1024

async function* contents(
  { dataFolder, secret, storage }: Instance,
  base: BaseBackup,
  watch: Watch,
  counts: Omit<Written, 'file' | 'bytes'>,
): AsyncGenerator<Entry> {
  const tally = createTally()
  let media = 0
  for await (const { bytes } of storage.list('media/')) media += bytes
  const total = base.bytes + media + leastWal
  let done = 0
  const counted = (name: string, bytes: number, body: Entry['body']): Entry => {
    done += bytes
    watch.bytes(done, Math.max(done, total))
    return { name, bytes, body: tally.count(name, bytes, body) }
  }
  const head: Head = {
    masthead: 'backup',
    format,
    madeAt: new Date().toISOString(),
    serverVersion: base.serverVersion,
    bytes: total,
  }
  yield json(headName, head)
  for (const name of base.files) {
    const file = base.open(name)
    if (file) yield counted(`postgres/${name}`, file.bytes, file.body)
  }
  const end = await base.end(watch.tables)
  const label = Buffer.from(end.label)
  yield counted('postgres/backup_label', label.length, label)
  for (const name of end.wal) {
    const file = base.open(name)
    if (!file) throw new Stop(`The database has let go of ${name} in ${dataFolder} too early: try again.`)
    yield counted(`postgres/${name}`, file.bytes, file.body)
  }
  yield { name: secretName, bytes: Buffer.byteLength(secret), body: Buffer.from(secret) }
  // After the database: a spare picture is harmless, a missing one is not.
  for await (const { path, bytes } of storage.list('media/')) {
    const body = await storage.read(path)
    if (!body) continue
    counts.pictures++
    yield counted(path, bytes, body)
  }
  counts.workspaces = Object.keys(end.tables).length - 1
  for (const tables of Object.values(end.tables))
    for (const [rows] of Object.values(tables)) counts.rows += rows
  const manifest: Manifest = {
    point: end.point,
    folders: base.folders,
    parts: tally.sums(),
    tables: end.tables,
  }
  yield json(manifestName, manifest)
}

function json(name: string, value: Head | Manifest): Entry {
  const body = Buffer.from(JSON.stringify(value))
  return { name, bytes: body.length, body }
}

/** On the disk, not only on its way there. */
async function settle(file: string): Promise<void> {
  const handle = await open(file, 'r')
  await handle.sync()
  await handle.close()
}

function inWords(error: unknown, to: string): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new Stop(`There is not enough room for the backup in ${dirname(to)}: nothing of it was kept.`)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOENT' || code === 'ENOTDIR')
    return new Stop(`${dirname(to)} cannot be written (${code}): choose another folder with --to.`)
  return error
}

/** The name of a backup made now, in `folder`: it sorts by time. */
export const backupFile = (folder: string, now = new Date()): string =>
  join(folder, `masthead-${now.toISOString().slice(0, 19).replaceAll(':', '')}Z.backup`)

/** What `backupFile` names. */
export const backupName = /^masthead-\d{4}-\d\d-\d\dT\d{6}Z\.backup$/

/** Lies in the data folder and tells when the last backup was made, wherever it went. */
export const lastBackupName = 'last-backup.json'
export interface LastBackup {
  file: string
  madeAt: string
  /** Whether it was restored into scratch and compared. */
  tried: boolean
}
