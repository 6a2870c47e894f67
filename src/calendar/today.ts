import type { Scope } from '../db/scope.ts'
import { forecastHead } from '../forecast/find.ts'
import type { Forecast } from '../forecast/schema.ts'
import { may } from '../permissions.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { type JobRow, listRows } from '../publishing/rows.ts'
import { addDays, dateIn, startOfDay, weekStart } from './days.ts'
import { byDay } from './find.ts'

/** Jobs of one content at one moment, as one line. */
export interface Departure {
  jobs: readonly [JobRow, ...JobRow[]]
}

export interface Today {
  week: { out: number; late: number }
  next: Departure[]
  /** Today and the six days after it. */
  ahead: { date: string; jobs: JobRow[] }[]
  needs: Needs
  /** Posts that should have gone out by now and have not: how many, and by how many seconds the oldest is late. */
  overdue: { count: number; seconds: number }
  /** How the next seven days look; null before the first forecast. */
  forecast: Omit<Forecast, 'jobs'> | null
  /** Before the first post: what has been done of the way there. null once something was ever planned. */
  firstSteps: { account: boolean; post: string | null } | null
}

/** What asks for this person. Only what their role can answer is asked of them. */
export interface Needs {
  unconfirmed: JobRow[]
  /** Held, because their moment passed while nothing could be sent. */
  late: JobRow[]
  failed: JobRow[]
  reconnect: { id: string; name: string; platform: PlatformId; reason: string | null; waiting: number }[]
  review: { id: string; text: string; by: string | null }[]
  changes: { id: string; text: string; note: string; by: string | null }[]
}

const shownDepartures = 8
const shownNeeds = 6
/** A post that went out within a minute of its time was on time. */
const lateSeconds = 60
/** Due work goes out within a second: so long a wait has a reason. */
const overdueSeconds = 30

/** Everything on the first page, for the person who looks. `zone` is the workspace's. */
export async function readToday(scope: Scope, zone: string): Promise<Today> {
  const [clock] = await scope.sql`select public.clock() as now`
  const today = dateIn(clock?.now as Date, zone)
  const monday = startOfDay(weekStart(today), zone)
  const until = startOfDay(addDays(today, 7), zone)
  const [[week], waiting, ahead, needs, firstSteps, [overdue], forecast] = await Promise.all([
    scope.sql`
      select count(*)::int as out,
        count(*) filter (where published_at > run_at + ${lateSeconds} * interval '1 second')::int as late
      from publish_jobs where state = 'published' and first_comment_of is null and published_at >= ${monday}`,
    // What missed its moment goes nowhere by itself: it asks for a person instead.
    listRows(scope, { states: ['scheduled', 'publishing', 'held'], notHeldFor: 'late', limit: 60 }),
    listRows(scope, { from: startOfDay(today, zone), to: until, limit: 500 }),
    readNeeds(scope),
    readFirstSteps(scope),
    scope.sql`
      select count(*)::int as count, coalesce(extract(epoch from public.clock() - min(run_at)), 0)::float8 as seconds
      from publish_jobs where state = 'scheduled' and run_at < public.clock() - ${overdueSeconds} * interval '1 second'`,
    forecastHead(scope),
  ])
  const days = byDay(ahead.items, zone)
  return {
    week: { out: week?.out as number, late: week?.late as number },
    next: departures(waiting.items).slice(0, shownDepartures),
    ahead: Array.from({ length: 7 }, (_, index) => {
      const date = addDays(today, index)
      return { date, jobs: days.get(date) ?? [] }
    }),
    needs,
    overdue: { count: overdue?.count as number, seconds: overdue?.seconds as number },
    firstSteps,
    forecast,
  }
}

function departures(jobs: readonly JobRow[]): Departure[] {
  const together = new Map<string, [JobRow, ...JobRow[]]>()
  for (const job of jobs) {
    const key = `${job.contentId} ${job.runAt.getTime()}`
    const group = together.get(key)
    if (group) group.push(job)
    else together.set(key, [job])
  }
  return [...together.values()].map(group => ({ jobs: group }))
}

async function readNeeds(scope: Scope): Promise<Needs> {
  const { sql, actor } = scope
  const schedules = may(actor, 'jobs.schedule')
  const [unconfirmed, late, failed, reconnect, review, changes] = await Promise.all([
    schedules ? listRows(scope, { states: ['unconfirmed'], limit: shownNeeds, newestFirst: true }) : none,
    schedules ? listRows(scope, { states: ['held'], heldFor: 'late', limit: shownNeeds }) : none,
    schedules ? failedOf(scope) : none,
    may(actor, 'accounts.manage')
      ? sql`
          select a.id, a.name, a.platform, a.state_reason,
            (select count(*)::int from publish_jobs j where j.account_id = a.id and j.state in ('scheduled', 'held')) as waiting
          from social_accounts a where a.state = 'reconnect' and a.removed_at is null order by a.id`
      : [],
    may(actor, 'content.approve')
      ? sql`
          select c.id, left(v.text, 240) as text, (select name from users u where u.id = s.user_id) as by
          from content c join content_versions v on v.id = c.version_id
          left join lateral (select d.user_id from approvals d where d.content_id = c.id and d.decision = 'submitted'
            order by d.created_at desc limit 1) s on true
          where c.state = 'in_review' and s.user_id is distinct from ${actor.userId}
          order by c.updated_at limit ${shownNeeds}`
      : [],
    sql`
      select c.id, left(v.text, 240) as text, d.note, (select name from users u where u.id = d.user_id) as by
      from content c join content_versions v on v.id = c.version_id
      left join lateral (select a.note, a.user_id from approvals a where a.content_id = c.id
        and a.decision = 'changes_requested' order by a.created_at desc limit 1) d on true
      where c.state = 'changes_requested' and c.created_by = ${actor.userId}
      order by c.updated_at desc limit ${shownNeeds}`,
  ])
  return {
    unconfirmed: unconfirmed.items,
    late: late.items,
    failed: failed.items,
    reconnect: reconnect.map(row => ({
      id: row.id as string,
      name: row.name as string,
      platform: row.platform as PlatformId,
      reason: row.state_reason as string | null,
      waiting: row.waiting as number,
    })),
    review: review.map(row => ({
      id: row.id as string,
      text: row.text as string,
      by: row.by as string | null,
    })),
    changes: changes.map(row => ({
      id: row.id as string,
      text: row.text as string,
      note: (row.note as string | null) ?? '',
      by: row.by as string | null,
    })),
  }
}

const none: { items: JobRow[] } = { items: [] }

/** Failed jobs that this person has not put away. */
async function failedOf(scope: Scope): Promise<{ items: JobRow[] }> {
  const open = await scope.sql`
    select subject_id from notifications
    where user_id = ${scope.actor.userId} and kind = 'failed' and done_at is null
    order by created_at desc limit ${shownNeeds}`
  if (open.length === 0) return none
  return listRows(scope, {
    ids: open.map(row => row.subject_id as string),
    states: ['failed'],
    limit: shownNeeds,
    newestFirst: true,
  })
}

async function readFirstSteps(scope: Scope): Promise<Today['firstSteps']> {
  const [row] = await scope.sql`
    select exists (select 1 from publish_jobs) as planned,
      exists (select 1 from social_accounts where platform <> 'feed' and removed_at is null) as account,
      (select id from content where state <> 'archived' order by updated_at desc limit 1) as post`
  if (!row || row.planned) return null
  return { account: row.account as boolean, post: row.post as string | null }
}
