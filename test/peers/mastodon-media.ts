/** The media part of our Mastodon server: upload, processing, and what a status may attach. */
import sharp from 'sharp'
import type { Received } from './serve.ts'
import { fields } from './serve.ts'

export const mediaLimits = {
  description_limit: 1500,
  image_matrix_limit: 33_177_600,
  image_size_limit: 16_777_216,
  supported_mime_types: [
    'image/jpeg',
    'image/png',
    'image/gif',
    'image/webp',
    'video/mp4',
    'video/webm',
    'video/quicktime',
  ],
  video_frame_rate_limit: 120,
  video_matrix_limit: 8_294_400,
  video_size_limit: 103_809_024,
}

export interface Media {
  id: string
  accountId: string
  type: 'image' | 'video'
  mime: string
  description: string | null
  bytes: Uint8Array
  width: number
  height: number
  /** How many more times GET /api/v1/media/:id answers 206. */
  pollsUntilReady: number
  statusId: string | null
}

export const isReady = (media: Media) => media.pollsUntilReady <= 0

/** Reads an upload; a string is the sentence of a 422 as Mastodon says it. */
export async function readUpload(
  request: Received,
): Promise<Omit<Media, 'id' | 'accountId' | 'pollsUntilReady'> | string> {
  const { file, description } = await fields(request)
  if (!(file instanceof Blob)) return "Validation failed: File can't be blank"
  const text = typeof description === 'string' ? description : null
  if (text && text.length > mediaLimits.description_limit) {
    return `Validation failed: Description is too long (maximum is ${mediaLimits.description_limit} characters)`
  }
  const bytes = await file.bytes()
  const claimed = file.type.split(';')[0] ?? ''
  const base = { description: text, bytes, statusId: null }
  if (claimed.startsWith('video/')) {
    return { ...base, mime: claimed, type: 'video', width: 1280, height: 720 }
  }
  // The picture is really decoded and its type read from its bytes: what only claims to be one is refused.
  const picture = await sharp(bytes)
    .metadata()
    .catch(() => null)
  if (!picture) return 'File type of uploaded media could not be verified'
  const mime = `image/${picture.format}`
  if (!mediaLimits.supported_mime_types.includes(mime)) {
    return 'Validation failed: File content type is invalid, File is invalid'
  }
  if (bytes.byteLength >= mediaLimits.image_size_limit) {
    return 'Validation failed: File file size must be less than 16 MB'
  }
  if (picture.width * picture.height > mediaLimits.image_matrix_limit) {
    return `Validation failed: File ${picture.width}x${picture.height} images are not supported`
  }
  return { ...base, mime, type: 'image', width: picture.width, height: picture.height }
}

/** The MediaAttachment entity; `url` is null until processing is over. */
export function mediaEntity(media: Media, site: string) {
  const url = isReady(media) ? `${site}/system/media_attachments/${media.id}` : null
  const size = {
    width: media.width,
    height: media.height,
    size: `${media.width}x${media.height}`,
    aspect: media.width / media.height,
  }
  return {
    id: media.id,
    type: media.type,
    url,
    preview_url: url,
    remote_url: null,
    preview_remote_url: null,
    text_url: null,
    meta: { original: size, small: size },
    description: media.description,
    blurhash: 'UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH',
  }
}

/** Why these attachments cannot go with one status, or null. Source: mastodon/mastodon, post_status_service. */
export function refuseMedia(ids: string[], found: Media[], most: number): string | null {
  if (ids.length > most) return `Cannot attach more than ${most} files`
  const missing = ids.filter(id => !found.some(media => media.id === id))
  if (missing.length > 0) return `Media ${missing.join(', ')} not found or already attached to another post`
  if (found.length > 1 && found.some(media => media.type === 'video')) {
    return 'Cannot attach a video to a post that already contains images'
  }
  if (found.some(media => !isReady(media))) {
    return 'Cannot attach files that have not finished processing. Try again in a moment!'
  }
  return null
}
