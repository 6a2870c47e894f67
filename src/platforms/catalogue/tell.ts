/** From an answer, or from what we found ourselves, to the failure and the outcome that the catalogue has for it. */
import type { Answer } from '../../lib/fetch.ts'
import { isObject, jsonObject, rawOf, redact, Stop, textAt, waitOf } from '../answers.ts'
import type { Failure, Json, Outcome, PlatformId } from '../platform.ts'
import type { CallKind, Entry, Said } from './entry.ts'
import { ours } from './everywhere.ts'
import { catalogue } from './index.ts'

type CodeOf<P extends PlatformId> = keyof (typeof catalogue)[P] & string
/** What is known about one case beyond the entry. `message` and `next` stand in for the entry's own words. */
type Case = Partial<Pick<Failure, 'message' | 'next' | 'raw'>>

/** A failure in the catalogue's words. */
export function failureOf<P extends PlatformId>(platform: P, code: CodeOf<P>, about: Case = {}): Failure {
  const { cause, next } = entry(platform, code)
  return { code, message: cause, next, ...about }
}

/** The outcome that the catalogue has for a failure that we found ourselves. */
export function outcomeFor<P extends PlatformId>(platform: P, code: CodeOf<P>, about: Case = {}): Failed {
  return outcomeAs(entry(platform, code), failureOf(platform, code, about))
}

type Failed = Extract<Outcome, { why: Failure }>

function outcomeAs({ outcome, afterMs }: Entry, why: Failure, asked?: number): Failed {
  if (outcome === 'held' || outcome === 'cancelled') throw new Error(`no platform answers ${why.code}`)
  if (outcome !== 'retry') return { is: outcome, why }
  const wait = asked ?? afterMs
  return wait === undefined ? { is: 'retry', why } : { is: 'retry', why, afterMs: wait }
}

export interface Told {
  secrets?: readonly unknown[]
  /** Which kind of call it answers. */
  to?: CallKind
  /** Keep this beside the failure instead of the answer's own words. */
  raw?: Json
}

/**
 * What an answer means that is not the one asked for. One that the catalogue does not have is tried again as
 * `uncatalogued`, with the platform's own name for it in `unknown`: the worker counts it, and asks when the post may be out.
 */
export function told(platform: PlatformId, answer: Answer, { secrets = [], to, raw }: Told = {}): Stop {
  const name = textAt(jsonObject(answer), 'error')
  const words = wordsOf(answer, secrets)
  const all: Readonly<Record<string, Entry>> = catalogue[platform]
  const found = Object.entries(all).find(([, { answers }]) =>
    answers?.some(said => fits(said, answer.status, name, words, to)),
  )
  const [code, is]: [string, Entry] = found ?? ['uncatalogued', ours.uncatalogued]
  const asked = is.waits ? waitOf(answer.headers) : undefined
  const message = (is.says ?? is.cause)
    .replace('{status}', String(answer.status))
    .replace('{error}', () => (name ? redact(name, secrets).slice(0, 100) : 'no name'))
    .replace('{words}', () => words)
    .replace('{wait}', asked === undefined ? 'a while' : spoken(asked))
  const why: Failure = { code, message, next: is.next, raw: raw ?? rawOf(answer, secrets) }
  return new Stop(
    outcomeAs(is, found ? why : { ...why, unknown: unknownName(answer.status, name, secrets) }, asked),
  )
}

function entry(platform: PlatformId, code: string): Entry {
  const all: Readonly<Record<string, Entry>> = catalogue[platform]
  const is = all[code]
  if (!is) throw new Error(`${platform} has no ${code} in its catalogue`)
  return is
}

function fits(
  said: Said,
  status: number,
  name: string | null,
  words: string,
  to: CallKind | undefined,
): boolean {
  const { status: wanted, error } = said
  if (said.to !== undefined && said.to !== to) return false
  if (typeof wanted === 'number' && status !== wanted) return false
  if (typeof wanted === 'object' && (status < wanted[0] || status > wanted[1])) return false
  if (said.words && !said.words.test(words)) return false
  if (error === undefined) return true
  if (error === 'any' || error === 'none') return (name !== null) === (error === 'any')
  return name !== null && (typeof error === 'string' ? error === name : error.includes(name))
}

/** The platform's own words for what was wrong, tokens removed. */
export function wordsOf(answer: Answer, secrets: readonly unknown[] = []): string {
  const raw = rawOf(answer, secrets)
  const said = isObject(raw) ? (textAt(raw, 'message') ?? textAt(raw, 'error')) : null
  return said ?? `status ${answer.status}`
}

/** `418`, or `418 ATeapot` when the platform names the error as one names errors; never other words of an answer. */
function unknownName(status: number, name: string | null, secrets: readonly unknown[]): string {
  const proper = name !== null && /^[A-Za-z][A-Za-z_]{0,39}$/.test(name) && redact(name, secrets) === name
  return proper ? `${status} ${name}` : `${status}`
}

function spoken(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`
}
