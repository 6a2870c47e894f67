/** Fault 14: the days on which clocks change, of rules that four processes play through. */
import type { Told } from '../check.ts'
import { accountAt, tenantAt } from '../plan.ts'
import type { Account, Rig, Tenant } from '../rig.ts'
import { type Fault, takenOverMs } from './fault.ts'

/** By an hour at two and at one, by half an hour, and at midnight: in the north and in the south. */
const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Asia/Beirut']
const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000]
/** The day before, the day itself and the day after. */
const daysEach = 3
/** Well within the five weeks for which occurrences are planned: many changes share a sweep. */
const aheadMs = 5 * dayMs
/** Workspaces are swept once a minute. */
const sweptMs = 90_000

interface Rule {
  tenant: Tenant
  account: Account
  text: string
  recurrence: string
  /** When each has to go out, milliseconds since 1970. */
  due: number[]
}

/** Milliseconds that the wall is ahead of UTC. */
function offsetAt(zone: string, at: number): number {
  const words = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(at)
  return Date.parse(`${words.replace(' ', 'T')}Z`) - Math.floor(at / 1000) * 1000
}

/** When the clocks of a zone change in the year from `start` on, to the minute. */
function changes(zone: string, start: number): number[] {
  const found: number[] = []
  for (let day = start; day < start + 366 * dayMs; day += dayMs) {
    if (offsetAt(zone, day) === offsetAt(zone, day + dayMs)) continue
    let [before, after] = [day, day + dayMs]
    while (after - before > minuteMs) {
      const middle = Math.floor((before + after) / 2 / minuteMs) * minuteMs
      if (offsetAt(zone, middle) === offsetAt(zone, before)) before = middle
      else after = middle
    }
    found.push(after)
  }
  return found
}

/**
 * When a time on the wall is, found without the app's own calendar: of a doubled one the first; a skipped one is later by
 * what the clocks skip. `wall` is that time as if the wall were UTC's.
 */
function instantOf(zone: string, wall: number): number {
  const [before, after] = [offsetAt(zone, wall - dayMs), offsetAt(zone, wall + dayMs)]
  const real = [wall - before, wall - after].filter(at => at + offsetAt(zone, at) === wall)
  return real.length > 0 ? Math.min(...real) : wall - before
}

/** In the middle of what the clocks skip or show twice at `change`, as a time on the wall. */
function troubled(zone: string, change: number): number {
  const [before, after] = [offsetAt(zone, change - hourMs), offsetAt(zone, change)]
  return change + Math.min(before, after) + Math.abs(after - before) / 2
}

async function plan(rig: Rig, n: number, zone: string, change: number): Promise<Rule> {
  const tenant = tenantAt(rig, n)
  const account = accountAt(tenant, 'rehearsal')
  const text = `apart ${zone} ${new Date(change).toISOString()}`
  const first = troubled(zone, change) - dayMs
  const content = await rig.ask(tenant, 'POST', '/content', { body: { text } })
  const made = await rig.ask(tenant, 'POST', `/content/${content.body.id}/recurrences`, {
    body: {
      accounts: [account.id],
      rule: `FREQ=DAILY;COUNT=${daysEach}`,
      start: { local: new Date(first).toISOString().slice(0, 16), zone },
    },
  })
  if (made.status !== 201) throw new Error(`${text}: ${made.status} ${JSON.stringify(made.body)}`)
  const due = Array.from({ length: daysEach }, (_, day) => instantOf(zone, first + day * dayMs))
  return { tenant, account, text, recurrence: made.body.id, due }
}

interface Job {
  due: number
  state: string
}

const jobsOf = async (rig: Rig, { tenant, recurrence }: Rule): Promise<Job[]> => {
  const rows = await rig.inside(
    tenant,
    ({ sql }) =>
      sql`select run_at, state from publish_jobs where recurrence_id = ${recurrence} order by run_at`,
  )
  return rows.map(row => ({ due: (row.run_at as Date).getTime(), state: row.state as string }))
}

