/** Writing without spaces between words: there a word ends wherever the next one begins. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const wordlike = /[\p{L}\p{N}\p{M}_]/u

/** One character in each of its cases, as PostgreSQL's regular expressions write it; the database's own locale may know ASCII only. */
function anyCase(character: string): string {
  const cases = [character, character.toLowerCase(), character.toUpperCase()].filter(
    one => [...one].length === 1,
  )
  const different = [...new Set(cases)]
  if (different.length > 1) return `[${different.join('')}]`
  return /[\p{L}\p{N}\p{M}]/u.test(character) ? character : `\\${character}`
}

const letters = (text: string): string =>
  text
    .normalize('NFC')
    .trim()
    .split(/\s+/u)
    .map(part => [...part].map(anyCase).join(''))
    .join('\\s+')

/** A whole tag, whatever its case. */
export const tagPattern = (tag: string): string => `^${letters(tag)}$`

/**
 * A word or several, whatever their case, where they stand alone: "sale" is in "#Sale!" and not in "wholesale". At an
 * edge that is no letter, and in writing without spaces, anything may stand beside it.
 */
export function wordPattern(words: string): string {
  const all = [...words.normalize('NFC').trim()]
  const alone = (edge: string | undefined) =>
    edge !== undefined && wordlike.test(edge) && !unspaced.test(edge)
  const before = alone(all[0]) ? '(^|[^[:alnum:]_])' : ''
  const after = alone(all.at(-1)) ? '($|[^[:alnum:]_])' : ''
  return `${before}${letters(words)}${after}`
}
