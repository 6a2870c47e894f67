import { outsideWindow } from '../approvals/schema.ts'
import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { Conflict, NotFound } from '../errors.ts'
import { type EventType, record } from '../events.ts'
import { isId } from '../lib/id.ts'
import { allow } from '../permissions.ts'
import type { FreeSlot } from '../slots/schema.ts'
import { takeNextSlots } from '../slots/slots.ts'
import { besideBrakes, holdBraked } from './braked.ts'
import { readJob } from './find.ts'
import { planFirstComments } from './first-comment.ts'
import { takeMendedParts } from './mended.ts'
import { partlyOut, partStep } from './parts.ts'
import { calledOffError, calledOffState, perhapsOut, recordCalledOff } from './perhaps.ts'
import { plannedMoment } from './schedule.ts'
import type { HeldFor, Job, JobChange, JobState, Resolution } from './schema.ts'
import { sealBroken } from './seals.ts'
import { approvedFor, refuseOutside } from './window.ts'

interface Locked {
  id: string
  state: JobState
  heldFor: HeldFor | null
  contentId: string
  perhaps: boolean
}

/** What comes before a job in the order in which everybody locks. */
async function lockContentOf(scope: Scope, id: string): Promise<void> {
  await besideBrakes(scope)
  if (isId(id))
    await scope.sql`
      select 1 from content c where c.id = (select content_id from publish_jobs where id = ${id}) for share of c`
}

/** The job, locked against the worker and other people until the transaction ends; its content before it. @throws NotFound */
async function lockJob(scope: Scope, id: string): Promise<Locked> {
  await lockContentOf(scope, id)
  const [row] = isId(id)
    ? await scope.sql`select state, held_for, content_id from publish_jobs where id = ${id} for update`
    : []
  if (!row) throw new NotFound()
  // Asked once the row is ours: what the statement that waited for it saw of the attempts is older.
  const [sent] = await scope.sql`
    select ${perhapsOut(scope)} as perhaps from publish_jobs j where j.id = ${id}`
  return {
    id,
    state: row.state as JobState,
    heldFor: row.held_for as HeldFor | null,
    contentId: row.content_id as string,
    perhaps: sent?.perhaps as boolean,
  }
}

function refuseUnless(job: Locked, states: readonly JobState[], wish: string): void {
  if (states.includes(job.state)) return
  if (job.state === 'publishing')
    throw new Conflict(
      `It is being sent just now, so it cannot be ${wish} any more. Look again in a moment.`,
      'job_in_flight',
    )
  throw new Conflict(`It is ${job.state}, so it cannot be ${wish}.`)
}

/**
 * The next free slot of the job's account, none before the time that it is approved for. The account is locked for it, as
 * everybody does before its jobs.
 * @throws NotFound, Invalid for an account without slots
 */
async function nextSlotOf(scope: Scope, id: string): Promise<FreeSlot> {
  await lockContentOf(scope, id)
  const [row] = isId(id)
    ? await scope.sql`
        select a.id, a.name, j.content_id from publish_jobs j join social_accounts a on a.id = j.account_id where j.id = ${id}`
    : []
  if (!row) throw new NotFound()
  const account = { id: row.id as string, name: row.name as string }
  const from = (await approvedFor(scope, row.content_id as string))?.window?.from
  const slot = (await takeNextSlots(scope, [account], from ? new Date(from) : null)).get(account.id)
  if (!slot) throw new Error('an account was given no slot')
  return slot
}

/**
 * Plans a job for another moment, for the next free slot of its account, or for now. One whose moment had passed waits
 * for it again; one that was tried gets all its tries anew.
 * @throws Conflict when it is over or under way, or is to be put off although it may be out; Invalid for a moment that it
 * is not approved for
 */
export async function moveJob(scope: Scope, id: string, change: JobChange): Promise<Job> {
  allow(scope, 'jobs.schedule')
  const slot = change.slot ? await nextSlotOf(scope, id) : null
  const job = await lockJob(scope, id)
  refuseUnless(job, ['scheduled', 'held'], 'moved')
  if (job.perhaps && change.now === undefined)
    throw new Conflict(
      'It may be out already: an answer was lost, and the next try finds out. Send it now or cancel it; it cannot be moved.',
    )
  const moment = slot ?? (await plannedMoment(scope, change))
  const approved = await approvedFor(scope, job.contentId)
  refuseOutside(approved, change.now ? null : moment.at)
  await scope.sql`
    update publish_jobs set run_at = ${moment.at}, local = ${moment.local}, zone = ${moment.zone}, next_try_at = null,
      tries = 0, first_try_at = null, wanted_at = null,
      slot_id = case when recurrence_id is null then ${slot?.slotId ?? null}::uuid end,
      occurrence = case when recurrence_id is null then ${slot?.occurrence ?? null} else occurrence end,
      late_minutes = case when ${change.lateMinutes !== undefined} then ${change.lateMinutes ?? null}::int else late_minutes end
    where id = ${id}`
  // What waited for another moment, or for one that it is approved for, has it now.
  const goesOn = job.heldFor === 'late' || (job.heldFor === 'approval' && approved !== null)
  const heldFor = goesOn ? await planAgain(scope, job, moment.at) : null
  await record(scope, 'publish_job.moved', id, { contentId: job.contentId })
  if (heldFor) await record(scope, 'publish_job.held', id, { contentId: job.contentId, for: heldFor })
  await wakeAt(scope, moment.at)
  return readJob(scope, id)
}

