import { createHash } from 'node:crypto'
import { z } from 'zod'
import { slugPattern } from '../db/tenants.ts'
import type { KeyRing } from '../lib/seal.ts'

/**
 * A capsule is one tenant in one file: an archive (`lib/archive.ts`) whose entries come in this order:
 * `manifest.json`, `keys.json`, `tables/<name>/<000001…>`, `media/<id>` and `media/<id>.thumbnail`, `checksums.json`.
 * docs/capsule.md describes it for strangers. Everything in one is hostile until it was checked.
 */
export const format = 'masthead capsule'
/** Grows when a reader of the version before could not understand what is written. */
export const version = 1

const identifier = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/)
const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

export const Manifest = z.strictObject({
  format: z.literal(format),
  version: z.literal(version),
  /** The migration level of the tables. */
  level: z.int().min(1).max(65_535),
  madeAt: z.iso.datetime(),
  tenant: z.strictObject({
    id: uuid,
    slug: z.string().regex(slugPattern),
    name: z.string().min(1).max(120),
  }),
  /** Each after those that it refers to, with its columns in the order of the rows. */
  tables: z
    .array(
      z.strictObject({
        name: identifier,
        columns: z
          .array(z.strictObject({ name: identifier, type: z.string().max(80) }))
          .min(1)
          .max(200),
      }),
    )
    .min(1)
    .max(200),
  /** What the files of pictures come to. */
  media: z.strictObject({ files: count, bytes: count }),
})
export type Manifest = z.infer<typeof Manifest>

export const Keys = z.strictObject({
  current: z.int().min(1).max(65_535),
  keys: z
    .array(
      z.strictObject({
        id: z.int().min(1).max(65_535),
        key: z.base64().refine(text => Buffer.from(text, 'base64').length === 32),
      }),
    )
    .min(1)
    .max(1_000),
})

export const Checksums = z.strictObject({
  tables: z.array(z.strictObject({ name: identifier, rows: count, bytes: count, sha256 })).max(200),
  media: z.array(z.strictObject({ name: z.string().max(80), bytes: count, sha256 })),
  /** Pictures of the media table whose file was not there when the capsule was made. */
  missing: z.array(z.string().max(80)),
})
export type Checksums = z.infer<typeof Checksums>
export type TableSum = Checksums['tables'][number]

export const keysJson = ({ current, others }: KeyRing): string =>
  JSON.stringify({
    current: current.id,
    keys: [[current.id, current.key] as const, ...others].map(([id, key]) => ({
      id,
      key: key.toString('base64'),
    })),
  })

/** The name of a part of a table: COPY text cut at line ends, so that neither side holds a table in memory. */
export const partName = (table: string, number: number): string =>
  `tables/${table}/${String(number).padStart(6, '0')}`

/** One picture's file in a capsule, under the name it has in the tenant's media folder. */
export const mediaName = /^media\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.thumbnail)?)$/

export const newSum = () => ({ hash: createHash('sha256'), bytes: 0, rows: 0 })
export type Sum = ReturnType<typeof newSum>

/** Passes bytes on and adds them to a sum; rows are lines. */
export async function* summed(from: AsyncIterable<Uint8Array>, sum: Sum): AsyncGenerator<Uint8Array> {
  for await (const piece of from) {
    sum.hash.update(piece)
    sum.bytes += piece.length
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) sum.rows++
    yield piece
  }
}

export const tableSum = (name: string, { hash, bytes, rows }: Sum): TableSum => ({
  name,
  rows,
  bytes,
  sha256: hash.digest('hex'),
})
