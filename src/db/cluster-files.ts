import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Stop } from '../errors.ts'

/** A file of the cluster, with the size that it had when it was opened. */
export interface ClusterFile {
  /** Path below the data folder. */
  name: string
  bytes: number
  body: Uint8Array | ReadableStream<Uint8Array>
}

/**
 * Folders whose contents PostgreSQL makes anew, files that belong to the running server, and what a backup must not
 * hold. https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP-DATA
 */
const emptied = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])
const left =
  /^(postmaster\.(pid|opts)|pg_internal\.init.*|pgsql_tmp.*|t\d+_\d+.*|backup_label.*|tablespace_map.*|current_logfiles.*|server\.log|.*\.auto\.conf\.tmp|(recovery|standby)\.signal)$/
/** Says where recovery starts, so it is read last: https://www.postgresql.org/docs/18/protocol-replication.html (BASE_BACKUP sends it last too). */
const controlFile = 'global/pg_control'
/** Up to here a file is read at once; a cluster is mostly small files. */
const wholeBytes = 1024 * 1024

/** Names of all files and folders of a cluster, as a backup takes them. @throws Stop when it has tablespaces */
export function listCluster(dataFolder: string): { files: string[]; folders: string[]; bytes: number } {
  const files: string[] = []
  const folders: string[] = []
  let bytes = 0
  const walk = (folder: string) => {
    for (const entry of entriesOf(join(dataFolder, folder))) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isSymbolicLink())
        throw new Stop(
          `${join(dataFolder, name)} is a link to another place, which this backup does not follow: use pg_basebackup, as docs/operating.md says.`,
        )
      if (left.test(entry.name)) continue
      if (entry.isDirectory()) {
        folders.push(name)
        if (!emptied.has(name)) walk(name)
      } else if (entry.isFile() && name !== controlFile) {
        files.push(name)
        bytes += statSync(join(dataFolder, name), { throwIfNoEntry: false })?.size ?? 0
      }
    }
  }
  walk('')
  return { files: [...files, controlFile], folders, bytes }
}

/** The WAL segments from one to another, both included, and the histories of the timelines. */
export function listWal(dataFolder: string, first: string, last: string): string[] {
  return entriesOf(join(dataFolder, 'pg_wal'))
    .map(({ name }) => name)
    .filter(
      name =>
        /^[0-9A-F]{8}\.history$/.test(name) || (/^[0-9A-F]{24}$/.test(name) && name >= first && name <= last),
    )
    .sort()
    .map(name => `pg_wal/${name}`)
}

/**
 * Opens a file of a running cluster. Its size is fixed now: what grows is cut, what shrinks is filled with zeros, and
 * the WAL mends both when it is replayed.
 * @returns null when the file went away
 */
export function openClusterFile(dataFolder: string, name: string): ClusterFile | null {
  if (name === controlFile) return readTwice(dataFolder, name)
  let handle: number
  try {
    handle = openSync(join(dataFolder, name), 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const bytes = fstatSync(handle).size
  if (bytes > wholeBytes) return { name, bytes, body: streamOf(handle, bytes) }
  const body = Buffer.alloc(bytes)
  try {
    readInto(handle, body)
  } finally {
    closeSync(handle)
  }
  return { name, bytes, body }
}

/** It is written over in place: only what reads the same twice was not met half-written. */
function readTwice(dataFolder: string, name: string): ClusterFile {
  const read = () => {
    const handle = openSync(join(dataFolder, name), 'r')
    const body = Buffer.alloc(fstatSync(handle).size)
    readInto(handle, body)
    closeSync(handle)
    return body
  }
  for (;;) {
    const body = read()
    if (body.equals(read())) return { name, bytes: body.length, body }
  }
}

function readInto(handle: number, body: Uint8Array): void {
  for (let at = 0; at < body.length; ) {
    const read = readSync(handle, body, at, body.length - at, null)
    if (read === 0) return
    at += read
  }
}

function streamOf(handle: number, bytes: number): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      const part = Buffer.alloc(Math.min(wholeBytes, bytes - at))
      readInto(handle, part)
      at += part.length
      controller.enqueue(part)
      if (at < bytes) return
      closeSync(handle)
      controller.close()
    },
    cancel: () => closeSync(handle),
  })
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
