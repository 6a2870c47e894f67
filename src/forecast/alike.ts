/** Finding posts that say nearly the same. */

/** So many words in a row make one shingle. */
const shingleWords = 3
/** Shared shingles of all: from here on two texts are nearly the same. */
const nearly = 0.6
/** A shingle that so many texts have (a slogan at the end) says nothing. */
const common = 40

/** Words alone: no case, accents, links or marks. */
export function wordsOf(text: string): string[] {
  return text
    .replace(/https?:\/\/\S+/gi, ' ')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(word => word !== '')
}

/**
 * For each text the first other one that says the same or nearly the same; null where there is none. Texts without a word
 * are like none.
 */
export function firstAlike(texts: readonly string[]): (number | null)[] {
  const sets = texts.map(text => {
    const words = wordsOf(text)
    const count = Math.max(words.length - shingleWords + 1, Math.min(words.length, 1))
    // Too short for a shingle: the whole text is one.
    return new Set(Array.from({ length: count }, (_, at) => words.slice(at, at + shingleWords).join(' ')))
  })
  const holders = new Map<string, number[]>()
  sets.forEach((set, at) => {
    for (const shingle of set) {
      const list = holders.get(shingle)
      if (list) list.push(at)
      else holders.set(shingle, [at])
    }
  })
  return sets.map((set, at) => {
    const shared = new Map<number, number>()
    for (const shingle of set) {
      const list = holders.get(shingle) ?? []
      // The whole of a short text is never a slogan.
      if (list.length > common && set.size > 1) continue
      for (const other of list) if (other !== at) shared.set(other, (shared.get(other) ?? 0) + 1)
    }
    const found = [...shared].filter(([other, count]) => {
      const all = set.size + (sets[other]?.size ?? 0) - count
      return count / all >= nearly
    })
    return found.length > 0 ? Math.min(...found.map(([other]) => other)) : null
  })
}
