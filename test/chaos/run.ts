/**
 * `bun run chaos [--all] [--full] [--only N,N] [--seed N] [--json]`: plays faults against four processes and counts
 * what went wrong. A table on stderr; with --json the last line of stdout is one object. Ends with 1 on any violation.
 */
import { parseArgs } from 'node:util'
import { installPds } from '../peers/pds/install.ts'
import { type Accepted, violations } from './check.ts'
import { faults, unplayed, usual, within } from './faults/index.ts'
import type { Size } from './plan.ts'
import { lastLook, type Played, playFault, type Row, sum, type Yardstick } from './play.ts'
import { startRedisLine } from './redis.ts'
import { openRig } from './rig.ts'

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
const only = values.only?.split(',').map(Number)
const refuse = (words: string): never => {
  console.error(words)
  process.exit(1)
}
if (!Number.isSafeInteger(seed)) refuse(`--seed takes a number, not "${values.seed}".`)
const unknown = only?.find(number => !faults.some(fault => fault.number === number))
if (unknown !== undefined)
  refuse(`--only: there is no fault ${unknown}. There are ${faults.map(fault => fault.number).join(', ')}.`)
// The calm comes first always: the others are measured by it.
const wanted = faults.filter(({ number }) => number === 0 || values.all || (only ?? usual).includes(number))

const pds = await installPds()
if (typeof pds === 'object') refuse(`The rig needs a real PDS: ${pds.cannot}.`)

function line(one: Row, more = ''): string {
  const states = Object.entries(one.states).map(([state, n]) => `${state} ${n}`)
  const wrong = violations.filter(violation => one.counts[violation] > 0)
  const counts = wrong.map(violation => `${violation} ${one.counts[violation]}`)
  const { p50, p99, most } = one.late
  return `${one.name.padEnd(80)} ${String(one.posts).padStart(4)} posts: ${states.join(', ').padEnd(32)} late p50 ${p50} p99 ${p99} most ${most} ms  ${counts.join(' ') || 'all 0'}${more}`
}

function show(one: Played): void {
  const words = one.words ? ` (${one.words})` : ''
  console.error(
    `${String(one.fault).padStart(2)}  ${line(one, `  struck ${one.struck}${words}  ${one.seconds} s`)}`,
  )
  for (const row of one.rows) console.error(`    - ${line(row)}`)
  for (const found of one.found.slice(0, 20)) console.error(`    ! ${found}`)
}

console.error(
  `chaos, seed ${seed}: four processes, ${size.tenants} workspaces × ${size.posts} posts over ${size.overMs / 1000} s`,
)
const redis = wanted.some(({ number }) => number === 12) ? await startRedisLine() : null
const rig = await openRig(size.tenants, redis)
const played: Played[] = []
const posts: Accepted[] = []
try {
  let calm: Yardstick | null = null
  for (const fault of wanted) {
    const one = await playFault(rig, fault, size, seed, calm)
    calm ??= one.yardstick
    played.push(one.played)
    posts.push(...rig.posts)
    show(one.played)
  }
  const { counts, found } = await lastLook(rig, posts, seed)
  played.push({
    fault: -1,
    name: 'once more, when all was over',
    posts: posts.length,
    states: {},
    late: { p50: 0, p99: 0, most: 0 },
    counts,
    found,
    struck: 0,
    words: '',
    seconds: 0,
    rows: [],
  })
  for (const words of found.slice(0, 20)) console.error(`    ! in the end: ${words}`)
} finally {
  await rig.close()
  await redis?.stop()
}
const counts = sum(played)
const ok = Object.values(counts).every(n => n === 0)
for (const [number, at] of Object.entries(within))
  console.error(`${number.padStart(2)}  played in the rows of ${at}`)
if (values.all)
  for (const [number, name, why] of unplayed)
    console.error(`${String(number).padStart(2)}  not played: ${name} (${why})`)
console.error(
  `${ok ? 'No violation' : 'Violations'} in ${posts.length} posts: ${violations.map(one => `${one} ${counts[one]}`).join(', ')}`,
)
if (values.json)
  console.log(
    JSON.stringify({
      ok,
      seed,
      counts,
      posts: posts.length,
      faults: played,
      unplayed: unplayed.map(([number, name, why]) => ({ number, name, why })),
    }),
  )
process.exit(ok ? 0 : 1)
