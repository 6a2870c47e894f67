import { NotFound } from '../errors.ts'
import type { MediaFiles, PictureSize } from './files.ts'

/** What is needed to serve a picture's bytes. */
export interface StoredPicture {
  id: string
  tenantId: string
  type: string
  sha256: string
}

/**
 * A picture as an answer: its true type, never sniffed, no rights of its own. The bytes of an id never change, so a
 * browser that has them only asks whether it still may see them.
 * @param cache who may keep it: the reader's own browser, or anybody on the way (pictures of the public feed)
 * @throws NotFound when the bytes are gone
 */
export async function pictureResponse(
  files: MediaFiles,
  stored: StoredPicture,
  size: PictureSize,
  request: Request,
  cache: 'private' | 'public' = 'private',
): Promise<Response> {
  const etag = `"${stored.sha256.slice(0, 32)}-${size}"`
  const headers = {
    etag,
    'cache-control': cache === 'private' ? 'private, no-cache' : 'public, max-age=86400',
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
    'cross-origin-resource-policy': cache === 'private' ? 'same-origin' : 'cross-origin',
  }
  const known = request.headers
    .get('if-none-match')
    ?.split(',')
    .map(tag => tag.trim().replace(/^W\//, ''))
  if (known?.includes(etag)) return new Response(null, { status: 304, headers })
  const bytes = await files.read(stored.tenantId, stored.id, size)
  if (!bytes) throw new NotFound('This picture’s file is not there any more.')
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: { ...headers, 'content-type': size === 'thumbnail' ? 'image/webp' : stored.type },
  })
}
