import { chownSync, closeSync, createWriteStream, mkdirSync, openSync, writeSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Identity } from '../db/cluster-home.ts'
import { Stop } from '../errors.ts'
import { readArchive } from '../lib/archive.ts'
import {
  createTally,
  type Head,
  headName,
  type Manifest,
  manifestName,
  partOf,
  readHead,
  secretName,
} from './layout.ts'

export interface Unpacked {
  head: Head
  manifest: Manifest
  secret: string
}

/** Small enough to be held as a whole. */
const wholeBytes = 1024 * 1024

/**
 * Unpacks a backup: the cluster into `postgres`, the pictures below `media`. Everything is compared with the manifest.
 *
 * @param to folders that exist and are empty; the cluster's files are given to `identity`
 * @throws Stop in words when it is no backup, the passphrase is another, or it is cut off, damaged or too big
 */
export async function unpack(
  file: string,
  passphrase: string,
  to: { postgres: string; media: string; identity: Identity },
  onBytes: (done: number, of: number) => void,
): Promise<Unpacked> {
  const tally = createTally()
  const made = new Set<string>()
  let head: Head | null = null
  let manifest: Manifest | null = null
  let secret = ''
  let done = 0
  const folder = (path: string, own: boolean) => {
    if (made.has(path)) return
    mkdirSync(path, { recursive: true, mode: 0o700 })
    if (own) give(path, to.identity)
    made.add(path)
  }
  folder(to.postgres, true)
  for await (const { name, bytes, body } of readArchive(passphrase, Bun.file(file).stream())) {
    if (head === null && name !== headName) throw new Stop('This is an archive of Masthead, but no backup.')
    if (name === headName) {
      head = readHead(await new Response(body).text())
      await refuseSmallDisk(to.postgres, head.bytes)
    } else if (name === manifestName) manifest = JSON.parse(await new Response(body).text()) as Manifest
    else if (name === secretName) secret = await new Response(body).text()
    else {
      const cluster = partOf(name) === 'postgres'
      const path = cluster ? join(to.postgres, name.slice('postgres/'.length)) : join(to.media, name)
      // Parents first, so that each of them belongs to the database's user too.
      if (cluster)
        for (const step of parents(name.slice('postgres/'.length))) folder(join(to.postgres, step), true)
      else folder(dirname(path), false)
      await write(path, bytes, tally.count(name, bytes, body))
      if (cluster) give(path, to.identity)
      done += bytes
      onBytes(done, Math.max(done, head?.bytes ?? 0))
    }
  }
  if (!head || !manifest || secret === '') throw new Stop('This backup is not whole: its end is missing.')
  const sums = tally.sums()
  for (const part of ['postgres', 'media'] as const)
    if (sums[part].sha256 !== manifest.parts[part].sha256)
      throw new Stop('This backup is not whole: its files are not those of its manifest.')
  for (const name of manifest.folders) {
    partOf(`postgres/${name}`)
    for (const step of [...parents(name), name]) folder(join(to.postgres, step), true)
  }
  return { head, manifest, secret }
}

async function write(
  path: string,
  bytes: number,
  body: Uint8Array | ReadableStream<Uint8Array>,
): Promise<void> {
  if (body instanceof ReadableStream && bytes > wholeBytes)
    return pipeline(Readable.fromWeb(body as never), createWriteStream(path, { mode: 0o600, flags: 'wx' }))
  const all = body instanceof Uint8Array ? body : await new Response(body).bytes()
  const handle = openSync(path, 'wx', 0o600)
  try {
    if (all.length > 0) writeSync(handle, all)
  } finally {
    closeSync(handle)
  }
}

const parents = (name: string): string[] => {
  const steps = name.split('/').slice(0, -1)
  return steps.map((_, at) => steps.slice(0, at + 1).join('/'))
}

function give(path: string, identity: Identity): void {
  if ('uid' in identity) chownSync(path, identity.uid, identity.gid)
}

async function refuseSmallDisk(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free < bytes)
    throw new Stop(
      `The backup needs about ${gigabytes(bytes)} when it is unpacked, and ${dirname(folder)} has ${gigabytes(free)} left.`,
    )
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
