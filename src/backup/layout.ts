import { createHash, type Hash } from 'node:crypto'
import type { Fingerprints } from '../db/fingerprint.ts'
import { Stop } from '../errors.ts'

/**
 * What a backup holds, in this order: `masthead.json` (the head), `postgres/…` (the cluster's files, its WAL last),
 * `secret`, `media/…`, `manifest.json`.
 */
export interface Head {
  masthead: 'backup'
  format: number
  madeAt: string
  serverVersion: string
  /** About how much disk it needs when it is unpacked. */
  bytes: number
}

export const format = 1
export const headName = 'masthead.json'
export const manifestName = 'manifest.json'
export const secretName = 'secret'

export interface Manifest {
  /** The restore point at which `tables` were read, and at which recovery stops. */
  point: string
  /** Folders of the cluster, the empty ones among them. */
  folders: string[]
  parts: Record<Part, Sum>
  tables: Fingerprints
}

const parts = ['postgres', 'media'] as const
export type Part = (typeof parts)[number]
export interface Sum {
  files: number
  bytes: number
  /** Over every name, length and content, in the order of the archive. */
  sha256: string
}

/** Paths that a backup of ours has; whatever else an archive names is not written. */
const known = /^(postgres(\/[A-Za-z0-9_.-]+)+|media\/[0-9a-f-]{36}\/[0-9a-f-]{36}(\.thumbnail)?)$/

/** @throws Stop for a path that no backup of ours has */
export function partOf(name: string): Part {
  if (!known.test(name) || name.split('/').some(step => step === '.' || step === '..'))
    throw new Stop('This archive holds files that no backup of Masthead has, so nothing of it was taken.')
  return name.startsWith('postgres/') ? 'postgres' : 'media'
}

/** Adds up what goes into an archive, or comes out of it. */
export function createTally() {
  const sums = Object.fromEntries(
    parts.map(part => [part, { files: 0, bytes: 0, hash: createHash('sha256') }]),
  ) as Record<Part, { files: number; bytes: number; hash: Hash }>
  return {
    /** The same body, counted as it is read. */
    count<T extends Uint8Array | ReadableStream<Uint8Array>>(
      name: string,
      bytes: number,
      body: T,
    ): T | ReadableStream<Uint8Array> {
      const sum = sums[partOf(name)]
      sum.files++
      sum.bytes += bytes
      sum.hash.update(`${name}\0${bytes}\0`)
      if (body instanceof Uint8Array) {
        sum.hash.update(body)
        return body
      }
      return body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            sum.hash.update(chunk)
            controller.enqueue(chunk)
          },
        }),
      )
    },
    /** Call once, at the end. */
    sums: (): Record<Part, Sum> =>
      Object.fromEntries(
        parts.map(part => {
          const { files, bytes, hash } = sums[part]
          return [part, { files, bytes, sha256: hash.digest('hex') }]
        }),
      ) as Record<Part, Sum>,
  }
}

/** @throws Stop in words when this is another kind of archive, or one of a newer version */
export function readHead(text: string): Head {
  const head = JSON.parse(text) as Partial<Head>
  if (head.masthead !== 'backup') throw new Stop('This is an archive of Masthead, but no backup.')
  if ((head.format ?? 0) > format)
    throw new Stop('This backup was made by a newer version of Masthead: restore it with that version.')
  return head as Head
}
