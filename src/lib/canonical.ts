import { createHash } from 'node:crypto'

/**
 * A value as JSON in the one form that RFC 8785 gives it: no white space, the names of an object in the order of their
 * UTF-16 code units. Members that are undefined are left out, as JSON does. (https://www.rfc-editor.org/rfc/rfc8785)
 * @throws TypeError for what JSON has no word for
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  const simple = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value)
  if (!simple) throw new TypeError(`JSON has no word for ${String(value)}`)
  return JSON.stringify(value)
}

/** In hexadecimal. */
export const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
