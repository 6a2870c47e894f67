import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import type { StoredPicture } from './file.ts'

/** A picture of the media library as the API answers it and the pages show it. */
export interface Media {
  id: string
  type: 'image/jpeg' | 'image/png' | 'image/webp'
  /** Pixels. */
  width: number
  height: number
  bytes: number
  alt: string
  /** The file's name when it was uploaded, or one given later. */
  name: string
  source: 'upload' | 'generated'
  /** Path of the picture at the JSON door; pages have theirs under `/w/:slug/media/:id/file`. */
  url: string
  createdAt: string
}

/** The library, newest first. @throws Malformed `bad_cursor` */
export async function listMedia(
  scope: Scope,
  { limit = 50, cursor }: { limit?: number | undefined; cursor?: string | undefined } = {},
): Promise<Page<Media>> {
  const [before = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select id, type, width, height, bytes, alt, name, source, created_at from media
    where removed_at is null and (${before}::uuid is null or id < ${before}::uuid)
    order by id desc limit ${limit + 1}`
  return pageOf(rows.map(toMedia), limit, last => [last.id])
}

/** @throws NotFound for an id that is unknown, removed, malformed or another tenant's */
export async function readMedia(scope: Scope, id: string): Promise<Media> {
  const [media] = await findMedia(scope, [id])
  if (!media) throw new NotFound()
  return media
}

/**
 * The pictures among `ids` that are in the library, in the order of `ids`. With `removed`, also those taken out of it,
 * which saved versions may still show. With `hold`, none of them can be removed until the transaction is over: for
 * whoever saves a version that shows them.
 */
export async function findMedia(
  scope: Scope,
  ids: readonly string[],
  { removed = false, hold = false }: { removed?: boolean; hold?: boolean } = {},
): Promise<Media[]> {
  const asked = ids.filter(isId).map(id => id.toLowerCase())
  if (asked.length === 0) return []
  if (hold) await scope.sql`select id from media where id = any(${asked}::uuid[]) order by id for share`
  const rows = await scope.sql`
    select id, type, width, height, bytes, alt, name, source, created_at from media
    where id = any(${asked}::uuid[]) and (removed_at is null or ${removed})`
  const found = new Map(rows.map(row => [row.id as string, toMedia(row)]))
  return asked.flatMap(id => found.get(id) ?? [])
}

/**
 * What is needed to serve a picture's bytes. A removed picture is served for as long as its bytes are kept for the
 * versions that show it.
 * @throws NotFound
 */
export async function readStored(scope: Scope, id: string): Promise<StoredPicture> {
  const [row] = isId(id) ? await scope.sql`select id, type, sha256 from media where id = ${id}` : []
  if (!row) throw new NotFound()
  return {
    id: row.id as string,
    tenantId: scope.tenant.id,
    type: row.type as string,
    sha256: row.sha256 as string,
  }
}

/** Pictures, and how many of them have no alt text yet. */
export async function countMedia(scope: Scope): Promise<{ all: number; withoutAlt: number }> {
  const [row] = await scope.sql`
    select count(*)::int as all, count(*) filter (where alt = '')::int as without
    from media where removed_at is null`
  return { all: (row?.all as number | undefined) ?? 0, withoutAlt: (row?.without as number | undefined) ?? 0 }
}

function toMedia(row: Record<string, unknown>): Media {
  const id = row.id as string
  return {
    id,
    type: row.type as Media['type'],
    width: row.width as number,
    height: row.height as number,
    bytes: row.bytes as number,
    alt: row.alt as string,
    name: row.name as string,
    source: row.source as Media['source'],
    url: `/api/v1/media/${id}/file`,
    createdAt: (row.created_at as Date).toISOString(),
  }
}
