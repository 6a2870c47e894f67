import { findFacets } from '../lib/text.ts'

/** A stretch of a post's words; with `href` it is a link. */
export interface Part {
  text: string
  href?: string
}

/** What XML 1.0 cannot hold at all, escaped or not: https://www.w3.org/TR/xml/#charsets */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to take out
const unspeakable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

/** The text as every reader can take it: no control characters, no half characters. */
export const speakable = (text: string): string => text.toWellFormed().replace(unspeakable, '')

/**
 * A post set as a story: its first sentence or line when it is short enough to stand as a headline, and the rest. A
 * text without such a beginning has the first words as its headline and stays whole.
 */
export function storyOf(text: string): { headline: string; rest: string } {
  const clean = text.trim()
  if (clean === '') return { headline: '', rest: '' }
  const first = /^(?:[^\n]{1,110}?[.!?…](?=\s|$)|[^\n]{1,110}(?=\n|$))/u.exec(clean)?.[0] ?? ''
  if (!first) return { headline: `${beginningOf(clean)}…`, rest: clean }
  return { headline: first.replace(/\.$/, ''), rest: clean.slice(first.length).trim() }
}

/** The first words, at most 80 characters; a single word longer than that is cut. */
function beginningOf(text: string): string {
  const cut = [...text].slice(0, 80).join('')
  return (/^(.*\S)\s+\S*$/s.exec(cut)?.[1] ?? cut).replace(/[,;:]$/, '')
}

/** The words with their links apart. Only http(s) addresses are links at all. */
export function partsOf(text: string): Part[] {
  const bytes = Buffer.from(text)
  const parts: Part[] = []
  let at = 0
  for (const { kind, start, end, value } of findFacets(text)) {
    if (kind !== 'link') continue
    if (start > at) parts.push({ text: bytes.toString('utf8', at, start) })
    parts.push({ text: bytes.toString('utf8', start, end), href: value })
    at = end
  }
  if (at < bytes.length) parts.push({ text: bytes.toString('utf8', at) })
  return parts
}
