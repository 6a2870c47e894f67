/**
 * Turns bytes that a stranger sent into a picture we may serve: decided by content, decoded once, written anew, so that
 * nothing of the original but its pixels survives (no position, no camera, no script behind the last chunk).
 */
import sharp, { type Sharp } from 'sharp'

/** Largest picture taken, in bytes as sent. */
export const maxPictureBytes = 20 * 1024 * 1024
/** Largest picture taken, in pixels; checked from the header, before anything is decoded. */
export const maxPicturePixels = 40_000_000
/** Widest preview, in pixels. */
export const thumbnailWidth = 640
/** A very tall picture would overstep WebP's 16,383 pixels at full width, so the preview is bounded both ways. */
const thumbnailHeight = 1920
/** A decode that takes longer than this is given up; the largest honest picture takes a few seconds. */
const decodeSeconds = 30
/** Each decode may hold 40 megapixels of 4 bytes, so only this many run at once; the others wait their turn. */
const decodesAtOnce = 2

export const pictureTypes = ['image/jpeg', 'image/png', 'image/webp'] as const
export type PictureType = (typeof pictureTypes)[number]

export interface Picture {
  bytes: Uint8Array
  type: PictureType
  /** Pixels, after the camera's rotation was applied. */
  width: number
  height: number
  /** WebP, at most 640 pixels wide. */
  thumbnail: Uint8Array
}

/** These bytes do not become a picture; the message says what to change and may be shown to people. */
export class PictureRefused extends Error {
  override name = 'PictureRefused'
  constructor(
    readonly code:
      | 'empty'
      | 'too_large'
      | 'too_many_pixels'
      | 'wrong_type'
      | 'animated'
      | 'damaged'
      | 'too_slow',
    message: string,
  ) {
    super(message)
  }
}

// libvips would otherwise keep decoded operations of earlier pictures in memory.
sharp.cache(false)

/** Reads a JPEG, PNG or WebP still picture and writes it anew. Throws `PictureRefused` with a sentence that says what to change. */
export async function readPicture(bytes: Uint8Array): Promise<Picture> {
  if (bytes.byteLength === 0) {
    throw new PictureRefused('empty', 'The file is empty (0 bytes). Choose the picture again.')
  }
  if (bytes.byteLength > maxPictureBytes) {
    throw new PictureRefused(
      'too_large',
      `The picture is ${mebibytes(bytes.byteLength)} MiB; at most ${mebibytes(maxPictureBytes)} MiB are taken. Save it smaller and try again.`,
    )
  }
  const type = typeOf(bytes)
  if (isAnimated(bytes, type)) {
    throw new PictureRefused(
      'animated',
      'This picture is animated; only still pictures are taken. Save one frame of it as PNG, JPEG or WebP.',
    )
  }
  return takingTurns(() => rewrite(bytes, type))
}

async function rewrite(bytes: Uint8Array, type: PictureType): Promise<Picture> {
  try {
    const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata()
    if (width * height > maxPicturePixels) {
      throw new PictureRefused(
        'too_many_pixels',
        `The picture has ${width} × ${height} pixels; at most ${maxPicturePixels / 1e6} megapixels are taken. Scale it down and try again.`,
      )
    }
    // The rotation is applied to the pixels and colours are brought to sRGB, because both are told by metadata, which goes.
    const open = () =>
      sharp(bytes, { limitInputPixels: maxPicturePixels, failOn: 'error', autoOrient: true }).timeout({
        seconds: decodeSeconds,
      })
    const full = await encode(open(), type, bytes).toBuffer({ resolveWithObject: true })
    const thumbnail = await open()
      .resize({ width: thumbnailWidth, height: thumbnailHeight, fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 80 })
      .toBuffer()
    return { bytes: full.data, type, width: full.info.width, height: full.info.height, thumbnail }
  } catch (error) {
    if (error instanceof PictureRefused) throw error
    const why = error instanceof Error ? error.message : String(error)
    if (why.includes('timeout')) {
      throw new PictureRefused(
        'too_slow',
        `The picture could not be read within ${decodeSeconds} seconds. Save it smaller or as a plain JPEG and try again.`,
      )
    }
    throw new PictureRefused(
      'damaged',
      'The picture is damaged or not complete, so it cannot be read. Open it on your computer, save it again and try that file.',
    )
  }
}

function encode(picture: Sharp, type: PictureType, source: Uint8Array): Sharp {
  if (type === 'image/jpeg') return picture.jpeg({ quality: 90 })
  if (type === 'image/png') return picture.png()
  // Effort 2 halves the 16 s that a picture of 40 megapixels takes at the default 4 (measured).
  // A lossless drawing stays lossless: its sharp edges are why it was saved so.
  return picture.webp({ quality: 90, effort: 2, lossless: text(source, 12, 16) === 'VP8L' })
}

/** The type as the first bytes say; what name or claim came with the file does not matter. */
function typeOf(bytes: Uint8Array): PictureType {
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return 'image/jpeg'
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'image/png'
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP') return 'image/webp'
  throw new PictureRefused('wrong_type', `${otherType(bytes)} Save it as JPEG, PNG or WebP and try again.`)
}

function otherType(bytes: Uint8Array): string {
  if (text(bytes, 0, 4) === 'GIF8') return 'This is a GIF; GIFs are not taken.'
  if (text(bytes, 4, 8) === 'ftyp') {
    const brand = text(bytes, 8, 12)
    if (/^(hei|hev|mif1|msf1)/.test(brand))
      return 'This is a HEIC picture, as phones take it; it is not taken.'
    if (/^avi[fs]/.test(brand)) return 'This is an AVIF picture; it is not taken.'
    return 'This is a film, not a picture.'
  }
  if (/<svg|<!doctype svg|<\?xml/i.test(text(bytes, 0, 1024))) {
    return 'This is an SVG drawing, which can carry scripts; it is not taken.'
  }
  return 'This is not a JPEG, PNG or WebP picture, whatever its name says.'
}

function isAnimated(bytes: Uint8Array, type: PictureType): boolean {
  if (type === 'image/webp') return text(bytes, 12, 16) === 'VP8X' && ((bytes[20] ?? 0) & 0x02) !== 0
  if (type === 'image/png') return hasChunkBeforePixels(bytes, 'acTL')
  return false
}

/** Walks the PNG chunks up to the pixels; `acTL` before them makes a PNG animated. https://www.w3.org/TR/png-3/#acTL-chunk */
function hasChunkBeforePixels(bytes: Uint8Array, wanted: string): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 8
  while (at + 8 <= bytes.byteLength) {
    const chunk = text(bytes, at + 4, at + 8)
    if (chunk === wanted) return true
    if (chunk === 'IDAT') return false
    at += 12 + view.getUint32(at)
  }
  return false
}

let running = 0
const waiting: (() => void)[] = []

async function takingTurns<T>(work: () => Promise<T>): Promise<T> {
  // The one who leaves hands over its place, so nobody can slip in between.
  if (running >= decodesAtOnce) await new Promise<void>(resolve => waiting.push(resolve))
  else running += 1
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running -= 1
  }
}

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, at) => bytes[at] === byte)
}

function text(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to))
}

function mebibytes(size: number): number {
  return Math.ceil((size / 1024 / 1024) * 10) / 10
}
