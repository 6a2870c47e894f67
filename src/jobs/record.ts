import { markReconnect } from '../accounts/accounts.ts'
import { breakApproval } from '../approvals/approvals.ts'
import { outsideWindow } from '../approvals/schema.ts'
import { lowerDue } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { record, recordAll } from '../events.ts'
import { helpPath } from '../platforms/catalogue/index.ts'
import type { Failure, Outcome } from '../platforms/platform.ts'
import type { Rest } from '../platforms/rest.ts'
import { besideBrakes, holdBraked } from '../publishing/braked.ts'
import { planFirstComments } from '../publishing/first-comment.ts'
import { outOf } from '../publishing/parts.ts'
import { calledOffState, perhapsOut } from '../publishing/perhaps.ts'
import { brokenNote, changedSince } from '../publishing/seals.ts'
import type { ClaimedJob } from './claim.ts'
import { restAccounts } from './rests.ts'
import { backoff, type Ending, longestHours, settle, type Unpublished } from './settle.ts'

/** A line of an attempt's timeline. */
export interface Note {
  at: string
  what: string
}

const shown = ({ platform }: Pick<ClaimedJob, 'platform'>, { code, message, next }: Failure) => ({
  code,
  message,
  next,
  link: helpPath(platform, code),
})

/** How an attempt ended, and what it did. */
export interface Ended {
  job: ClaimedJob
  outcome: Ending
  notes: readonly Note[]
  /** What the answer told of the limit it counts against. */
  rest?: Rest | null
}

/**
 * Writes down how an attempt ended: job, attempt and event in one transaction, only while the attempt holds the job.
 * @returns false when the lease was lost; then nothing was written
 */
export async function recordOutcome(
  scope: Scope,
  job: ClaimedJob,
  outcome: Ending,
  notes: readonly Note[] = [],
): Promise<boolean> {
  const [recorded] = await recordOutcomes(scope, [{ job, outcome, notes }])
  return recorded === true
}

/** The same for several attempts, in one transaction; those that published share their statements. */
export async function recordOutcomes(scope: Scope, ended: readonly Ended[]): Promise<boolean[]> {
  await lockBefore(scope, ended)
  const published = await recordPublished(scope, ended.flatMap(asPublished))
  const recorded = await Promise.all(
    ended.map(async ({ job, outcome, notes }) => {
      const held =
        outcome.is === 'published'
          ? published.has(job.attemptId)
          : await recordOther(scope, job, outcome, notes)
      // What the attempt did is worth knowing all the same.
      if (!held && notes.length > 0)
        await scope.sql`update publish_attempts set notes = ${scope.sql.json(notes)} where id = ${job.attemptId}`
      return held
    }),
  )
  const resting = ended.flatMap(({ job, rest }) =>
    rest?.of === 'account' ? [{ accountId: job.accountId, forMs: rest.forMs }] : [],
  )
  // Jobs before their accounts, as everything here locks them.
  if (resting.length > 0) await restAccounts(scope, resting)
  return recorded
}

/**
 * What is planned again or taken back to review goes by its content: brakes before content before jobs, and the pieces by
 * id, as people's moves lock them. An archiving under way is waited for and seen.
 */
async function lockBefore(scope: Scope, ended: readonly Ended[]): Promise<void> {
  const { sql } = scope
  const of = (...endings: readonly Ending['is'][]) =>
    ended.filter(({ outcome }) => endings.includes(outcome.is)).map(({ job }) => job.contentId)
  const [broken, again] = [of('unsealed'), of('retry', 'reconnect')]
  if (broken.length + again.length === 0) return
  await besideBrakes(scope)
  if (broken.length > 0)
    await sql`
      select 1 from content where id = any(${[...broken, ...again]}::uuid[]) order by id for no key update`
  else await sql`select 1 from content where id = any(${again}::uuid[]) order by id for share`
}

interface EndedPublished extends Ended {
  outcome: Extract<Outcome, { is: 'published' }>
}

const asPublished = ({ job, outcome, notes }: Ended): EndedPublished[] =>
  outcome.is === 'published' ? [{ job, outcome, notes }] : []

/** The common end. @returns the attempts that still held their jobs */
async function recordPublished(scope: Scope, ended: readonly EndedPublished[]): Promise<Set<string>> {
  if (ended.length === 0) return new Set()
  const recorded = await endPublished(scope, ended)
  const events = ended
    .filter(({ job }) => recorded.has(job.attemptId))
    .map(({ job, outcome: { remoteUrl } }) => ({
      type: 'publish_job.published' as const,
      subjectId: job.id,
      data: { ...aboutOf(job), remoteUrl },
    }))
  if (events.length > 0) await recordAll(scope, events)
  const commented = ended.filter(
    ({ job }) => recorded.has(job.attemptId) && job.opened?.draft.firstComment && !job.firstCommentOf,
  )
  if (commented.length > 0)
    await planFirstComments(
      scope,
      commented.map(({ job }) => job.id),
    )
  return recorded
}

