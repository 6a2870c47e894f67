/** One fault, played: posts are planned, it strikes, every post comes to its end, and the checker looks. */
import { check, type Told, type Verdict, type Violation, violations, wordsOf } from './check.ts'
import type { Fault } from './faults/fault.ts'
import { type Holdings, holdings, leaks } from './leaks.ts'
import { type Play, planAll, type Size, usualWishes } from './plan.ts'
import type { Rig } from './rig.ts'

export interface Row extends Verdict {
  fault: number
  name: string
  posts: number
  states: Record<string, number>
  /** Milliseconds between the planned moment and the witness's, over all posts that went out. */
  late: { p50: number; p99: number; most: number }
}

export interface Played extends Row {
  /** How often it struck, and more about it. */
  struck: number
  words: string
  seconds: number
  rows: Row[]
}

/** How the same rig did when nothing was wrong: a slow machine is not held to the times of a quick one. */
export interface Yardstick extends Holdings {
  mostLate: number
}

const drainMs = 150_000
/** As the plan has it: a process that is there and does not claim for so long. */
const readyMs = 30_000
const leadMs = 1_500

/** Mulberry32: small, and the same on every machine. */
export function randomFrom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Those that are not ready again in time. Ready means that the worker has looked for due posts, too. */
async function zombies(rig: Rig, withinMs: number): Promise<Told[]> {
  const until = Date.now() + withinMs
  const told = await Promise.all(
    rig.processes.all.map(async (one): Promise<Told[]> => {
      for (;;) {
        const answer = await fetch(`${one.address}/readyz`, { signal: AbortSignal.timeout(3_000) }).catch(
          () => null,
        )
        if (answer?.status === 200) return []
        if (Date.now() > until)
          return [['ZOMBIE', `${one.name} does not serve again: ${one.errors().slice(-500)}`]]
        await Bun.sleep(100)
      }
    }),
  )
  return told.flat()
}

export async function playFault(
  rig: Rig,
  fault: Fault,
  size: Size,
  seed: number,
  calm: Yardstick | null,
): Promise<{ played: Played; yardstick: Yardstick }> {
  rig.posts = []
  await fault.before?.(rig)
  const began = Date.now()
  const slow = Math.max(1, (calm?.mostLate ?? 0) / 1_000)
  const play: Play = {
    name: `s${seed}f${fault.number}`,
    from: began + leadMs + size.tenants * size.posts * 12,
    overMs: size.overMs,
    random: randomFrom(seed * 1_000 + fault.number),
  }
  await planAll(rig, fault.wishes?.(rig, play, size) ?? usualWishes(rig, play, size.posts))
  const struck = await fault.play(rig, play)
  const clearAt = calm ? Date.now() : 0
  const away = await zombies(rig, readyMs * slow)
  const recorded = await drained(rig, play.name, Date.now() + drainMs * slow)
  const unmet = rig.platforms.clear()
  await fault.after?.(rig)
  const shown = (await rig.shown()).filter(({ text }) => !isElsewhere(text, `${play.name} `))
  const told: Told[] = [...(struck.told ?? []), ...away, ...(calm ? await leaks(rig, calm) : [])]
  if (struck.times === 0) told.push(['LIE', 'the fault never struck, so nothing was proved'])
  const evidence = { places: placesOf(rig), clearAt, mostLateMs: fault.mostLateMs * slow }
  const look = (name: string, accepted: typeof rig.posts, more: readonly Told[]): Row => {
    const own = new Set(accepted.map(({ job }) => job))
    const texts = new Set(accepted.flatMap(wordsOf))
    const all = accepted === rig.posts
    const seen = all ? shown : shown.filter(({ text }) => texts.has(text))
    const rows = all ? recorded : recorded.filter(({ job }) => own.has(job))
    const dueAt = new Map(accepted.flatMap(post => wordsOf(post).map(text => [text, post.dueAt] as const)))
    return {
      fault: fault.number,
      name,
      posts: accepted.length,
      states: tally(rows.map(({ state }) => state)),
      late: lateness(seen.flatMap(({ text, at }) => (at === null ? [] : [at - (dueAt.get(text) ?? at)]))),
      ...check({ ...evidence, accepted, recorded: rows, shown: seen, told: more }),
    }
  }
  const whole = look(fault.name, rig.posts, told)
  const parts = Map.groupBy(rig.posts, ({ row }) => row)
  const played: Played = {
    ...whole,
    struck: struck.times,
    words: [struck.words, unmet > 0 ? `${unmet} not met` : ''].filter(Boolean).join('; '),
    seconds: Math.round((Date.now() - began) / 1000),
    rows: [...parts]
      .flatMap(([row, posts]) => (row === undefined ? [] : [look(row, posts, [])]))
      .sort((a, b) => a.name.localeCompare(b.name)),
  }
  return { played, yardstick: { ...(await holdings(rig)), mostLate: whole.late.most } }
}

/** What is looked at in another play, or counted by its own player, who says so with `apart`. */
const isElsewhere = (text: string, own: string) => /^(s\d+f\d+|apart) /.test(text) && !text.startsWith(own)

/** Which workspace each place belongs to. */
const placesOf = ({ tenants }: Rig) =>
  new Map(
    tenants.flatMap(({ slug, accounts, own }) =>
      [...accounts, ...own].map(({ place }) => [place, slug] as const),
    ),
  )

/** Waits until every job of the play has come to an end. @returns the jobs */
async function drained(rig: Rig, play: string, deadline: number) {
  for (;;) {
    const jobs = await rig.recorded(play)
    const open = jobs.filter(({ state }) => state === 'scheduled' || state === 'publishing')
    if (open.length === 0 || Date.now() > deadline) return jobs
    await Bun.sleep(250)
  }
}

/** Once more, when all is over: whatever was sent later than its play shows now. */
export async function lastLook(
  rig: Rig,
  all: readonly (typeof rig.posts)[number][],
  seed: number,
): Promise<Verdict> {
  const plays = new Set(all.map(({ texts }) => texts[0]?.split(' ')[0] ?? ''))
  const recorded = (await Promise.all([...plays].map(play => rig.recorded(play)))).flat()
  return check({
    accepted: all,
    recorded,
    shown: (await rig.shown()).filter(({ text }) => !isElsewhere(text, `s${seed}f`)),
    places: placesOf(rig),
    clearAt: Number.MAX_SAFE_INTEGER,
    mostLateMs: Number.MAX_SAFE_INTEGER,
    told: [],
  })
}

function tally(states: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

function lateness(given: readonly number[]): Row['late'] {
  const sorted = given.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return { p50: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? 0 }
}

export function sum(rows: readonly Verdict[]): Record<Violation, number> {
  return Object.fromEntries(
    violations.map(one => [one, rows.reduce((total, { counts }) => total + counts[one], 0)]),
  ) as Record<Violation, number>
}
