import { createHash } from 'node:crypto'
import type { Scope } from '../db/scope.ts'
import { Conflict, Invalid, NotFound, Unavailable } from '../errors.ts'
import { record } from '../events.ts'
import { isId, newId } from '../lib/id.ts'
import { allow } from '../permissions.ts'
import type { MediaFiles } from './files.ts'
import { type Media, readMedia } from './find.ts'
import { type Picture, PictureRefused, readPicture } from './picture.ts'
import { cleanName, type MediaChange } from './schema.ts'

/** A checked picture on its way into the library, with the id it will have. */
export interface Prepared {
  id: string
  picture: Picture
  sha256: string
  /** Set by `addPicture`: its row is in the transaction. */
  added: boolean
}

/**
 * Checks and re-encodes what was sent. Takes seconds for a large picture: never call it inside `within`.
 * @throws Invalid with the path `file` and a sentence that says what to change
 */
export async function preparePicture(bytes: Uint8Array): Promise<Prepared> {
  try {
    const picture = await readPicture(bytes)
    const sha256 = createHash('sha256').update(picture.bytes).digest('hex')
    return { id: newId(), picture, sha256, added: false }
  } catch (error) {
    if (!(error instanceof PictureRefused)) throw error
    throw new Invalid(error.message, [{ path: 'file', message: error.message }])
  }
}

/**
 * Writes the bytes, then runs `save`, which opens a transaction and calls `addPicture` in it. When that fails, or turns
 * out to be a repeat that added nothing, the bytes go again.
 */
export async function keepPicture<T>(
  files: MediaFiles,
  tenantId: string,
  prepared: Prepared,
  save: () => Promise<T>,
): Promise<T> {
  const { id, picture } = prepared
  try {
    await files.write(tenantId, id, 'full', picture.bytes)
    await files.write(tenantId, id, 'thumbnail', picture.thumbnail)
    const saved = await save()
    if (!prepared.added) await files.remove(tenantId, id)
    return saved
  } catch (error) {
    // A lost connection does not tell whether the row was committed: spare bytes are harmless, a row without them is not.
    if (!(prepared.added && error instanceof Unavailable)) await files.remove(tenantId, id)
    throw error
  }
}

/** Records a picture whose bytes are written. */
export async function addPicture(
  scope: Scope,
  prepared: Prepared,
  about: {
    alt?: string | undefined
    name?: string | undefined
    source?: 'upload' | 'generated' | undefined
  } = {},
): Promise<Media> {
  allow(scope, 'media.write')
  const { id, picture, sha256 } = prepared
  await scope.sql`
    insert into media (id, type, width, height, bytes, sha256, alt, name, source, created_by)
    values (${id}, ${picture.type}, ${picture.width}, ${picture.height}, ${picture.bytes.byteLength}, ${sha256},
      ${about.alt ?? ''}, ${cleanName(about.name ?? '')}, ${about.source ?? 'upload'}, ${scope.actor.userId})`
  prepared.added = true
  return readMedia(scope, id)
}

/** @throws NotFound */
export async function changeMedia(scope: Scope, id: string, change: MediaChange): Promise<Media> {
  allow(scope, 'media.write')
  const media = await readMedia(scope, id)
  await scope.sql`
    update media set alt = ${change.alt ?? media.alt}, name = ${change.name ?? media.name} where id = ${media.id}`
  // The alt text is part of what posts say.
  if (change.alt !== undefined && change.alt !== media.alt) await record(scope, 'media.changed', media.id)
  return readMedia(scope, id)
}

/**
 * Takes a picture out of the library. Versions that show it keep its bytes.
 * @returns whether the bytes may go too, once the transaction has committed
 * @throws NotFound, Conflict while a post that is still to go out shows it
 */
export async function removeMedia(scope: Scope, id: string): Promise<{ id: string; bytesToo: boolean }> {
  allow(scope, 'media.write')
  const [row] = isId(id)
    ? await scope.sql`select id from media where id = ${id} and removed_at is null for update`
    : []
  if (!row) throw new NotFound()
  const [used] = await scope.sql`
    select count(*)::int as versions,
      count(*) filter (where exists (
        select 1 from publish_jobs j where j.version_id = v.id and j.state in ('scheduled', 'publishing', 'held', 'unconfirmed')
      ))::int as planned
    from content_versions v
    where ${id}::uuid = any(v.media)
      or exists (
        select 1 from jsonb_array_elements(v.thread || v.variants || jsonb_path_query_array(v.variants, '$[*].thread[*]')) part
        where lower((part->'media')::text)::jsonb ? ${id.toLowerCase()})`
  if (used && (used.planned as number) > 0)
    throw new Conflict(
      'A post that is still to go out shows this picture. Cancel that post, or save it without the picture, and try again.',
    )
  await scope.sql`update media set removed_at = public.clock() where id = ${id}`
  await record(scope, 'media.changed', row.id as string)
  return { id: row.id as string, bytesToo: used?.versions === 0 }
}
