import { outsideWindow } from '../approvals/schema.ts'
import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { type EventType, type Happening, record } from '../events.ts'
import { besideBrakes, holdBraked, releaseUnbraked } from './braked.ts'
import { callOff } from './call-off.ts'
import { partlyOut } from './parts.ts'
import { breakSealsOf, sealApproved, sealBroken } from './seals.ts'
import { holdOutside } from './window.ts'

/**
 * What content, approval and account events mean for the jobs that have not begun. In the transaction of the event,
 * so that a job never goes out with words that were not saved, or saved words that were not approved.
 */
export async function followContent(scope: Scope, { type, subjectId }: Happening): Promise<void> {
  const react = reactions[type]
  if (!react) return
  await besideBrakes(scope)
  await lockWaiting(scope, type === 'workspace.changed' ? null : subjectId)
  await react(scope, subjectId)
}

/** Whoever needs several waiting jobs locks them by id: those of a piece of content or an account, or all. */
async function lockWaiting({ sql }: Scope, of: string | null): Promise<void> {
  await sql`
    select 1 from publish_jobs where state in ('scheduled', 'held')
      and (${of}::uuid is null or content_id = ${of}::uuid or account_id = ${of}::uuid) order by id for update`
}

const reactions: Partial<Record<EventType, (scope: Scope, subjectId: string) => Promise<void>>> = {
  async 'content.updated'(scope, contentId) {
    // What an attempt may have sent stays what it was: a receiver that drops the repeat would keep the former words.
    await scope.sql`
      update publish_jobs j set version_id = c.version_id from content c
      where c.id = ${contentId} and j.content_id = c.id and j.state in ('scheduled', 'held')
        and j.first_comment_of is null and not ${partlyOut(scope)}
        and not exists (select 1 from publish_attempts a where a.job_id = j.id and a.armed_at is not null)`
    await holdUnapproved(scope, contentId)
    // New words or tags may be what a brake is on, or be so no more.
    await holdBraked(scope, { contentId })
    await releaseUnbraked(scope, { contentId })
  },
  async 'content.approved'(scope, contentId) {
    await sealApproved(scope, contentId)
    await releaseApproved(scope, contentId)
  },
  'content.seal_broken': holdUnapproved,
  'media.changed': breakSealsOf,
  'content.changes_requested': holdUnapproved,
  'content.withdrawn': holdUnapproved,
  'content.archived': (scope, contentId) => callOff(scope, scope.sql`j.content_id = ${contentId}`),
  'account.removed': (scope, accountId) => callOff(scope, scope.sql`j.account_id = ${accountId}`),
  async 'account.connected'(scope, accountId) {
    const freed = await scope.sql`
      update publish_jobs j set state = case when w.approval_required and c.state <> 'approved' then 'held' else 'scheduled' end,
        held_for = case when w.approval_required and c.state <> 'approved' then 'approval' end, error = null,
        tries = 0, first_try_at = null, wanted_at = public.clock()
      from content c cross join workspace w
      where j.content_id = c.id and j.account_id = ${accountId} and j.state = 'held' and j.held_for = 'reconnect'
      returning j.id, j.run_at`
    await holdBraked(scope, { ids: freed.map(row => row.id as string) })
    await holdOutside(scope, { ids: freed.map(row => row.id as string) })
    await release(scope, freed)
  },
  async 'workspace.changed'(scope) {
    await releaseApproved(scope, null)
    await holdUnapproved(scope, null)
  },
}

async function holdUnapproved(scope: Scope, contentId: string | null): Promise<void> {
  const held = await scope.sql`
    update publish_jobs j set state = 'held', held_for = 'approval' from content c cross join workspace w
    where j.content_id = c.id and (${contentId}::uuid is null or c.id = ${contentId}::uuid)
      and w.approval_required and c.state <> 'approved' and j.state = 'scheduled'
    returning j.id, j.content_id`
  for (const job of held)
    await record(scope, 'publish_job.held', job.id as string, { contentId: job.content_id, for: 'approval' })
}

/** What was approved goes out, late or not, in the time that it was approved for. What needs no approval any more was looked at by nobody: it asks if it is late. */
async function releaseApproved(scope: Scope, contentId: string | null): Promise<void> {
  const freed = await scope.sql`
    update publish_jobs j set state = 'scheduled', held_for = null, tries = 0, first_try_at = null,
      wanted_at = case when ${contentId}::uuid is null then j.wanted_at else public.clock() end,
      error = case when j.error->>'code' in (${sealBroken}, ${outsideWindow}) then null else j.error end
    from content c cross join workspace w
    where j.content_id = c.id and (${contentId}::uuid is null or c.id = ${contentId}::uuid)
      and (c.state = 'approved' or not w.approval_required) and j.state = 'held' and j.held_for = 'approval'
      and not (${contentId}::uuid is null and w.approval_required and coalesce(j.error->>'code', '') = ${outsideWindow})
    returning j.id, j.run_at`
  await holdBraked(scope, { ids: freed.map(row => row.id as string) })
  await holdOutside(scope, { contentId })
  await release(scope, freed)
}

/** A job that was held begins anew: the time it was held does not count against its tries. */
async function release(scope: Scope, jobs: readonly Record<string, unknown>[]): Promise<void> {
  const times = jobs.map(job => (job.run_at as Date).getTime())
  if (times.length > 0) await wakeAt(scope, new Date(Math.min(...times)))
}
