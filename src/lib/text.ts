/**
 * Counting text as each platform counts it, and finding links, mentions and hashtags in it.
 * Plain language features only: the browser runs this same file for its live counters.
 */

/** The part of a platform's limits that speaks of text. */
export interface TextLimits {
  max: number
  count: 'graphemes' | 'mastodon' | 'characters'
  maxBytes?: number
  linkLength?: number
}

export interface TextCount {
  count: number
  max: number
  /** UTF-8 bytes, for platforms that limit them too. */
  bytes?: number
  /** How many characters (or, when only the bytes are too many, bytes) have to go; 0 when the text fits. */
  over: number
}

/** A marked part of a text. `start` and `end` are UTF-8 byte offsets, `end` is exclusive. */
export interface Facet {
  kind: 'link' | 'mention' | 'tag'
  start: number
  end: number
  /** The link's address, the mentioned handle without @, or the tag without #. */
  value: string
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
const encoder = new TextEncoder()

/** Number of UTF-8 bytes. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length
}

/** In these nothing joins: only a carriage return before a line feed would, of all that is ASCII. */
const plain = /^[\t\n\x20-\x7e]*$/

/** Number of what a reader sees as one character. */
export function graphemes(text: string): number {
  if (plain.test(text)) return text.length
  let count = 0
  for (const _ of segmenter.segment(text)) count++
  return count
}

/** Counts `text` by a platform's own rule. */
export function countText(text: string, limits: TextLimits): TextCount {
  const count =
    limits.count === 'characters'
      ? codePoints(text)
      : graphemes(limits.count === 'mastodon' ? mastodonCountable(text, limits.linkLength ?? 23) : text)
  const over = Math.max(0, count - limits.max)
  if (limits.maxBytes === undefined) return { count, max: limits.max, over }
  const bytes = utf8Length(text)
  return { count, max: limits.max, bytes, over: over || Math.max(0, bytes - limits.maxBytes) }
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

const host = String.raw`(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*[\p{L}\p{N}_])?\.)+(?:xn--[a-z0-9-]+|\p{L}{2,})(?::\d{1,5})?`
/** Characters that may stand in a path or query for Mastodon: ASCII, accented Latin, Cyrillic. Others end the link. */
const narrowPath = String.raw`[a-z0-9\u00c0-\u024f\u0400-\u04ff!*'();:=+,.$/%#\[\]\-_~|&@?–]`
const mastodonLink = new RegExp(
  String.raw`(?<![a-z0-9@＠$#＃])https?:\/\/${host}(?:[/?#]${narrowPath}*)?`,
  'giu',
)
const anyLink = new RegExp(String.raw`(?<![\p{L}\p{N}@#])https?:\/\/${host}(?:[/?#][^\s<>"]*)?`, 'giu')

/**
 * The text as Mastodon measures it: a link is `linkLength` long whatever it is, `@user@server` is as long as `@user`.
 * Source: https://github.com/mastodon/mastodon/blob/main/app/validators/status_length_validator.rb
 */
function mastodonCountable(text: string, linkLength: number): string {
  return text
    .replace(mastodonLink, found => {
      const link = trimLink(found)
      return 'x'.repeat(linkLength) + found.slice(link.length)
    })
    .replace(/(^|[^/\w])@(([a-z0-9_]+)@[a-z0-9.-]+[a-z0-9]+)/gi, '$1@$3')
}

/** A sentence's punctuation after a link is not part of it; a closing bracket is only if it was opened inside. */
function trimLink(link: string): string {
  let end = link
  for (;;) {
    const last = end.at(-1) ?? ''
    if (/[.,;:!?'"…*~]/.test(last)) end = end.slice(0, -1)
    else if (last === ')' && !balanced(end, '(', ')')) end = end.slice(0, -1)
    else if (last === ']' && !balanced(end, '[', ']')) end = end.slice(0, -1)
    else return end
  }
}

function balanced(text: string, open: string, close: string): boolean {
  return text.split(open).length >= text.split(close).length
}

const mention =
  /(?<=^|\s|\()@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)(?![a-z0-9@])/gi
/** Source: https://github.com/bluesky-social/atproto/blob/main/packages/api/src/rich-text/util.ts (at most 64 characters, not only digits). */
const tag = /(?<=^|\s)[#＃](?!\ufe0f)((?:(?!\u20e2)[^\s\u00ad\u2060\u200a-\u200d])+)/gu

/** Links, mentions by full handle and hashtags, in order, never overlapping, with UTF-8 byte offsets. */
export function findFacets(text: string): Facet[] {
  const found: { kind: Facet['kind']; from: number; to: number; value: string }[] = []
  for (const match of text.matchAll(anyLink)) {
    const link = trimLink(match[0])
    found.push({ kind: 'link', from: match.index, to: match.index + link.length, value: link })
  }
  for (const match of text.matchAll(mention)) {
    const value = match[1] ?? ''
    found.push({
      kind: 'mention',
      from: match.index,
      to: match.index + match[0].length,
      value: value.toLowerCase(),
    })
  }
  for (const match of text.matchAll(tag)) {
    const value = (match[1] ?? '').replace(/\p{P}+$/u, '')
    if (value === '' || /^[\d\p{P}]+$/u.test(value) || graphemes(value) > 64) continue
    found.push({ kind: 'tag', from: match.index, to: match.index + 1 + value.length, value })
  }
  found.sort((a, b) => a.from - b.from)
  const facets: Facet[] = []
  let free = 0
  for (const { kind, from, to, value } of found) {
    if (from < free) continue
    free = to
    facets.push({ kind, start: utf8Length(text.slice(0, from)), end: utf8Length(text.slice(0, to)), value })
  }
  return facets
}

/** Text for one line, such as a mail's header: line breaks and other control characters become spaces. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
