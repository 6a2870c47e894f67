import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

const version = 1
const keyBytes = 32

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
