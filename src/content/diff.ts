/** A passage of two texts compared word by word. */
export interface Passage {
  kind: 'same' | 'added' | 'removed'
  text: string
}

/** More differences than this are told as one removed and one added passage: nobody reads them one by one. */
const mostEdits = 600

/** Words, and the spaces and marks between them, each its own token. */
const tokens = (text: string): string[] =>
  text.match(/[\p{L}\p{N}\p{M}_'’-]+|\s+|[^\p{L}\p{N}\p{M}\s]/gu) ?? []

/**
 * What was added and removed between two texts, by word. The shortest edit after Myers, "An O(ND) Difference
 * Algorithm and Its Variations", 1986, http://www.xmailserver.org/diff2.pdf.
 */
export function compareWords(before: string, after: string): Passage[] {
  if (before === after) return before ? [{ kind: 'same', text: before }] : []
  const a = tokens(before)
  const b = tokens(after)
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end])
    end++
  const middle = shortest(a.slice(start, a.length - end), b.slice(start, b.length - end))
  return gathered([
    { kind: 'same', text: a.slice(0, start).join('') },
    ...middle,
    { kind: 'same', text: a.slice(a.length - end).join('') },
  ])
}

function shortest(a: readonly string[], b: readonly string[]): Passage[] {
  const whole: Passage[] = [
    { kind: 'removed', text: a.join('') },
    { kind: 'added', text: b.join('') },
  ]
  const most = Math.min(a.length + b.length, mostEdits)
  const furthest = new Int32Array(2 * most + 3)
  const at = (k: number) => furthest[k + most + 1] ?? 0
  const trail: Int32Array[] = []
  for (let d = 0; d <= most; d++) {
    trail.push(furthest.slice(most + 1 - d - 1, most + 1 + d + 2))
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      furthest[k + most + 1] = x
      if (x >= a.length && x - k >= b.length) return walkedBack(a, b, trail, d)
    }
  }
  return whole
}

function walkedBack(
  a: readonly string[],
  b: readonly string[],
  trail: readonly Int32Array[],
  edits: number,
): Passage[] {
  const out: Passage[] = []
  let x = a.length
  let y = b.length
  for (let d = edits; d >= 0; d--) {
    const row = trail[d] ?? new Int32Array(2 * d + 3)
    const at = (k: number) => row[k + d + 1] ?? 0
    const k = x - y
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1))
    const fromX = d === 0 ? 0 : down ? at(k + 1) : at(k - 1)
    const fromY = d === 0 ? 0 : fromX - (down ? k + 1 : k - 1)
    while (x > fromX && y > fromY && x > 0 && y > 0 && a[x - 1] === b[y - 1]) {
      x--
      y--
      out.push({ kind: 'same', text: a[x] ?? '' })
    }
    if (d === 0) break
    if (down) out.push({ kind: 'added', text: b[--y] ?? '' })
    else out.push({ kind: 'removed', text: a[--x] ?? '' })
  }
  return out.reverse()
}

/** Neighbours of one kind become one passage; a lone space between two changes belongs to them. */
function gathered(passages: readonly Passage[]): Passage[] {
  const out: Passage[] = []
  let removed = ''
  let added = ''
  const flush = () => {
    if (removed) out.push({ kind: 'removed', text: removed })
    if (added) out.push({ kind: 'added', text: added })
    removed = ''
    added = ''
  }
  for (const [at, { kind, text }] of passages.entries()) {
    if (!text) continue
    if (kind === 'removed') removed += text
    else if (kind === 'added') added += text
    else if ((removed || added) && /^ $/.test(text) && changes(passages, at + 1)) {
      removed += text
      added += text
    } else {
      flush()
      const last = out.at(-1)
      if (last?.kind === 'same') last.text += text
      else out.push({ kind: 'same', text })
    }
  }
  flush()
  return out
}

const changes = (passages: readonly Passage[], at: number): boolean => {
  const next = passages[at]
  return next !== undefined && next.kind !== 'same'
}

/** `12 words added, 3 removed`; '' when no word changed. */
export function countedWords(passages: readonly Passage[]): string {
  const count = (kind: Passage['kind']) =>
    passages
      .filter(passage => passage.kind === kind)
      .reduce((sum, { text }) => sum + (text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0), 0)
  const added = count('added')
  const removed = count('removed')
  const words = (n: number) => `${n} ${n === 1 ? 'word' : 'words'}`
  if (added && removed) return `${words(added)} added, ${removed} removed`
  if (added) return `${words(added)} added`
  if (removed) return `${words(removed)} removed`
  return passages.some(({ kind }) => kind !== 'same') ? 'spaces or marks changed' : ''
}