export const publishNow = (scope: Scope, id: string): Promise<Job> => moveJob(scope, id, { now: true })

/**
 * After this has answered the post does not go out. Cancelling what is cancelled changes nothing; what may have gone out
 * already becomes a question for a person.
 */
export async function cancelJob(scope: Scope, id: string): Promise<Job> {
  allow(scope, 'jobs.schedule')
  const job = await lockJob(scope, id)
  if (job.state !== 'cancelled') {
    refuseUnless(job, ['scheduled', 'held'], 'cancelled')
    const [now] = await scope.sql`
      update publish_jobs j set state = ${calledOffState(scope)}, error = ${calledOffError(scope)},
        next_try_at = null, held_for = null
      where id = ${id} returning state`
    await recordCalledOff(scope, [{ id, contentId: job.contentId, state: now?.state as JobState }])
  }
  return readJob(scope, id)
}

/**
 * What a person says about a job that waits for their word: it is there, send it (again), or give up. One that failed
 * can be sent again; one whose moment passed was never sent, so giving it up cancels it.
 */
export async function resolveJob(scope: Scope, id: string, resolution: Resolution): Promise<Job> {
  allow(scope, 'jobs.schedule')
  const job = await lockJob(scope, id)
  const late = job.heldFor === 'late'
  if (late && resolution.as === 'abandon') return cancelJob(scope, id)
  if (!(late && resolution.as === 'retry'))
    refuseUnless(
      job,
      resolution.as === 'retry' ? ['unconfirmed', 'failed'] : ['unconfirmed'],
      `resolved as "${resolution.as}"`,
    )
  const about = { contentId: job.contentId, resolution: resolution.as }
  const events: Record<Resolution['as'], EventType> = {
    published: 'publish_job.published',
    retry: 'publish_job.scheduled',
    abandon: 'publish_job.failed',
  }
  if (resolution.as === 'published')
    await scope.sql`
      update publish_jobs set state = 'published', published_at = coalesce(published_at, public.clock()), error = null,
        remote_id = coalesce(remote_id, steps->${partStep(1)}->>'remoteId'),
        remote_url = coalesce(${resolution.remoteUrl ?? null}, remote_url, steps->${partStep(1)}->>'remoteUrl') where id = ${id}`
  else if (resolution.as === 'abandon')
    await scope.sql`update publish_jobs set state = 'failed' where id = ${id}`
  if (resolution.as === 'retry') refuseOutside(await approvedFor(scope, job.contentId), null)
  const heldFor = resolution.as === 'retry' ? await planAgain(scope, job) : null
  await record(scope, events[resolution.as], id, about)
  if (heldFor) await record(scope, 'publish_job.held', id, { contentId: job.contentId, for: heldFor })
  if (resolution.as === 'published') await planFirstComments(scope, [id])
  const now = await readJob(scope, id)
  if (resolution.as === 'retry') await wakeAt(scope, new Date(now.nextTryAt ?? now.runAt))
  return now
}

/**
 * Plans it anew under the rules for what is planned: never archived content, nothing unapproved.
 * @param at its next try; now when none is given
 * @returns what it waits for
 */
async function planAgain(scope: Scope, job: Locked, at: Date | null = null): Promise<'approval' | null> {
  const [rules] = await scope.sql`
    select c.state, c.version_id, w.approval_required from content c cross join workspace w
    where c.id = ${job.contentId}`
  if (rules?.state === 'archived') throw new Conflict('Archived content is not published. Restore it first.')
  const heldFor = rules?.approval_required && rules.state !== 'approved' ? 'approval' : null
  // Whoever mended the words wants those sent; what an attempt may have sent already stays what it was, as long as some
  // approval covers it.
  await takeMendedParts(scope, job.id)
  await scope.sql`
    update publish_jobs j set state = ${heldFor ? 'held' : 'scheduled'}, held_for = ${heldFor}, error = null, tries = 0,
      first_try_at = null, next_try_at = ${at ? null : scope.sql`public.clock()`}, wanted_at = public.clock(),
      version_id = case when j.first_comment_of is not null or ${partlyOut(scope)}
          or coalesce(j.error->>'code', '') not in (${sealBroken}, ${outsideWindow})
            and exists (select 1 from publish_attempts a where a.job_id = j.id and a.armed_at is not null)
        then j.version_id else ${rules?.version_id as string}::uuid end
    where j.id = ${job.id}`
  await holdBraked(scope, { ids: [job.id] })
  return heldFor
}
