/** The checker: what was accepted, what the database says, and what each platform's own witness holds, side by side. */

export const violations = ['LOST', 'DOUBLE', 'EARLY', 'LATE', 'WRONG', 'LIE', 'ZOMBIE', 'LEAK'] as const
export type Violation = (typeof violations)[number]

/** A post that the API has taken with a 2xx. Times are milliseconds since 1970. */
export interface Accepted {
  job: string
  tenant: string
  /** The account at its platform, as the platform's witness names it. */
  place: string
  /** Every text that may go out: the one planned, and the one that it was changed to. */
  texts: readonly string[]
  /** What the parts after the first say, where the post is a thread. */
  parts?: readonly string[]
  dueAt: number
  /** How many pictures go with it; their descriptions begin with the tenant's name. */
  pictures: number
  /** From this moment on nothing was in its way any more, where that is not the moment of the whole play. */
  clearAt?: number
  /** Which row of the table it stands for, where a play has several. */
  row?: string
  /** When a cancel was answered with 200 and the state `cancelled`. */
  cancelledAt: number | null
}

export interface Recorded {
  job: string
  tenant: string
  text: string
  state: string
  /** Attempts that have no end or no outcome. */
  openAttempts: number
  /** How often it was told as published. */
  publishedEvents: number
}

/** One post that readers see, by the platform's own witness. */
export interface Shown {
  place: string
  text: string
  /** When the platform took it; null where its witness does not tell. */
  at: number | null
  /** What its pictures show, in words. */
  alts: readonly string[]
  /** What the post says that it answers, null for none; absent where the witness does not tell. */
  answers?: string | null
}

export interface Evidence {
  accepted: readonly Accepted[]
  recorded: readonly Recorded[]
  shown: readonly Shown[]
  /** Which tenant each place belongs to. */
  places: ReadonlyMap<string, string>
  /** From this moment on nothing was in the way any more; before it lateness is the fault's. */
  clearAt: number
  mostLateMs: number
  /** What was seen by whoever played the fault: processes that do not come back, connections that stay open. */
  told: readonly Told[]
}

export type Told = readonly [Violation, string]

export interface Verdict {
  counts: Record<Violation, number>
  /** Each violation in words. */
  found: string[]
}

/** Every text that may be shown of a post. */
export const wordsOf = ({ texts, parts = [] }: Accepted): readonly string[] => [...texts, ...parts]

/** Whether a part of a thread answers the part before it, and a post by itself none. */
function inPlace({ texts, parts = [] }: Accepted, { text, answers }: Shown): boolean {
  if (answers === undefined) return true
  const at = parts.indexOf(text)
  if (at < 0) return answers === null
  return at === 0 ? texts.includes(answers ?? '') : answers === parts[at - 1]
}

const ends = new Set(['published', 'failed', 'unconfirmed', 'cancelled', 'held'])
/** The witness's clock and the database's are read at different moments. */
const clockMs = 5

export function check(evidence: Evidence): Verdict {
  const { accepted, places } = evidence
  const counts = Object.fromEntries(violations.map(one => [one, 0])) as Verdict['counts']
  const found: string[] = []
  const count = (violation: Violation, words: string) => {
    counts[violation] += 1
    found.push(`${violation}: ${words}`)
  }
  const rows = new Map(evidence.recorded.map(row => [row.job, row]))
  const owners = new Map(accepted.flatMap(post => wordsOf(post).map(text => [text, post] as const)))
  const shownOf = new Map<string, Shown[]>()
  for (const one of evidence.shown) {
    const post = owners.get(one.text)
    if (!post) {
      count('WRONG', `${one.place} shows words that nobody planned: ${one.text}`)
      continue
    }
    const tenant = places.get(one.place)
    if (tenant !== post.tenant)
      count('WRONG', `${one.place} of ${tenant} shows a post of ${post.tenant}: ${one.text}`)
    else if (one.place !== post.place)
      count('WRONG', `${one.place} shows a post that was meant for ${post.place}`)
    if (!inPlace(post, one))
      count('WRONG', `${one.place} shows ${one.text} under ${one.answers ?? 'nothing'}`)
    const pictures = post.texts.includes(one.text) ? post.pictures : 0
    if (one.alts.length !== pictures || one.alts.some(alt => !alt.startsWith(`${post.tenant} `)))
      count('WRONG', `${one.place} shows ${one.text} with other pictures: ${one.alts.join(', ') || 'none'}`)
    shownOf.set(post.job, [...(shownOf.get(post.job) ?? []), one])
  }
  const taken = new Set(accepted.map(({ job }) => job))
  for (const row of evidence.recorded)
    if (!taken.has(row.job)) count('DOUBLE', `${row.text} is planned once more, as ${row.job}`)
  for (const post of accepted) {
    const row = rows.get(post.job)
    const all = shownOf.get(post.job) ?? []
    const shown = all.filter(({ text }) => post.texts.includes(text))
    const name = `${post.texts[0]} (${post.job})`
    if (!row) {
      count('LOST', `${name} was accepted and is not in the database`)
      continue
    }
    if (row.tenant !== post.tenant) count('WRONG', `${name} of ${post.tenant} is a row of ${row.tenant}`)
    if (!ends.has(row.state)) count('LOST', `${name} has not ended: ${row.state}`)
    else if (row.openAttempts > 0) count('LOST', `${name} has ${row.openAttempts} attempts without an end`)
    if (shown.length > 1) count('DOUBLE', `${name} is shown ${shown.length} times`)
    for (const part of post.parts ?? []) {
      const times = all.filter(({ text }) => text === part).length
      if (times > 1) count('DOUBLE', `${part} of ${name} is shown ${times} times`)
      if (row.state === 'published' && times === 0)
        count('LIE', `${name} is published and ${part} is not there`)
    }
    if (post.cancelledAt !== null && shown.length > 0)
      count('DOUBLE', `${name} is shown, and its cancelling was answered`)
    if (row.state === 'published' && shown.length === 0) count('LIE', `${name} is published and is not there`)
    if (shown.length > 0 && ['failed', 'cancelled', 'held', 'scheduled'].includes(row.state))
      count('LIE', `${name} is ${row.state} and is there`)
    if (row.publishedEvents !== (row.state === 'published' ? 1 : 0))
      count('LIE', `${name} is ${row.state} and was told ${row.publishedEvents} times as published`)
    for (const { at } of all) {
      if (at === null) continue
      if (at < post.dueAt - clockMs) count('EARLY', `${name} went out ${post.dueAt - at} ms early`)
      const late = at - Math.max(post.dueAt, post.clearAt ?? evidence.clearAt)
      if (late > evidence.mostLateMs) count('LATE', `${name} went out ${late} ms late`)
    }
  }
  for (const [violation, words] of evidence.told) count(violation, words)
  return { counts, found }
}
