/** What a flow answered, as PostgreSQL can keep it. Pure. */
import type { Json } from '../platforms/platform.ts'

/** Most bytes read of an answer; what is longer is kept as its first 4 KiB of text. */
export const maxAnswerBytes = 1024 * 1024
/** Most bytes kept of an answer that is not JSON. */
export const keptTextBytes = 4096

/** JSON where it is JSON and complete, else the first 4 KiB as text without half a character at its end. */
export function readAnswer({ bytes, whole }: { bytes: Uint8Array; whole: boolean }): Json {
  if (whole) {
    try {
      return storable(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json)
    } catch {
      // Not JSON, or nested deeper than anything honest: told as text.
    }
  }
  return storable(
    new TextDecoder().decode(bytes.subarray(0, keptTextBytes), { stream: bytes.length > keptTextBytes }),
  )
}

/** PostgreSQL keeps neither NUL nor half a surrogate pair, in text as in jsonb. */
function storable(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll('\0', '\ufffd').toWellFormed()
  if (Array.isArray(value)) return value.map(storable)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [storable(name), storable(inner)]))
}

/** n8n’s own words in an answer, on one line. */
export function messageIn(answer: Json): string | null {
  if (answer === null || typeof answer !== 'object' || Array.isArray(answer)) return null
  return typeof answer.message === 'string' ? answer.message.replace(/\s+/g, ' ').slice(0, 300) : null
}
