import { createCredential, type OpenedAccount, openAccounts } from '../accounts/credential.ts'
import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { readFeedPost } from '../feed/find.ts'
import { compare, type Finding } from '../platforms/compare.ts'
import { platforms } from '../platforms/index.ts'
import { taken } from '../platforms/parts.ts'
import type { Json, Looking } from '../platforms/platform.ts'
import { outOf, stepsOf } from '../publishing/parts.ts'
import { readPayload } from '../publishing/payload.ts'
import { commentOf, type PostDraft } from '../publishing/post.ts'
import { writeReadBackDue } from '../publishing/read-backs.ts'
import type { Services } from '../services.ts'
import { system } from './run-record.ts'

/** For one platform's answer; inside the lease, with all of a claim one after another on few accounts. */
const askMs = 10_000
/** For each further part of a thread. */
const partMs = 2_000
const leaseSeconds = 90
/** So many are claimed at once, and looked at side by side. */
const atOnce = 8
/** Waits between looks, in seconds; after the last one what was found counts. */
const waits = [60, 600, 3_600, 6 * 3_600]

interface ClaimedReadBack {
  id: string
  jobId: string
  contentId: string
  accountId: string
  remoteId: string
  steps: Record<string, Json>
  /** What was sent; null for a post of which that was not kept. */
  sent: PostDraft | null
  /** Which look this is, from 1; only the newest may record. */
  tries: number
  opened: OpenedAccount | null
}

type Result = { is: 'seen' | 'gone'; findings: Finding[] } | { is: 'unread'; words: string }

/**
 * Reads back what is due of one tenant, a few posts at a time. Nothing here touches a publish job: what is found stands
 * beside it. The platforms are asked outside any transaction.
 */
export async function readBackDue(services: Services, tenantId: string): Promise<void> {
  for (;;) {
    const claimed = await services.db.within(system(tenantId), claim)
    if (claimed.length === 0) return
    await Promise.all(claimed.map(one => lookAndRecord(services, tenantId, one)))
  }
}

/** Claims what is due, and what its reader let go of; writes when the tenant is due next. */
async function claim(scope: Scope): Promise<ClaimedReadBack[]> {
  const { sql } = scope
  const rows = await sql`
    with due as materialized (
      select id from read_backs
      where state in ('waiting', 'reading') and coalesce(lease_until, next_try_at) <= public.clock()
      order by coalesce(lease_until, next_try_at), id limit ${atOnce} for update skip locked)
    update read_backs r set state = 'reading', tries = r.tries + 1, next_try_at = null,
      lease_until = public.clock() + ${leaseSeconds} * interval '1 second'
    from due, publish_jobs j where r.id = due.id and j.id = r.job_id
    returning r.id, r.tries, j.id as job_id, j.content_id, j.account_id, j.remote_id, j.steps, j.first_comment_of,
      (select t.sent from publish_attempts t where t.job_id = j.id and t.sent is not null order by t.number desc limit 1) as sent`
  await writeReadBackDue(scope)
  const accounts =
    rows.length > 0
      ? await openAccounts(
          scope,
          rows.map(row => row.account_id as string),
        )
      : null
  return rows.map(row => ({
    id: row.id as string,
    jobId: row.job_id as string,
    contentId: row.content_id as string,
    accountId: row.account_id as string,
    remoteId: row.remote_id as string,
    steps: row.steps as Record<string, Json>,
    sent: row.sent === null ? null : sentBy(row),
    tries: row.tries as number,
    opened: accounts?.get(row.account_id as string) ?? null,
  }))
}

/** A first comment's attempt keeps the post that it was sealed with. */
function sentBy(row: Record<string, unknown>): PostDraft {
  const { post } = readPayload(row.sent as string)
  return row.first_comment_of === null ? post : commentOf(post)
}

async function lookAndRecord(services: Services, tenantId: string, one: ClaimedReadBack): Promise<void> {
  const result = await look(services, tenantId, one)
  try {
    await services.db.within(system(tenantId), scope => recordResult(scope, one, result))
  } catch (error) {
    // It comes back when its lease ends.
    services.log.error('what was read back could not be recorded', {
      tenant: tenantId,
      job: one.jobId,
      error,
    })
  }
}

