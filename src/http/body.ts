import { Invalid, Malformed, TooLarge } from '../errors.ts'

export const jsonLimit = 1024 * 1024
export const formLimit = 2 * 1024 * 1024
/** One picture of 20 MiB and the multipart wrapping around it. */
export const uploadLimit = 21 * 1024 * 1024

export type FormBody = Record<string, string | File | (string | File)[]>

/** Reads at most `limit` bytes, counting while reading: a wrong or missing Content-Length does not matter. */
async function readBytes(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () =>
    new TooLarge(`This is larger than ${Math.floor(limit / 1024 / 1024)} MiB. Send less.`)
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge()
  const parts: Uint8Array[] = []
  let size = 0
  if (request.body) {
    for await (const part of request.body as unknown as AsyncIterable<Uint8Array>) {
      size += part.byteLength
      if (size > limit) throw tooLarge()
      parts.push(part)
    }
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}

/** The path of the first string in `value` that PostgreSQL cannot store, or null. */
function nulPath(value: unknown, path = ''): string | null {
  if (typeof value === 'string') return value.includes('\u0000') || hasLoneSurrogate(value) ? path : null
  if (typeof value !== 'object' || value === null) return null
  for (const [key, inner] of Object.entries(value)) {
    if (key.includes('\u0000')) return path || 'body'
    const found = nulPath(inner, path ? `${path}.${key}` : key)
    if (found !== null) return found
  }
  return null
}

const hasLoneSurrogate = (text: string) => !text.isWellFormed()

function refuseUnstorable(value: unknown): void {
  const path = nulPath(value)
  if (path === null) return
  const message = 'has a character that cannot be stored (NUL or half of a surrogate pair)'
  throw new Invalid(`The field "${path}" ${message}: remove it.`, [{ path, message }])
}

export async function readJson(request: Request): Promise<unknown> {
  const bytes = await readBytes(request, jsonLimit)
  if (bytes.byteLength === 0) return undefined
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new Malformed('The body is not valid JSON in UTF-8.')
  }
  refuseUnstorable(value)
  return value
}

/** A form, urlencoded or multipart; a name sent more than once becomes a list. */
export async function readFormBody(request: Request, contentType: string): Promise<FormBody> {
  const multipart = contentType.startsWith('multipart/form-data')
  const bytes = await readBytes(request, multipart ? uploadLimit : formLimit)
  const body: FormBody = {}
  let entries: Iterable<[string, string | File]>
  try {
    entries = multipart
      ? ((
          await new Response(bytes, { headers: { 'content-type': contentType } }).formData()
        ).entries() as never)
      : new URLSearchParams(new TextDecoder().decode(bytes)).entries()
  } catch {
    throw new Malformed('The form could not be read. Send it again.')
  }
  for (const [name, value] of entries) {
    // Browsers end lines in a form with CRLF; nobody typed the CR.
    const clean = typeof value === 'string' ? value.replaceAll('\r\n', '\n') : value
    const known = Object.hasOwn(body, name) ? body[name] : undefined
    body[name] = known === undefined ? clean : [known, clean].flat()
  }
  refuseUnstorable(body)
  return body
}
