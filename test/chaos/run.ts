/**
 * `bun run chaos [--all] [--full] [--only N,N] [--seed N] [--json]`: plays faults against four processes and counts
 * what went wrong. A table on stderr; with --json the last line of stdout is one object. Ends with 1 on any violation.
 */
import { parseArgs } from 'node:util'
import { check, type Verdict, violations } from './check.ts'
import { type Fault, faults, unplayed, usual } from './faults.ts'
import { openRig, plan, type Rig, type Size } from './rig.ts'

interface Played extends Verdict {
  fault: number
  name: string
  posts: number
  states: Record<string, number>
  seconds: number
}

const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const size: Size = values.full
  ? { tenants: 50, posts: 40, overMs: 60_000 }
  : { tenants: 10, posts: 8, overMs: 10_000 }
const drainMs = 120_000
const readyMs = 10_000

/** Mulberry32: small, and the same on every machine. */
function randomFrom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Those that are not ready again in time. */
async function zombies(rig: Rig): Promise<string[]> {
  const until = Date.now() + readyMs
  const serves = async (address: string) => {
    for (;;) {
      const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(3_000) }).catch(
        () => null,
      )
      if (answer?.status === 200) return true
      if (Date.now() > until) return false
      await Bun.sleep(100)
    }
  }
  const told = await Promise.all(
    rig.processes.map(async one =>
      (await serves(one.address)) ? null : `${one.name} does not serve again: ${one.errors().slice(-500)}`,
    ),
  )
  return told.filter(one => one !== null)
}

async function play(rig: Rig, fault: Fault): Promise<Played> {
  const began = Date.now()
  const random = randomFrom(seed * 1_000 + fault.number)
  const from = await plan(rig, size, `s${seed}f${fault.number}`, random)
  await fault.play(rig, from, size.overMs, random)
  const clearAt = fault.number === 0 ? 0 : Date.now()
  const away = await zombies(rig)
  const until = Math.max(Date.now(), from + size.overMs) + drainMs
  while ((await rig.open()) > 0 && Date.now() < until) await Bun.sleep(250)
  rig.mastodon.faults.clear()
  rig.hostile.faults.clear()
  const mine = new Set(rig.posts.flatMap(({ texts }) => texts))
  const recorded = (await rig.recorded()).filter(({ job }) => rig.posts.some(post => post.job === job))
  const verdict = check({
    accepted: rig.posts,
    recorded,
    shown: (await rig.shown()).filter(({ text }) => mine.has(text) || !/^s\d+f\d+ desk-\d+ \d+/.test(text)),
    places: new Map(
      rig.tenants.flatMap(({ slug, places }) => places.map(({ place }) => [place, slug] as const)),
    ),
    clearAt,
    mostLateMs: fault.mostLateMs,
    zombies: away,
  })
  const states: Record<string, number> = {}
  for (const { state } of recorded) states[state] = (states[state] ?? 0) + 1
  if (fault.number === 13)
    for (const at of [0, 1]) {
      rig.processes[at]?.child.kill('SIGKILL')
      await rig.processes[at]?.child.exited
      await rig.start(at)
    }
  const { number, name } = fault
  return {
    fault: number,
    name,
    posts: rig.posts.length,
    states,
    seconds: Math.round((Date.now() - began) / 1000),
    ...verdict,
  }
}

function line(one: Played): string {
  const states = Object.entries(one.states).map(([state, n]) => `${state} ${n}`)
  const counts = violations.map(violation => `${violation} ${one.counts[violation]}`)
  return `${String(one.fault).padStart(2)}  ${one.name.padEnd(72)}  ${one.posts} posts: ${states.join(', ')}  ${counts.join(' ')}  ${one.seconds} s`
}

const wanted = values.only
  ? values.only.split(',').map(Number)
  : values.all
    ? faults.map(({ number }) => number)
    : usual
const rig = await openRig(size)
const played: Played[] = []
console.error(
  `chaos, seed ${seed}: ${size.tenants} workspaces × ${size.posts} posts over ${size.overMs / 1000} s`,
)
try {
  for (const fault of faults.filter(({ number }) => wanted.includes(number))) {
    const one = await play(rig, fault)
    played.push(one)
    console.error(line(one))
    for (const words of one.found.slice(0, 20)) console.error(`      ${words}`)
  }
} finally {
  await rig.close()
}
const counts = Object.fromEntries(
  violations.map(violation => [violation, played.reduce((sum, one) => sum + one.counts[violation], 0)]),
)
const ok = played.length > 0 && Object.values(counts).every(n => n === 0)
if (values.all)
  for (const [number, name, why] of unplayed)
    console.error(`${String(number).padStart(2)}  not played: ${name} (${why})`)
console.error(
  `${ok ? 'No violation' : 'Violations'}: ${violations.map(one => `${one} ${counts[one]}`).join(', ')}`,
)
if (values.json)
  console.log(
    JSON.stringify({
      ok,
      seed,
      counts,
      faults: played,
      unplayed: unplayed.map(([number, name, why]) => ({ number, name, why })),
    }),
  )
process.exit(ok ? 0 : 1)
