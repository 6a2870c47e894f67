import { createHash } from 'node:crypto'
import { openReading, type Reading, type Table, tablesOf } from '../db/copy.ts'
import type { Tenant } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { type Entry, writeArchive } from '../lib/archive.ts'
import type { Storage } from '../storage/storage.ts'
import {
  type Checksums,
  format,
  keysJson,
  type Manifest,
  newSum,
  partName,
  summed,
  tableSum,
  version,
} from './capsule.ts'
import { type Ground, unwatched, type Watch } from './ground.ts'

export interface Exported {
  manifest: Manifest
  checksums: Checksums
  /** Of the file. */
  bytes: number
  /** Of what is in it: rows as text, and pictures. */
  contentBytes: number
  seconds: number
}

/** A part is cut when it has at least so many bytes. */
const partBytes = 4 * 1024 * 1024

/**
 * One tenant as a capsule, as it is at this moment, while the app goes on. Memory stays flat. The database is read in
 * one transaction, which waits for whoever reads the file, and is over before the first picture is fetched.
 *
 * @param secret the passphrase, or 32 bytes of ours
 * @returns the file, to be read to its end or cancelled, and what it came to once it was read
 * @throws NotFound
 */
export async function exportTenant(
  { db, storage }: Pick<Ground, 'db' | 'storage'>,
  tenantId: string,
  secret: string | Buffer,
  watch: Watch = unwatched,
): Promise<{ file: ReadableStream<Uint8Array>; result(): Exported }> {
  const started = performance.now()
  // Its keys may have been changed by another process.
  db.forgetTenant(tenantId)
  const tenant = await db.tenantById(tenantId)
  if (!tenant) throw new NotFound()
  const reading = await openReading(db.owner)
  try {
    const manifest = await manifestOf(storage, reading, tenant)
    const checksums: Checksums = { tables: [], media: [], missing: [] }
    const made: Exported = { manifest, checksums, bytes: 0, contentBytes: 0, seconds: 0 }
    const passed = (entry: Entry): Entry => {
      made.contentBytes += entry.bytes
      watch('exporting', made.contentBytes, 0)
      return entry
    }
    async function* entries(): AsyncGenerator<Entry> {
      yield json('manifest.json', JSON.stringify(manifest))
      yield json('keys.json', keysJson((tenant as Tenant).keys))
      for (const table of manifest.tables)
        for await (const part of partsOf(reading, (tenant as Tenant).schema, table, checksums))
          yield passed(part)
      const pictures = await picturesOf(reading, (tenant as Tenant).schema)
      await reading.end()
      for await (const file of filesOf(storage, tenantId, pictures, checksums)) yield passed(file)
      yield json('checksums.json', JSON.stringify(checksums))
    }
    const file = (await writeArchive(secret, entries())).getReader()
    return {
      file: new ReadableStream({
        async pull(controller) {
          try {
            const { value, done } = await file.read()
            made.seconds = (performance.now() - started) / 1000
            if (done) return controller.close()
            made.bytes += value.length
            controller.enqueue(value)
          } catch (error) {
            await reading.end()
            throw error
          }
        },
        async cancel(reason) {
          await reading.end()
          // What was broken off has failed already.
          await file.cancel(reason).catch(() => {})
        },
      }),
      result: () => made,
    }
  } catch (error) {
    await reading.end()
    throw error
  }
}

const json = (name: string, text: string): Entry => {
  const body = Buffer.from(text)
  return { name, bytes: body.length, body }
}

async function manifestOf(storage: Storage, { tx }: Reading, tenant: Tenant): Promise<Manifest> {
  const [row] = await tx`
    select t.schema_version, public.clock() as now, w.name
    from public.tenants t cross join ${tx(`${tenant.schema}.workspace`)} w where t.id = ${tenant.id}`
  if (!row) throw new Error('A workspace without its own row cannot be exported')
  const media = { files: 0, bytes: 0 }
  for await (const file of storage.list(`media/${tenant.id}/`)) {
    media.files++
    media.bytes += file.bytes
  }
  return {
    format,
    version,
    level: row.schema_version as number,
    madeAt: (row.now as Date).toISOString(),
    tenant: { id: tenant.id, slug: tenant.slug, name: row.name as string },
    tables: await tablesOf(tx, tenant.schema),
    media,
  }
}

async function* partsOf(
  reading: Reading,
  schema: string,
  table: Table,
  checksums: Checksums,
): AsyncGenerator<Entry> {
  const sum = newSum()
  let number = 0
  let pieces: Uint8Array[] = []
  let bytes = 0
  const cut = (): Entry => {
    const part = { name: partName(table.name, ++number), bytes, body: Buffer.concat(pieces, bytes) }
    pieces = []
    bytes = 0
    return part
  }
  for await (const piece of summed(reading.copyOut(schema, table), sum)) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes >= partBytes) yield cut()
  }
  if (bytes > 0) yield cut()
  checksums.tables.push(tableSum(table.name, sum))
}

interface Picture {
  id: string
  /** Taken out of the library: its files may be gone, or stay for the versions that show it. */
  removed: boolean
}

async function picturesOf({ tx }: Reading, schema: string): Promise<Picture[]> {
  const rows =
    await tx`select id, removed_at is not null as removed from ${tx(`${schema}.media`)} order by id`
  return rows.map(row => ({ id: row.id as string, removed: row.removed as boolean }))
}

/** The files of the pictures; one that is not there is said in the checksums, since a capsule without it is better than none. */
async function* filesOf(
  storage: Storage,
  tenantId: string,
  pictures: readonly Picture[],
  checksums: Checksums,
): AsyncGenerator<Entry> {
  const files = pictures.flatMap(({ id, removed }) =>
    [id, `${id}.thumbnail`].map(name => ({ name, removed })),
  )
  for (const { name, removed } of files) {
    const stored = await storage.read(`media/${tenantId}/${name}`)
    if (!stored) {
      if (!removed) checksums.missing.push(name)
      continue
    }
    // A picture is small, and its size has to be known before its bytes.
    const body = await new Response(stored).bytes()
    const sha256 = createHash('sha256').update(body).digest('hex')
    checksums.media.push({ name, bytes: body.length, sha256 })
    yield { name: `media/${name}`, bytes: body.length, body }
  }
}
