import { z } from 'zod'
import type { Table } from '../db/copy.ts'
import { Stop } from '../errors.ts'
import { readArchive } from '../lib/archive.ts'
import type { KeyRing } from '../lib/seal.ts'
import {
  Checksums,
  format,
  Keys,
  Manifest,
  mediaName,
  newSum,
  type Sum,
  summed,
  tableSum,
  version,
} from './capsule.ts'

/** More than a capsule of ours ever has; what says otherwise is refused before it is read. */
const most = {
  json: 1_000_000,
  checksums: 200_000_000,
  part: 1_000_000_000,
  picture: 64_000_000,
}
/** Pictures hardly shrink: a file that unpacks to far more of them than it weighs is a trap. */
const mostGrowth = 50

const strange = (why: string) => new Stop(`This is no capsule that Masthead made: ${why}.`)

export interface Visitor {
  /** The first word of what comes; may refuse it. */
  opened?(manifest: Manifest, keys: KeyRing): Promise<void>
  /** A part of a table; absent: it is only checked. */
  part?(table: Table, rows: AsyncIterable<Uint8Array>): Promise<void>
  /** A picture's file, by its name in the media folder; absent: it is only checked. */
  picture?(file: string, body: ReadableStream<Uint8Array>): Promise<void>
}

export interface Read {
  manifest: Manifest
  keys: KeyRing
  checksums: Checksums
}

/**
 * Reads a whole capsule and checks all of it: names, order, sizes, and every checksum.
 * @param bytes the size of the file
 * @param here the newest migration level that is known here
 * @throws Stop in words when it is not whole, not ours, too new, or holds what a capsule does not hold
 */
export async function readCapsule(
  secret: string | Buffer,
  file: { stream: ReadableStream<Uint8Array>; bytes: number },
  here: number,
  visitor: Visitor = {},
): Promise<Read> {
  const entries = readArchive(secret, file.stream)
  try {
    return await readEntries(entries, file.bytes, here, visitor)
  } finally {
    await entries.return(undefined)
  }
}

/** What a capsule says of itself, before the rest is read. @throws Stop in words */
export async function peek(
  secret: string | Buffer,
  { stream }: { stream: ReadableStream<Uint8Array> },
  here: number,
): Promise<{ manifest: Manifest; keys: KeyRing }> {
  const entries = readArchive(secret, stream)
  try {
    return await readHead(entries, here)
  } finally {
    await entries.return(undefined)
  }
}

async function readEntries(
  entries: Entries,
  fileBytes: number,
  here: number,
  visitor: Visitor,
): Promise<Read> {
  const { manifest, keys } = await readHead(entries, here)
  await visitor.opened?.(manifest, keys)
  const tables = new Map(manifest.tables.map((table, at) => [table.name, { table, at, parts: 0 }]))
  if (tables.size !== manifest.tables.length) throw strange('a table is named twice')
  const sums = new Map(manifest.tables.map(({ name }) => [name, newSum()]))
  const pictures = new Map<string, ReturnType<typeof newSum>>()
  let reached = 0
  let weight = 0
  let checksums: Checksums | null = null
  for await (const { name, bytes, body } of entries) {
    if (checksums) throw strange('something follows its checksums')
    const [, tableName, number] = /^tables\/([a-z0-9_]+)\/(\d{6})$/.exec(name) ?? []
    const entry = tables.get(tableName ?? '')
    const picture = mediaName.exec(name)?.[1]
    if (entry && number && pictures.size === 0) {
      if (entry.at < reached || Number(number) !== ++entry.parts) throw strange('its parts are out of order')
      if (bytes > most.part) throw strange('a part of a table is too large')
      reached = entry.at
      const rows = summed(body, sums.get(entry.table.name) ?? newSum())
      await (visitor.part ? visitor.part(entry.table, rows) : drain(rows))
    } else if (picture) {
      weight += bytes
      if (bytes > most.picture || weight > mostGrowth * fileBytes + most.picture)
        throw strange('its pictures are too large')
      if (pictures.has(picture)) throw strange('a picture comes twice')
      const sum = newSum()
      pictures.set(picture, sum)
      const content = summed(body, sum)
      await (visitor.picture ? visitor.picture(picture, streamOf(content)) : drain(content))
    } else if (name === 'checksums.json')
      checksums = parsed(Checksums, await textOf(body, bytes, most.checksums), 'its checksums')
    else throw strange('it holds something that a capsule does not hold')
  }
  if (!checksums) throw new Stop('The file is damaged or cut off: its checksums are missing.')
  compare(checksums, manifest, sums, pictures)
  return { manifest, keys, checksums }
}

function ringOf({ current, keys }: z.infer<typeof Keys>): KeyRing {
  const all = new Map(keys.map(({ id, key }) => [id, Buffer.from(key, 'base64')]))
  const key = all.get(current)
  if (!key || all.size !== keys.length) throw strange('its keys contradict each other')
  all.delete(current)
  return { current: { id: current, key }, others: all }
}

type Entries = ReturnType<typeof readArchive>

async function readHead(entries: Entries, here: number): Promise<{ manifest: Manifest; keys: KeyRing }> {
  const first = await next(entries, 'manifest.json')
  const about = parsed(
    z.looseObject({ format: z.literal(format), version: z.int(), level: z.int() }),
    first,
    'its manifest',
  )
  if (about.version > version)
    throw new Stop(
      `This capsule is of format ${about.version} and this Masthead reads format ${version}: import it with a newer version of Masthead.`,
    )
  if (about.level > here)
    throw new Stop(
      `This capsule is of migration level ${about.level} and this Masthead is at ${here}: upgrade this one first, then try again.`,
    )
  const manifest = parsed(Manifest, first, 'its manifest')
  const keys = ringOf(parsed(Keys, await next(entries, 'keys.json'), 'its keys'))
  return { manifest, keys }
}

async function next(entries: Entries, name: string): Promise<string> {
  const { value, done } = await entries.next()
  if (done || value.name !== name) throw strange(`${name} is not where it belongs`)
  return textOf(value.body, value.bytes, most.json)
}

function parsed<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw strange(`${what} cannot be read`)
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw strange(`${what} cannot be read (${issue?.path.join('.') || 'all of it'})`)
}

async function textOf(body: ReadableStream<Uint8Array>, bytes: number, limit: number): Promise<string> {
  if (bytes > limit) throw strange('a part of it is too large')
  return new Response(body).text()
}

async function drain(from: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of from);
}

const streamOf = (from: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> => {
  const iterator = from[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}

function compare(
  said: Checksums,
  manifest: Manifest,
  sums: ReadonlyMap<string, Sum>,
  pictures: ReadonlyMap<string, Sum>,
): void {
  const wrong = () => new Stop('The file is damaged: what it holds does not fit its own checksums.')
  if (said.tables.length !== manifest.tables.length || said.media.length !== pictures.size) throw wrong()
  for (const table of said.tables) {
    const sum = sums.get(table.name)
    if (!sum) throw wrong()
    const { rows, bytes, sha256 } = tableSum(table.name, sum)
    if (rows !== table.rows || bytes !== table.bytes || sha256 !== table.sha256) throw wrong()
  }
  for (const { name, bytes, sha256 } of said.media) {
    const sum = pictures.get(name)
    if (sum?.bytes !== bytes || sum.hash.digest('hex') !== sha256) throw wrong()
  }
}
