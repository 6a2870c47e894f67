import { readMigrations } from '../db/migrations.ts'
import { inTime } from '../lib/in-time.ts'
import type { Services } from '../services.ts'
import { checkStorage } from '../storage/check.ts'

type Ready = Pick<Services, 'db' | 'lastLook' | 'log' | 'storage'>
/** What is wrong, in words; null when nothing is. */
type Finding = string | null
export interface Readiness {
  /** Each check that failed, by its name. */
  failed: Record<string, string>
  /** What is said, but stops nothing. */
  warnings: Record<string, string>
  /** Seconds that the database's clock is ahead of this process's; null when it does not answer. */
  clockSkew: number | null
}

/** A worker that has not asked for so long is stuck, whatever else works. */
const stuckAfterMs = 15_000
const answerMs = 3_000
/** Balancers ask often; an answer holds for so long. */
const holdsMs = { all: 1_000, storage: 10_000 }
/** Times are the database's, so a skew stops nothing; but people see both clocks, and somebody should mend one. */
const skewSeconds = 2

/** Looks whether requests and due posts are served. Asked often, it looks now and then. */
export function createReadyChecks(services: Ready): () => Promise<Readiness> {
  const level = readMigrations().length
  let skewSaid = false
  const storage = remembered(holdsMs.storage, () =>
    inTime(checkStorage(services.storage), answerMs, 'the storage does not answer'),
  )
  return remembered(holdsMs.all, async () => {
    const [database, stored] = await Promise.all([askDatabase(services), storage()])
    const findings: Record<string, Finding> = {
      database: database ? null : 'the database does not answer',
      migrations: database ? levelWords(database.level, level) : null,
      worker: workerWords(services.lastLook()),
      storage: stored,
    }
    const clockSkew = database?.clockSkew ?? null
    const skewed = clockSkew !== null && Math.abs(clockSkew) > skewSeconds
    const words = skewed
      ? `this process's clock is ${Math.abs(clockSkew).toFixed(1)} s ${clockSkew > 0 ? 'behind' : 'ahead of'} the database's: set both by NTP`
      : null
    if (words && !skewSaid) services.log.warn(words)
    skewSaid = skewed
    return { failed: said(findings), warnings: said({ clock: words }), clockSkew }
  })
}

async function askDatabase({ db }: Ready): Promise<{ level: number; clockSkew: number } | null> {
  const asked = Date.now()
  const answer = await inTime(
    db.sql`
      select (select coalesce(max(number), 0)::int from public.migrations) as level,
        (extract(epoch from clock_timestamp()) * 1000)::float8 as now`.then(([row]) => row ?? null),
    answerMs,
    null,
  )
  if (!answer) return null
  // Half of the way there and back is a guess, and wrong by half of it at most.
  const middle = (asked + Date.now()) / 2
  return { level: answer.level as number, clockSkew: ((answer.now as number) - middle) / 1000 }
}

const levelWords = (is: number, wanted: number): Finding =>
  is < wanted ? `the database is at migration ${is} and this version needs ${wanted}: bun run migrate` : null

const workerWords = (lastLook: number | null): Finding =>
  lastLook !== null && Date.now() - lastLook > stuckAfterMs
    ? 'the worker has not looked for due posts for more than 15 seconds'
    : null

/** Callers within `ms` share one answer. */
function remembered<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let last: { at: number; answer: Promise<T> } | null = null
  return () => {
    const now = performance.now()
    if (!last || now - last.at > ms) last = { at: now, answer: ask() }
    return last.answer
  }
}

const said = (findings: Record<string, Finding>): Record<string, string> =>
  Object.fromEntries(Object.entries(findings).filter((one): one is [string, string] => one[1] !== null))