async function look(services: Services, tenantId: string, one: ClaimedReadBack): Promise<Result> {
  const { opened, sent } = one
  if (!opened) return { is: 'unread', words: 'The account is no longer connected here.' }
  if (!sent) return { is: 'unread', words: 'It was sent before Masthead kept what it sends.' }
  const platform = platforms[opened.platform]
  const { thread, ...first } = taken(sent, platform)
  const parts = [first, ...thread]
  const out = outOf(one.steps)
  const signal = AbortSignal.timeout(askMs + (parts.length - 1) * partMs)
  try {
    const results: (Finding[] | null)[] = []
    for (const [at, part] of parts.entries()) {
      const remoteId = at === 0 ? one.remoteId : out[at]?.remoteId
      // A thread that a person said is there is known by its first part alone.
      if (remoteId === undefined) break
      const looking: Looking = {
        fetch: services.outbound,
        signal,
        credential: createCredential(services.db.within, system(tenantId), one.accountId, opened.secret),
        steps: stepsOf(one.steps, at + 1),
        own: () =>
          services.db.within(
            system(tenantId),
            scope => atHome(scope, opened.platform, { jobId: one.jobId, remoteId }),
            { readOnly: true },
          ),
      }
      const seen = await platform.readBack?.(opened.account, { remoteId, images: part.images }, looking)
      results.push(seen ? compare(part, seen) : null)
    }
    return told(results)
  } catch (error) {
    services.log.warn('a post could not be read back', { tenant: tenantId, job: one.jobId, error })
    return { is: 'unread', words: `${platform.name} could not be asked.` }
  }
}

/** What was found of each part, null for one that is not there, as one result. */
function told(results: readonly (Finding[] | null)[]): Result {
  const name = (at: number, words: string) => (results.length > 1 ? `Part ${at + 1}: ${words}` : words)
  const findings = results.flatMap((found, at) =>
    (found ?? [gone]).map(({ kind, words }) => ({ kind, words: name(at, words) })),
  )
  return { is: results.includes(null) ? 'gone' : 'seen', findings }
}

const gone: Finding = { kind: 'different', words: 'It is not there any more.' }

/** The post where it stands on our own server. */
async function atHome(
  scope: Scope,
  platform: OpenedAccount['platform'],
  { jobId, remoteId }: Pick<ClaimedReadBack, 'jobId' | 'remoteId'>,
): ReturnType<Looking['own']> {
  if (platform === 'rehearsal') {
    const [row] = await scope.sql`select text, images from rehearsal_posts where id = ${remoteId}`
    return row ? { text: row.text as string, images: row.images as { id: string; alt: string }[] } : null
  }
  try {
    const post = await readFeedPost(scope, jobId)
    return { text: post.parts.map(({ text }) => text).join(''), images: post.pictures }
  } catch (error) {
    if (error instanceof NotFound) return null
    throw error
  }
}

/** Only while this look holds it. What is not there, or cannot be asked, is looked for again some times. */
async function recordResult(scope: Scope, one: ClaimedReadBack, result: Result): Promise<void> {
  const { sql } = scope
  const held = sql`id = ${one.id} and state = 'reading' and tries = ${one.tries}`
  const wait = result.is === 'seen' ? undefined : waits[one.tries - 1]
  if (wait !== undefined && one.opened && one.sent) {
    await sql`
      update read_backs set state = 'waiting', lease_until = null,
        next_try_at = public.clock() + ${wait} * interval '1 second' where ${held}`
    return writeReadBackDue(scope)
  }
  const { state, findings } = settled(result)
  const ended = await sql`
    update read_backs set state = ${state}, findings = ${sql.json(findings as never)}, lease_until = null,
      ended_at = public.clock() where ${held} returning id`
  if (ended.length > 0) scope.happened.push({ type: 'publish_job.read_back', subjectId: one.jobId })
  if (ended.length > 0 && state === 'different')
    await record(scope, 'publish_job.differs', one.jobId, {
      contentId: one.contentId,
      accountId: one.accountId,
      findings: findings.filter(({ kind }) => kind === 'different').map(({ words }) => words),
    })
  await writeReadBackDue(scope)
}

function settled(result: Result): {
  state: 'same' | 'explained' | 'different' | 'unread'
  findings: Finding[]
} {
  if (result.is === 'unread')
    return { state: 'unread', findings: [{ kind: 'explained', words: result.words }] }
  const { findings } = result
  if (findings.length === 0) return { state: 'same', findings }
  return { state: findings.some(({ kind }) => kind === 'different') ? 'different' : 'explained', findings }
}