async function endPublished(scope: Scope, ended: readonly EndedPublished[]): Promise<Set<string>> {
  const rows = await scope.sql`
    with given as (
      select given.job_id, given.attempt_id, given.remote_id, given.remote_url, given.notes, given.sha256, given.sent
      from unnest(${ended.map(({ job }) => job.id)}::uuid[], ${ended.map(({ job }) => job.attemptId)}::uuid[],
        ${ended.map(({ outcome }) => outcome.remoteId)}::text[], ${ended.map(({ outcome }) => outcome.remoteUrl)}::text[],
        ${ended.map(({ notes }) => JSON.stringify(notes))}::text[]::jsonb[],
        ${ended.map(({ job }) => job.opened?.payload.sha256 ?? null)}::text[], ${ended.map(({ job }) => job.opened?.payload.body ?? null)}::text[])
        given (job_id, attempt_id, remote_id, remote_url, notes, sha256, sent)),
    held as (
      update publish_jobs j set state = 'published', remote_id = given.remote_id, remote_url = given.remote_url,
        published_at = public.clock(), lease_until = null, error = null
      from given where j.id = given.job_id and j.attempt_id = given.attempt_id and j.state = 'publishing' returning j.attempt_id)
    update publish_attempts a set ended_at = public.clock(), outcome = 'published',
      detail = jsonb_build_object('remoteId', given.remote_id, 'remoteUrl', given.remote_url), notes = given.notes,
      sent = coalesce(went.sent, given.sent), sent_sha256 = coalesce(went.sent_sha256, given.sha256)
    from held join given on given.attempt_id = held.attempt_id
    left join lateral (
      -- What was found there is what an earlier attempt sent.
      select sender.sent, sender.sent_sha256 from publish_attempts sender
      where sender.job_id = given.job_id and sender.sent is not null
      order by sender.id = given.attempt_id desc, sender.number desc limit 1) went on true
    where a.id = held.attempt_id returning a.id`
  return new Set(rows.map(row => row.id as string))
}

/** What the events of an attempt's end tell beside its job. */
const aboutOf = ({ contentId, accountId, attemptId, firstCommentOf }: ClaimedJob) => ({
  contentId,
  accountId,
  attemptId,
  ...(firstCommentOf ? { firstCommentOf } : {}),
})

async function recordOther(
  scope: Scope,
  job: ClaimedJob,
  outcome: Unpublished,
  notes: readonly Note[],
): Promise<boolean> {
  const { sql } = scope
  const [held] = await sql`
    select public.clock() as now, public.clock() - j.first_try_at > ${longestHours} * interval '1 hour' as long_tried,
      ${perhapsOut(scope)} as perhaps
    from publish_jobs j where id = ${job.id} and attempt_id = ${job.attemptId} and state = 'publishing' for update`
  if (!held) return false
  const now = held.now as Date
  const perhaps = (held.perhaps as boolean) || (outcome.is === 'retry' && outcome.perhaps === true)
  const current =
    outcome.is === 'reconnect'
      ? await unlessReconnected(scope, job, outcome)
      : outcome.is === 'unsealed'
        ? await unlessFormer(scope, job, outcome)
        : outcome
  const settled = settle(current, job.tries, held.long_tried as boolean, perhaps)
  const why = 'why' in settled ? settled.why : null
  await sql`
    update publish_attempts set ended_at = public.clock(), outcome = ${settled.is}, notes = ${sql.json(notes)},
      detail = ${sql.json(why ? { ...shown(job, why), raw: why.raw ?? null, ...(perhaps ? { perhaps } : {}) } : null)}
    where id = ${job.attemptId}`
  const about = aboutOf(job)
  switch (settled.is) {
    case 'processing': {
      // The lease's end is the next look; the attempt stays armed, so the look never sends.
      const at = new Date(now.getTime() + settled.afterMs)
      await sql`update publish_jobs set lease_until = ${at} where id = ${job.id}`
      lowerDue(scope, at)
      break
    }
    case 'retry': {
      const at = new Date(now.getTime() + (settled.afterMs ?? backoff(job.tries)))
      await planAgain(scope, job, at, settled.why)
      break
    }
    case 'rejected':
      await end(scope, job, 'failed', settled.why)
      await record(scope, 'publish_job.failed', job.id, { ...about, code: settled.why.code })
      break
    case 'unconfirmed':
      await end(scope, job, 'unconfirmed', settled.why)
      await record(scope, 'publish_job.unconfirmed', job.id, { ...about, code: settled.why.code })
      break
    case 'unsealed':
      await scope.sql`
        update publish_jobs set state = 'held', held_for = 'approval', lease_until = null,
          error = ${sql.json(shown(job, settled.why))} where id = ${job.id}`
      await record(scope, 'publish_job.held', job.id, { ...about, for: 'approval', code: settled.why.code })
      break
    case 'reconnect':
      await end(scope, job, 'held', settled.why)
      await record(scope, 'publish_job.held', job.id, { ...about, for: 'reconnect' })
      await markReconnect(scope, job.accountId, settled.why.message)
      break
  }
  return true
}

