import type { OpenedAccount } from '../accounts/credential.ts'
import { sideOf } from '../approvals/window.ts'
import type { Scope } from '../db/scope.ts'
import { platforms } from '../platforms/index.ts'
import { misfit } from '../platforms/misfit.ts'
import { taken } from '../platforms/parts.ts'
import type { Json } from '../platforms/platform.ts'
import { outOf } from '../publishing/parts.ts'
import type { Payload } from '../publishing/payload.ts'
import type { PostDraft } from '../publishing/post.ts'

/** Under this name an armed job remembers the moment that it was planned for when it was first sent. */
export const plannedStep = 'planned-at'
/** Under this name a part remembers when it was first armed, in milliseconds since 1970 by the server's clock. */
export const sentStep = 'first-send'

/**
 * The planned moment that every attempt sees. Platforms make a post's identity of it, so once a post may have been sent
 * it stays, even when people move the job to another moment while it waits for its next try.
 */
export function plannedAt({ steps, runAt }: { steps: Readonly<Record<string, Json>>; runAt: Date }): Date {
  const first = steps[plannedStep]
  return typeof first === 'string' ? new Date(first) : runAt
}

/** What a job remembers with being armed, beside what it knows. @param name what the part that is armed remembers it under */
export function knownWhenArmed(
  steps: Readonly<Record<string, Json>>,
  planned: Date,
  name: (step: string) => string = step => step,
): Record<string, Json> {
  return {
    [plannedStep]: planned.toISOString(),
    ...(steps[name(sentStep)] === undefined ? { [name(sentStep)]: Date.now() } : {}),
  }
}

interface ToClaim {
  steps: Record<string, Json>
  armed: boolean
  lost: number
  sealed: string | null | undefined
  claimedAt: Date
  firstCommentOf: string | null
  answersTo: string | null
  opened: { account: OpenedAccount; draft: PostDraft; payload: Payload } | null
}

/**
 * Whether a job that is being claimed will arm before anything else: then the claim arms it, and one commit does for both.
 * What is to be looked for, refused or asked about first is not armed here, nor is a thread.
 */
export function goesDirectly({
  steps,
  armed,
  lost,
  sealed,
  claimedAt,
  firstCommentOf,
  answersTo,
  opened,
}: ToClaim): boolean {
  if (!opened || armed || lost > 0 || opened.account.state !== 'connected') return false
  const platform = platforms[opened.account.platform]
  const { account } = opened.account
  const post = taken(opened.draft, platform)
  if (platform.direct?.(account, post) !== true) return false
  if (platform.thread === 'replies' && (post.thread.length > 0 || outOf(steps).length > 0)) return false
  if (firstCommentOf !== null && answersTo === null) return false
  if (sealed !== undefined && sealed !== opened.payload.sha256) return false
  if (sealed !== undefined && sideOf(opened.payload.window, claimedAt)) return false
  return misfit(post, account.limits, platform.name) === null
}

export interface Mark {
  jobId: string
  attemptId: string
  tries: number
  /** When the attempt that this one takes over was armed. */
  armedAt: Date | null
  /** What arming remembers and what will be sent, where the claim may arm. */
  arming: { known: Record<string, Json>; sent: Payload } | null
}

/** Makes the jobs, locked by an earlier statement, a worker's for `leaseSeconds`, each with an attempt of its own, and arms those that may be. */
export const markClaimed = (
  { sql }: Scope,
  worker: string,
  leaseSeconds: number,
  marks: readonly Mark[],
) => sql`
    with given as (
      select given.job_id, given.attempt_id, given.tries, given.armed_at, given.known, given.sha256, given.sent
      from unnest(${marks.map(({ jobId }) => jobId)}::uuid[], ${marks.map(({ attemptId }) => attemptId)}::uuid[],
        ${marks.map(({ tries }) => tries)}::int[], ${marks.map(({ armedAt }) => armedAt?.toISOString() ?? null)}::text[]::timestamptz[],
        ${marks.map(({ arming }) => (arming ? JSON.stringify(arming.known) : null))}::text[]::jsonb[],
        ${marks.map(({ arming }) => arming?.sent.sha256 ?? null)}::text[], ${marks.map(({ arming }) => arming?.sent.body ?? null)}::text[])
        given (job_id, attempt_id, tries, armed_at, known, sha256, sent)),
    begun as (
      insert into publish_attempts (id, job_id, number, worker, armed_at, sent_sha256, sent)
      select given.attempt_id, given.job_id,
        1 + (select coalesce(max(number), 0) from publish_attempts every where every.job_id = given.job_id), ${worker},
        case when given.sent is null then given.armed_at else public.clock() end, given.sha256, given.sent
      from given)
    update publish_jobs j set state = 'publishing', attempt_id = given.attempt_id, tries = given.tries, next_try_at = null,
      lease_until = public.clock() + ${leaseSeconds} * interval '1 second',
      first_try_at = coalesce(j.first_try_at, public.clock()), error = null, steps = j.steps || coalesce(given.known, '{}')
    from given where j.id = given.job_id`
