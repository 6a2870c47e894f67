import { type OpenedAccount, openAccounts } from '../accounts/credential.ts'
import { last, type Scope } from '../db/scope.ts'
import { newId } from '../lib/id.ts'
import type { Json, PlatformId } from '../platforms/platform.ts'
import { besideBrakesNow } from '../publishing/braked.ts'
import { type Payload, payloadOf } from '../publishing/payload.ts'
import { commentOf, type PostDraft, postDrafts } from '../publishing/post.ts'
import { sealsOf } from '../publishing/seals.ts'
import { goesDirectly, knownWhenArmed, markClaimed, plannedAt } from './direct.ts'
import { type Former, type Found, findDue, putAside, takeOver } from './found.ts'
import type { RestingServers } from './rests.ts'

/** How long a claimed job is its worker's; renewed while it is being sent. */
export const leaseSeconds = 20
/** A job that took so many workers down with it is not given to another. */
export const mostLost = 3

export interface ClaimedJob {
  id: string
  /** Fences: only who holds this attempt may record. */
  attemptId: string
  contentId: string
  versionId: string
  accountId: string
  platform: PlatformId
  /** The account, opened, and what it is to send; null when either is gone. */
  opened: { account: OpenedAccount; draft: PostDraft; payload: Payload } | null
  /** Where an approval is required: the hash that it pinned, null for none. Where it is not: undefined. */
  sealed: string | null | undefined
  runAt: Date
  /** The workspace's time zone. */
  zone: string
  /** Seconds between the planned moment and this claim, both by the database's clock. */
  late: number
  /** The database's clock at the claim. */
  claimedAt: Date
  tries: number
  steps: Record<string, Json>
  /** An earlier attempt was armed and its end is not known: look before sending. */
  armed: boolean
  /** How many attempts in all ended without a word. */
  lost: number
  /** The claim armed it: when it was asked for, by `performance.now()`. null: it is still to be armed. */
  armedSince: number | null
  /** The job whose first comment this one is; null for a post. */
  firstCommentOf: string | null
  /** The remote id of the post that a first comment answers; null when it is not known. */
  answersTo: string | null
}

export interface Claim {
  jobs: ClaimedJob[]
  /** How many were not to be sent and were put aside instead: held, or given a later moment. */
  aside: number
}

/**
 * Claims at most `most` jobs that are due, and those whose worker let its lease run out. One job an account at a time,
 * the longest due first, so that an account's posts go out in their order. What a brake is on, and what is later than it
 * may be, is held instead; what is late with others is given a moment of its own, and so is what its platform would refuse
 * because a limit is used up.
 * @param servers those that take no more calls for now
 * @param full platforms of which nothing is to be claimed
 */
export async function claimJobs(
  scope: Scope,
  worker: string,
  most: number,
  servers: RestingServers = new Map(),
  full: readonly PlatformId[] = [],
): Promise<Claim> {
  // Until the end a brake that is being put on waits: what is found to be free of brakes may be armed.
  const [beside, found] = await Promise.all([besideBrakesNow(scope), findDue(scope, most, servers, full)])
  const aside = await putAside(scope, found, beside)
  const jobs = await claimFound(
    scope,
    { worker, most, mayArm: beside },
    aside > 0 ? await findDue(scope, most, servers, full) : found,
  )
  return { jobs, aside }
}

/**
 * Claims the next planned job although it is not due: for a rehearsal that is rolled back. Asks what a claim asks.
 * @returns null when nothing is planned, or others have it in hand
 */
export async function claimSoonest(scope: Scope): Promise<ClaimedJob | null> {
  await findDue(scope, 0, new Map(), [])
  const [soonest] = await scope.sql`
    select j.id, j.state, j.attempt_id, j.content_id, j.version_id, j.account_id, j.run_at, j.tries, j.steps, a.platform,
      0::float8 as late, public.clock() as now, (select approval_required from workspace) as approval_required,
      (select zone from workspace) as zone
    from publish_jobs j join social_accounts a on a.id = j.account_id
    where j.state = 'scheduled' order by coalesce(j.next_try_at, j.run_at) limit 1 for update of j skip locked`
  if (!soonest) return null
  const [job] = await claimFound(scope, { worker: 'rehearsal', most: 1, mayArm: true }, [
    { ...soonest, aside: null, rest: null },
  ])
  return job ?? null
}

interface Claiming {
  worker: string
  most: number
  /** No brake is being put on or taken off, as `besideBrakesNow` told before the jobs were found. */
  mayArm: boolean
}

async function claimFound(
  scope: Scope,
  { worker, most, mayArm }: Claiming,
  found: readonly Found[],
): Promise<ClaimedJob[]> {
  const accounts = new Set<string>()
  const chosen = found.filter(row => {
    if (row.aside !== null || accounts.size >= most || accounts.has(row.account_id as string)) return false
    accounts.add(row.account_id as string)
    return true
  })
  if (chosen.length === 0) return []
  const before = await takeOver(scope, chosen)
  const jobs = chosen.map(row => claimed(row, before.get(row.attempt_id as string)))
  const [accountsById, posts, seals] = await Promise.all([
    openAccounts(scope, [...accounts]),
    // The post as a whole, for a first comment too: its payload is the post's.
    postDrafts(
      scope,
      jobs.map(({ versionId, accountId }) => ({ versionId, accountId })),
    ),
    chosen.some(row => row.approval_required) ? sealsOf(scope, jobs) : null,
  ])
  const whole = jobs.map((job, at) => {
    const [account, post] = [accountsById.get(job.accountId), posts[at]]
    const opened = account &&
      post && {
        account,
        draft: job.firstCommentOf ? commentOf(post) : post,
        payload: payloadOf(post, { id: job.accountId, platform: job.platform }),
      }
    return {
      ...job,
      sealed: seals ? (seals.get(job.id) ?? null) : undefined,
      opened: opened ?? null,
    }
  })
  const arming = new Map(
    whole.flatMap(job =>
      mayArm && job.opened && goesDirectly(job)
        ? [[job.id, { known: knownWhenArmed(job.steps, plannedAt(job)), sent: job.opened.payload }] as const]
        : [],
    ),
  )
  last(
    markClaimed(
      scope,
      worker,
      leaseSeconds,
      whole.map(({ id, attemptId, tries, armedAt }) => ({
        jobId: id,
        attemptId,
        tries,
        armedAt,
        arming: arming.get(id) ?? null,
      })),
    ),
  )
  return whole.map(({ armedAt: _, ...job }) => ({
    ...job,
    armedSince: arming.has(job.id) ? scope.askedAt : null,
  }))
}

type Unopened = Omit<ClaimedJob, 'opened' | 'sealed' | 'armedSince'> & { armedAt: Date | null }

function claimed(row: Record<string, unknown>, former: Former | undefined): Unopened {
  // A job that waits for the platform to finish has an attempt that ended as "processing": armed all the same.
  const armedAt = former?.armedAt ?? null
  return {
    id: row.id as string,
    attemptId: newId(),
    contentId: row.content_id as string,
    versionId: row.version_id as string,
    accountId: row.account_id as string,
    platform: row.platform as PlatformId,
    runAt: row.run_at as Date,
    zone: row.zone as string,
    late: row.late as number,
    claimedAt: row.now as Date,
    tries: row.state === 'publishing' ? (row.tries as number) : (row.tries as number) + 1,
    steps: row.steps as Record<string, Json>,
    armed: armedAt !== null,
    armedAt,
    lost: former?.lost ?? 0,
    firstCommentOf: row.first_comment_of as string | null,
    answersTo: row.answers_to as string | null,
  }
}