/**
 * Back to the planned jobs, under their rules: what was archived while it was being sent is not sent again, and what
 * lost its approval waits for a new one.
 */
async function planAgain(scope: Scope, job: ClaimedJob, at: Date, why: Failure): Promise<void> {
  const { sql } = scope
  const [now] = await sql`
    update publish_jobs j set
      state = case when c.state = 'archived' then ${calledOffState(scope)}
        when w.approval_required and c.state <> 'approved' then 'held' else 'scheduled' end,
      held_for = case when w.approval_required and c.state not in ('approved', 'archived') then 'approval' end,
      next_try_at = case when c.state <> 'archived' then ${at}::timestamptz end,
      lease_until = null, error = ${sql.json(shown(job, why))}
    from content c cross join workspace w where j.id = ${job.id} and c.id = j.content_id returning j.state`
  const about = { contentId: job.contentId, accountId: job.accountId }
  if (now?.state === 'cancelled') await record(scope, 'publish_job.cancelled', job.id, about)
  else if (now?.state === 'unconfirmed' || now?.state === 'failed')
    await record(scope, now.state === 'failed' ? 'publish_job.failed' : 'publish_job.unconfirmed', job.id, {
      ...about,
      code: why.code,
    })
  else if (now?.state === 'held')
    await record(scope, 'publish_job.held', job.id, { ...about, for: 'approval' })
  else if ((await holdBraked(scope, { ids: [job.id] })).length === 0) lowerDue(scope, at)
}

/** A refusal of a credential that has been replaced meanwhile says nothing of the new one: it is tried with that. */
async function unlessReconnected(
  scope: Scope,
  job: ClaimedJob,
  outcome: Extract<Outcome, { is: 'reconnect' }>,
): Promise<Unpublished> {
  const [account] = await scope.sql`
    select state, secret_version from social_accounts where id = ${job.accountId} and removed_at is null for update`
  const renewed =
    account?.state === 'connected' && account.secret_version !== job.opened?.account.secretVersion
  return renewed ? { is: 'retry', why: outcome.why, afterMs: 0 } : outcome
}

/**
 * What is not what was approved takes its content back to review. A former version that an attempt froze is approved by
 * nobody any more: it is not sent, and a person who wants it again gets the version of now.
 */
async function unlessFormer(
  scope: Scope,
  job: ClaimedJob,
  outcome: Extract<Ending, { is: 'unsealed' }>,
): Promise<Unpublished> {
  const [content] = await scope.sql`select version_id from content where id = ${job.contentId}`
  if (content?.version_id !== job.versionId)
    return { is: 'rejected', why: { ...outcome.why, ...formerVersion(job) } }
  const changes = await changedSince(scope, job.contentId, [job.accountId])
  const over = outcome.why.code === outsideWindow && changes.length === 0
  await breakApproval(scope, job.contentId, changes.length > 0 ? brokenNote(changes) : outcome.why.message, {
    changes: over ? ['its time has come outside the one that it was approved for'] : changes,
  })
  return outcome
}

const formerVersion = ({ firstCommentOf, steps }: ClaimedJob) => ({
  message: 'It was to send a former version that no approval covers any more, so nothing was sent.',
  next:
    firstCommentOf || outOf(steps).length > 0
      ? 'What is out stays out. Write what is missing as a new post, unless only parts that are not out were changed: then try again from here, once that is approved.'
      : 'Try again from here: it then goes out as it is now, once that is approved.',
})

async function end(
  scope: Scope,
  job: ClaimedJob,
  state: 'failed' | 'unconfirmed' | 'held',
  why: Failure,
): Promise<void> {
  await scope.sql`
    update publish_jobs set state = ${state}, held_for = ${state === 'held' ? 'reconnect' : null}, lease_until = null,
      error = ${scope.sql.json(shown(job, why))} where id = ${job.id}`
}
