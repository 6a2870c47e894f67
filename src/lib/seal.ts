import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

const version = 1
/** The layout that names its key: version (1), key id (2), nonce (12), tag (16), ciphertext. */
const keyedVersion = 2
const keyBytes = 32

/** A tenant's data keys. What is sealed names the key it opens with, so that keys can be changed one row at a time. */
export interface KeyRing {
  /** The key that seals. */
  current: { id: number; key: Buffer }
  /** The others that still open something, by id. */
  others: ReadonlyMap<number, Buffer>
}

/** A key for one purpose, derived from the instance secret (HKDF-SHA256). */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'masthead', purpose, keyBytes))
}

/** A password for one purpose, derived from the instance secret; hexadecimal, so it needs no quoting anywhere. */
export const derivePassword = (secret: string, purpose: string): string =>
  deriveKey(secret, purpose).toString('hex')

/** A keyed hash (HMAC-SHA256) for looking something up without storing it. */
export const keyedHash = (key: Buffer, value: string): Buffer =>
  createHmac('sha256', key).update(value).digest()

export const newKey = (): Buffer => randomBytes(keyBytes)

/**
 * Seals bytes with AES-256-GCM. Layout: version (1), nonce (12), tag (16), ciphertext.
 * @param about bound to the sealed bytes: where they belong, e.g. `tenant/account/secret`. They open only there.
 */
export function seal(key: Buffer, plain: string | Buffer, about: string): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(about))
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.from([version]), nonce, cipher.getAuthTag(), sealed])
}

/** @throws when the key is another one, the bytes were changed, or they belong elsewhere. */
export function open(key: Buffer, sealed: Uint8Array, about: string): Buffer {
  const bytes = Buffer.from(sealed)
  if (bytes[0] !== version || bytes.length < 29) throw new Error('These sealed bytes have no known form')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 13))
  decipher.setAAD(Buffer.from(about))
  decipher.setAuthTag(bytes.subarray(13, 29))
  return Buffer.concat([decipher.update(bytes.subarray(29)), decipher.final()])
}

/** Seals with the current key. The first key's layout is the plain one, which every version of Masthead opens. */
export function sealWith(ring: KeyRing, plain: string | Buffer, about: string): Buffer {
  const { id, key } = ring.current
  const sealed = seal(key, plain, about)
  if (id === 1) return sealed
  const keyed = Buffer.alloc(3)
  keyed.writeUInt8(keyedVersion)
  keyed.writeUInt16BE(id, 1)
  return Buffer.concat([keyed, sealed.subarray(1)])
}

/** The id of the key that sealed bytes open with. @throws when they have no known form */
export function keyIdOf(sealed: Uint8Array): number {
  if (sealed[0] === version) return 1
  if (sealed[0] === keyedVersion && sealed.length >= 31) return Buffer.from(sealed).readUInt16BE(1)
  throw new Error('These sealed bytes have no known form')
}

/** @throws when the ring lacks the key, the bytes were changed, or they belong elsewhere. */
export function openWith(ring: KeyRing, sealed: Uint8Array, about: string): Buffer {
  const key = keyOf(ring, keyIdOf(sealed))
  if (sealed[0] === version) return open(key, sealed, about)
  return open(key, Buffer.concat([Buffer.from([version]), Buffer.from(sealed).subarray(3)]), about)
}

/** @throws when the ring lacks it */
export function keyOf(ring: KeyRing, id: number): Buffer {
  const key = id === ring.current.id ? ring.current.key : ring.others.get(id)
  if (!key) throw new Error(`The key ${id} of this workspace is not known here`)
  return key
}
