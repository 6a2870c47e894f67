/** What adapters share: reading a platform's answer strictly, putting failures into words, and keeping tokens out of them. */
import { type Answer, OutboundError } from '../lib/fetch.ts'
import { network } from './catalogue/everywhere.ts'
import { ConnectionFailed, type Failure, type Json, type Outcome } from './platform.ts'

/** Ends an adapter's work early with an outcome, from however deep. */
export class Stop extends Error {
  constructor(readonly outcome: Exclude<Outcome, { is: 'published' }>) {
    super('why' in outcome ? outcome.why.message : outcome.is)
  }
}

type JsonObject = { [key: string]: Json }

/** The answer as a JSON object; null when it is anything else (HTML, a list, cut off, empty). */
export function jsonObject(answer: Answer): JsonObject | null {
  try {
    const value = answer.json()
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A non-empty string at `key`, else null. */
export function textAt(object: JsonObject | null | undefined, key: string): string | null {
  const value = object?.[key]
  return typeof value === 'string' && value !== '' ? value : null
}

export function objectAt(object: JsonObject | null | undefined, key: string): JsonObject | null {
  const value = object?.[key]
  return isObject(value) ? value : null
}

/** A finite, positive number at `key`, else null. */
export function numberAt(object: JsonObject | null | undefined, key: string): number | null {
  const value = object?.[key]
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null
}

/** An address to show as a link, or null: only http(s), never longer than a browser takes. */
export function webAddress(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 2000) return null
  try {
    const url = new URL(value)
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null
  } catch {
    return null
  }
}

/**
 * What of an answer may be kept beside a failure: the status and the platform's own error words, at most 300 characters
 * each, without anything that is or looks like a token. Other parts of a body are never kept.
 */
export function rawOf(answer: Answer, secrets: readonly unknown[] = []): Json {
  const body = jsonObject(answer)
  const raw: JsonObject = { status: answer.status }
  for (const key of ['error', 'message', 'error_description']) {
    const words = textAt(body, key)
    if (words) raw[key] = redact(words, secrets).slice(0, 300)
  }
  if (!body && answer.body.length > 0) raw.body = `${answer.body.length} bytes that are not JSON`
  return raw
}

/** Takes known secrets, and whatever has the shape of a token, out of words that came from outside. */
export function redact(words: string, secrets: readonly unknown[] = []): string {
  let clean = words
  for (const secret of secrets) {
    if (typeof secret === 'string' && secret.length >= 6) clean = clean.replaceAll(secret, '[removed]')
  }
  return clean
    .replace(/\b(bearer|basic|dpop)\s+[\w.~+/=-]+/gi, '$1 [removed]')
    .replace(/\beyJ[\w-]+(\.[\w-]+)*/g, '[removed]')
    .replace(/\bwhsec_[\w+/=]+/g, '[removed]')
}

/**
 * How long a platform asks us to wait, in milliseconds, at least 1 s and at most a day. Reads `Retry-After` (seconds or a
 * date), `X-RateLimit-Reset` (Mastodon: ISO time) and `RateLimit-Reset` (Bluesky: unix seconds); undefined when it says nothing.
 */
export function waitOf(headers: Headers, now = Date.now()): number | undefined {
  for (const name of ['retry-after', 'x-ratelimit-reset', 'ratelimit-reset']) {
    const value = headers.get(name)?.trim()
    if (!value) continue
    const number = Number(value)
    // Small numbers are seconds from now, large ones a unix time.
    const until = Number.isFinite(number)
      ? number > 1e9
        ? number * 1000
        : now + number * 1000
      : Date.parse(value)
    if (Number.isFinite(until)) return Math.min(Math.max(until - now, 1000), 86_400_000)
  }
  return undefined
}

/** How many calls the answer's headers leave until their window opens anew; null when they do not tell. */
export function leftOf(headers: Headers, now = Date.now()): { calls: number; until: Date } | null {
  for (const prefix of ['x-ratelimit', 'ratelimit']) {
    const [calls, reset] = [headers.get(`${prefix}-remaining`), headers.get(`${prefix}-reset`)]
    if (!calls || !reset || !/^\d+$/.test(calls.trim())) continue
    const wait = waitOf(new Headers({ [`${prefix}-reset`]: reset }), now)
    if (wait !== undefined) return { calls: Number(calls), until: new Date(now + wait) }
  }
  return null
}

export function retry(why: Failure, afterMs?: number): Outcome & { is: 'retry' } {
  return afterMs === undefined ? { is: 'retry', why } : { is: 'retry', why, afterMs }
}

/** Words for a call that brought no usable answer. */
export function unreachable(error: OutboundError, name: string): Failure {
  const code = `network_${error.kind}` as const
  return {
    code,
    message: `${name} ${error.sent ? 'gave no complete answer' : 'could not be reached'}: ${error.message}`,
    next: network[code].next,
    raw: { kind: error.kind, sent: error.sent, status: error.status },
  }
}

/**
 * Runs an adapter's work and turns what it throws into an outcome. `lost` decides what a lost answer means; everything that
 * certainly never left is a plain retry. Other errors (a lost lease, a bug) pass through.
 */
export async function outcomeOf<T extends Outcome | { is: 'absent' }>(
  name: string,
  work: () => Promise<T>,
  lost: (why: Failure) => Outcome,
): Promise<T | Outcome> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Stop) return error.outcome
    if (!(error instanceof OutboundError)) throw error
    const why = unreachable(error, name)
    return error.sent ? lost(why) : retry(why)
  }
}

/** Runs the calls of `connect` and `check`; every failure becomes a `ConnectionFailed` with its sentence. */
export async function connecting<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof OutboundError) {
      throw new ConnectionFailed(`${name} could not be reached: ${error.message}`, error.kind === 'address')
    }
    if (error instanceof Stop) {
      const { outcome } = error
      const words = 'why' in outcome ? `${outcome.why.message} ${outcome.why.next}` : error.message
      throw new ConnectionFailed(words, outcome.is === 'reconnect' || outcome.is === 'rejected')
    }
    throw error
  }
}

/** `example.org`, `https://example.org/` and `https://example.org/@me` all mean the server `https://example.org`; null when it is no server. */
export function serverOrigin(typed: string): string | null {
  const text = typed.trim()
  try {
    const url = new URL(/^https?:\/\//i.test(text) ? text : `https://${text}`)
    return url.hostname === '' || url.username || url.password ? null : url.origin
  } catch {
    return null
  }
}