async function waitFor(done: () => Promise<boolean>, ms: number): Promise<boolean> {
  for (const deadline = Date.now() + ms; Date.now() < deadline; await Bun.sleep(100))
    if (await done()) return true
  return false
}

/** Moves the database's clock, the one that decides. `null`: it is right again. */
async function setClock(rig: Rig, at: number | null): Promise<void> {
  const own = await rig.ownerOf('chaos')
  const by = at === null ? '' : ` + interval '${at - Date.now()} milliseconds'`
  try {
    await own.unsafe(
      `create or replace function public.clock() returns timestamptz language sql stable parallel safe as $$select now()${by}$$`,
    )
  } finally {
    await own.end({ timeout: 1 })
  }
}

/** One occurrence a rule and day, at its moment, shown once and not early. */
async function looked(rig: Rig, rule: Rule): Promise<Told[]> {
  const { tenant, account, text, due } = rule
  const jobs = await jobsOf(rig, rule)
  const arrived = (await rig.shown())
    .filter(one => one.text === text && one.place === account.place)
    .map(({ at }) => at ?? 0)
    .sort((a, b) => a - b)
  const told: Told[] = jobs
    .filter(({ state }) => state !== 'published')
    .map(job => ['LOST', `${text} of ${new Date(job.due).toISOString()} is ${job.state}`])
  for (const [n, wanted] of due.entries()) {
    const when = `${text}, day ${n + 1}, ${new Date(wanted).toISOString()}`
    const planned = jobs.filter(job => job.due === wanted).length
    if (planned !== 1) told.push([planned === 0 ? 'LOST' : 'DOUBLE', `${when} is planned ${planned} times`])
    const late = (arrived[n] ?? 0) - wanted
    if (late < 0) told.push(['EARLY', `${when} went out ${late} ms early`])
    if (late > takenOverMs) told.push(['LATE', `${when} went out ${late} ms late`])
  }
  if (arrived.length !== due.length)
    told.push([arrived.length < due.length ? 'LOST' : 'DOUBLE', `${text} is shown ${arrived.length} times`])
  if (jobs.length > due.length) told.push(['DOUBLE', `${tenant.slug} has ${jobs.length} of ${text}`])
  return told
}

export const clocksChange: Fault = {
  number: 14,
  name: `the days on which clocks change in ${zones.length} zones, the database's clock taken through them`,
  mostLateMs: takenOverMs,
  wishes: () => [],
  async play(rig) {
    const all = zones
      .flatMap(zone => changes(zone, Date.now() + 3 * dayMs).map(change => ({ zone, change })))
      .sort((a, b) => a.change - b.change)
    const rules: Rule[] = []
    for (const [n, { zone, change }] of all.entries()) rules.push(await plan(rig, n, zone, change))
    const told: Told[] = []
    try {
      const days = rules.flatMap(rule => rule.due.map(at => ({ rule, at }))).sort((a, b) => a.at - b.at)
      let shown = Date.now()
      for (const { rule, at } of days) {
        // Whoever sweeps each day plans each in time; the clock that jumps has to wait for a sweep.
        if ((await jobsOf(rig, rule)).length < daysEach) {
          shown = Math.max(shown, at - aheadMs)
          await setClock(rig, shown)
          await waitFor(async () => (await jobsOf(rig, rule)).length === daysEach, sweptMs)
        }
        shown = Math.max(shown, at - 1_500)
        await setClock(rig, shown)
        const open = async () => {
          const due = (await jobsOf(rig, rule)).filter(job => job.due <= at)
          return due.length > 0 && due.every(({ state }) => state !== 'scheduled' && state !== 'publishing')
        }
        await waitFor(open, takenOverMs / 4)
      }
      for (const rule of rules) told.push(...(await looked(rig, rule)))
    } finally {
      await setClock(rig, null)
    }
    const changed = new Set(all.map(({ zone }) => zone)).size
    return {
      times: rules.length,
      words: `${rules.length} changes in ${changed} zones, ${rules.length * daysEach} occurrences`,
      told,
    }
  },
}
