import type { Scope } from '../db/scope.ts'
import { Conflict, Invalid, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { isId, newId } from '../lib/id.ts'
import { checkZone, isoIn, nearestInstant } from '../lib/time.ts'
import { allow } from '../permissions.ts'
import { besideBrakes } from '../publishing/braked.ts'
import { callOff } from '../publishing/call-off.ts'
import { chosenAccounts, refuseMisfit } from '../publishing/schedule.ts'
import { approvedFor, refuseOutside } from '../publishing/window.ts'
import { readRecurrence } from './find.ts'
import { type Locked, lockRecurrence, markStopped } from './lock.ts'
import { planAhead, planOne, skipped } from './plan.ts'
import { countBefore, nextOccurrences, occurrencesBetween, parseRule, ruleText, type Series } from './rule.ts'
import type { NewRecurrence, Recurrence, Skip, Successor } from './schema.ts'

/** One piece has no more rules than this at a time. */
const mostRules = 20
const furthestDays = 3_653
const waiting = ['scheduled', 'held']

/**
 * Lets a content go out by a rule, and plans the next weeks of it at once. Each time goes out what its saved version is
 * by then.
 * @throws Invalid for the rule, the time or the one that it is approved for, or an account whose limits it breaks;
 * Conflict for archived content
 */
export async function createRecurrence(
  scope: Scope,
  contentId: string,
  given: NewRecurrence,
): Promise<Recurrence> {
  allow(scope, 'jobs.schedule')
  await besideBrakes(scope)
  const [content] = isId(contentId)
    ? await scope.sql`select id, state, version_id from content where id = ${contentId} for no key update`
    : []
  if (!content) throw new NotFound()
  if (content.state === 'archived') throw new Conflict('Archived content is not published. Restore it first.')
  const accounts = await chosenAccounts(scope, given.accounts)
  for (const account of accounts) await refuseMisfit(scope, content.version_id as string, account)
  const zone = checkZone(given.start.zone)
  const series = await checkSeries(scope, {
    rule: parseRule(given.rule, zone),
    starts: readable(given.start.local),
    zone,
  })
  await refuseSeriesOutside(scope, contentId, series)
  const [others] = await scope.sql`
    select count(*)::int as n from recurrences
    where content_id = ${contentId} and state = 'active' and planned_through < 'infinity'`
  if ((others?.n as number) >= mostRules)
    throw new Conflict(`A post repeats by at most ${mostRules} rules. Stop one of them first.`)
  const id = newId()
  await scope.sql`
    insert into recurrences (id, content_id, accounts, rule, starts, zone, late_minutes, planned_through, created_by)
    values (${id}, ${contentId}, ${accounts.map(account => account.id)}::uuid[], ${ruleText(series.rule)},
      ${series.starts}, ${zone}, ${given.lateMinutes ?? null}, public.clock(), ${scope.actor.userId})`
  await record(scope, 'recurrence.created', id, { contentId, rule: ruleText(series.rule) })
  await planAhead(scope, id)
  return readRecurrence(scope, id)
}

function readable(local: string): string {
  try {
    return Temporal.PlainDateTime.from(local)
      .round({ smallestUnit: 'minute', roundingMode: 'trunc' })
      .toString({
        smallestUnit: 'minute',
      })
  } catch {
    throw new Invalid('The start is not readable. Write it as 2026-12-01T09:00.', [
      { path: 'start.local', message: 'must look like 2026-12-01T09:00' },
    ])
  }
}

/** @throws Invalid for a start in the past, or a rule that never comes */
async function checkSeries(scope: Scope, series: Series): Promise<Series> {
  const [clock] = await scope.sql`select public.clock() as now`
  const now = clock?.now as Date
  const start = nearestInstant(series.starts, series.zone)
  if (start.at < now) {
    const said = isoIn(now, series.zone).slice(0, 16).replace('T', ' ')
    throw new Invalid(
      `${series.starts.replace('T', ' ')} in ${series.zone} has passed: it is ${said} there now. Choose a later start.`,
      [{ path: 'start.local', message: 'has passed' }],
      'time_in_past',
    )
  }
  if (start.at.getTime() > now.getTime() + furthestDays * 86_400_000)
    throw new Invalid('This starts more than ten years from now. Choose an earlier start.', [
      { path: 'start.local', message: 'is more than ten years from now' },
    ])
  if (nextOccurrences(series, start.at, 1).length > 0) return series
  throw new Invalid('This rule has no occurrence at all: look at its days and its end.', [
    { path: 'rule', message: 'has no occurrence' },
  ])
}

/** @throws Invalid when it begins before the time that the content is approved for, or goes on after it */
async function refuseSeriesOutside(scope: Scope, contentId: string, series: Series): Promise<void> {
  const approved = await approvedFor(scope, contentId)
  const { window } = approved ?? {}
  if (!approved || !window) return
  const [first] = nextOccurrences(series, approved.now, 1)
  if (first) refuseOutside(approved, first.at, 'start.local')
  const [over] = window.until ? nextOccurrences(series, new Date(window.until), 1) : []
  if (over) refuseOutside(approved, over.at, 'rule')
}

/** Nothing more of it goes out. Stopping what is stopped changes nothing. @throws NotFound */
export async function stopRecurrence(scope: Scope, id: string): Promise<Recurrence> {
  allow(scope, 'jobs.schedule')
  const recurrence = await lockRecurrence(scope, id)
  if (recurrence.active) {
    await markStopped(scope, id, 'person')
    await callOff(scope, scope.sql`j.recurrence_id = ${id}`)
    await record(scope, 'recurrence.stopped', id, { contentId: recurrence.contentId, for: 'person' })
  }
  return readRecurrence(scope, id)
}

/**
 * Leaves one occurrence out, on all its accounts.
 * @throws NotFound, Invalid when the rule has no such occurrence to come, Conflict `job_in_flight` once it is being sent
 */
export async function skipOccurrence(scope: Scope, id: string, { occurrence }: Skip): Promise<Recurrence> {
  allow(scope, 'jobs.schedule')
  const recurrence = await lockRecurrence(scope, id)
  const wanted = await toCome(scope, recurrence, occurrence, 'occurrence')
  if (recurrence.exceptions.has(wanted)) return readRecurrence(scope, id)
  // One that is being sent is its worker's, which may need this piece before it can record: nobody waits for it here.
  await scope.sql`
    select 1 from publish_jobs where recurrence_id = ${id} and occurrence = ${wanted} and state in ('scheduled', 'held')
    order by id for update`
  const jobs = await scope.sql`
    select id, state from publish_jobs where recurrence_id = ${id} and occurrence = ${wanted} order by id`
  const begun = jobs.find(({ state }) => ![...waiting, 'cancelled'].includes(state as string))
  if (begun)
    throw new Conflict(
      `It is ${begun.state === 'publishing' ? 'being sent' : begun.state} already, so it cannot be skipped.`,
      begun.state === 'publishing' ? 'job_in_flight' : 'conflict',
    )
  await scope.sql`
    update recurrences set exceptions = array_append(exceptions, ${wanted}::text) where id = ${id}`
  await callOff(scope, scope.sql`j.recurrence_id = ${id} and j.occurrence = ${wanted}`)
  const calledOff = jobs.filter(({ state }) => waiting.includes(state as string)).map(job => job.id as string)
  await scope.sql`
    update publish_jobs set error = ${scope.sql.json({ ...skipped })}
    where id = any(${calledOff}::uuid[]) and state = 'cancelled'`
  await record(scope, 'recurrence.changed', id, { contentId: recurrence.contentId, skipped: wanted })
  return readRecurrence(scope, id)
}

/**
 * Takes a skip back: the occurrence goes out as the rule says, on those of its accounts that the skip called off. One that
 * was cancelled by itself stays so.
 * @throws NotFound, Invalid when the rule has no such occurrence to come
 */
export async function takeSkipBack(scope: Scope, id: string, occurrence: string): Promise<Recurrence> {
  allow(scope, 'jobs.schedule')
  const recurrence = await lockRecurrence(scope, id)
  const wanted = await toCome(scope, recurrence, occurrence, 'occurrence')
  if (!recurrence.exceptions.has(wanted)) return readRecurrence(scope, id)
  await scope.sql`
    update recurrences set exceptions = array_remove(exceptions, ${wanted}::text) where id = ${id}`
  await planOne(scope, recurrence, wanted)
  await record(scope, 'recurrence.changed', id, { contentId: recurrence.contentId, restored: wanted })
  return readRecurrence(scope, id)
}

/** The occurrence as the rule has it, if it is still to come. */
async function toCome(scope: Scope, recurrence: Locked, given: string, path: string): Promise<string> {
  const wanted = readable(given)
  const { at } = nearestInstant(wanted, recurrence.zone)
  const [clock] = await scope.sql`select public.clock() as now`
  const day = 86_400_000
  const near = occurrencesBetween(recurrence, new Date(at.getTime() - day), new Date(at.getTime() + day))
  if (recurrence.active && at > (clock?.now as Date) && near.some(one => one.occurrence === wanted))
    return wanted
  const message = `${wanted.replace('T', ' ')} is no occurrence of it that is still to come.`
  throw new Invalid(message, [{ path, message: 'is no occurrence that is still to come' }])
}

/**
 * Another rule, time or other accounts from one occurrence on: the recurrence ends before it, and a new one begins. What
 * was planned from there on is called off.
 * @returns the new one
 * @throws as `createRecurrence`, and Invalid when `from` is no occurrence to come
 */
export async function succeedRecurrence(scope: Scope, id: string, change: Successor): Promise<Recurrence> {
  allow(scope, 'jobs.schedule')
  const recurrence = await lockRecurrence(scope, id)
  const from = await toCome(scope, recurrence, change.from, 'from')
  const before = countBefore(recurrence, from)
  const { rule } = recurrence
  if (before === 0) await markStopped(scope, id, 'change')
  else {
    const last = Temporal.PlainDateTime.from(from)
      .subtract({ minutes: 1 })
      .toString({ smallestUnit: 'minute' })
    const cut = ruleText({ ...rule, count: null, until: last })
    await scope.sql`update recurrences set rule = ${cut} where id = ${id}`
  }
  await callOff(scope, scope.sql`j.recurrence_id = ${id} and j.occurrence >= ${from}`)
  await record(scope, 'recurrence.changed', id, { contentId: recurrence.contentId, until: from })
  const left = { ...rule, count: rule.count === null ? null : Math.max(1, rule.count - before) }
  const next = await createRecurrence(scope, recurrence.contentId, {
    accounts: change.accounts ?? (await stillConnected(scope, recurrence.accounts)),
    rule: change.rule ?? ruleText(left),
    start: change.start ?? { local: from, zone: recurrence.zone },
    lateMinutes: change.lateMinutes === undefined ? recurrence.lateMinutes : change.lateMinutes,
  })
  return next
}

async function stillConnected(scope: Scope, accounts: readonly string[]): Promise<string[]> {
  const rows = await scope.sql`
    select id from social_accounts where id = any(${[...accounts]}::uuid[]) and removed_at is null order by id`
  return rows.map(row => row.id as string)
}
