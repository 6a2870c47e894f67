/** Makes a picture fit a platform's cap before it is uploaded. */
import sharp from 'sharp'
import { Stop } from './answers.ts'
import type { Limits, PostImage } from './platform.ts'

export interface Fitted {
  bytes: Uint8Array
  type: string
  width: number
  height: number
}

/** Quality and scale of the tries, best first. The same picture always takes the same path, so a repeat gives the same bytes. */
const tries = [
  [85, 1],
  [75, 1],
  [80, 0.75],
  [75, 0.5],
  [70, 0.35],
  [60, 0.2],
] as const

/**
 * The picture as it is when it fits, else a JPEG (WebP when it is see-through) below the caps.
 * Ends with `rejected`, in words, when the file cannot be read or made small enough.
 */
export async function fitted(image: PostImage, limits: Limits['images'], name: string): Promise<Fitted> {
  const bytes = await image.read()
  const { width, height, type } = image
  const maxBytes = limits.shrinkToBytes ?? limits.maxBytes
  const maxPixels = limits.shrinkToPixels ?? Number.POSITIVE_INFINITY
  if (bytes.length <= maxBytes && width * height <= maxPixels) return { bytes, type, width, height }
  try {
    const source = sharp(bytes, { limitInputPixels: 40_000_000 }).rotate()
    const { isOpaque } = await source.stats()
    const fit = Math.min(1, Math.sqrt(maxPixels / (width * height)), 4000 / Math.max(width, height))
    for (const [quality, scale] of tries) {
      const sized = source.clone().resize({ width: Math.max(1, Math.floor(width * fit * scale)) })
      const { data, info } = await (isOpaque ? sized.jpeg({ quality }) : sized.webp({ quality })).toBuffer({
        resolveWithObject: true,
      })
      if (data.length <= maxBytes && info.width * info.height <= maxPixels) {
        return {
          bytes: data,
          type: isOpaque ? 'image/jpeg' : 'image/webp',
          width: info.width,
          height: info.height,
        }
      }
    }
  } catch (error) {
    throw unfit(
      `A picture could not be read to make it smaller (${error instanceof Error ? error.message : 'unknown'}).`,
    )
  }
  throw unfit(
    `A picture of ${bytes.length} bytes could not be brought below the ${maxBytes} bytes that ${name} takes.`,
  )
}

function unfit(message: string): Stop {
  return new Stop({
    is: 'rejected',
    why: { code: 'image_too_large', message, next: 'Replace it with a smaller picture.' },
  })
}
