import { createHash, randomBytes } from 'node:crypto'

/** A new id: UUID version 7, so that ids sort by the time they were made. */
export const newId = (): string => Bun.randomUUIDv7()

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
export const isId = (value: string): boolean => uuid.test(value)

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** `bytes` random bytes written in base62 (digits and letters only). */
export function randomToken(bytes = 32): string {
  let rest = BigInt(`0x${randomBytes(bytes).toString('hex')}`)
  let out = ''
  while (rest > 0n) {
    out = digits.charAt(Number(rest % 62n)) + out
    rest /= 62n
  }
  return out
}

/** What the database keeps of a bearer token: enough to recognise it, useless to whoever reads the table. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')

/** The lowest id that a moment can have: ids made from then on sort after it. */
export function firstIdAt(ms: number): string {
  const hex = Math.max(0, Math.trunc(ms)).toString(16).padStart(12, '0').slice(-12)
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
