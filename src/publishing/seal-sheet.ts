import { type TimeWindow, windowOf } from '../approvals/window.ts'
import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { isId } from '../lib/id.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { changesBetween } from './changes.ts'
import { type Payload, payloadOf, readPayload } from './payload.ts'
import { everywhere, type PostDraft, postDrafts } from './post.ts'
import type { Job } from './schema.ts'

/** What the last approval of a content pinned, beside what would go out now. Times are ISO 8601. */
export interface SealSheet {
  /** `none`: it was never approved, or a person took the approval back. */
  state: 'intact' | 'broken' | 'none'
  /** The version that was approved, by whom and when. */
  version: number | null
  by: string | null
  at: string | null
  /** When it may go out, as that approval says; null: at any time. */
  window: TimeWindow | null
  /** What changed since, each once, as the rest of "Since then …". */
  changes: string[]
  accounts: { accountId: string; platform: PlatformId; sha256: string; changes: string[] }[]
}

const none: SealSheet = {
  state: 'none',
  version: null,
  by: null,
  at: null,
  window: null,
  changes: [],
  accounts: [],
}

/** @throws NotFound */
export async function readSeal(scope: Scope, contentId: string): Promise<SealSheet> {
  const [content] = isId(contentId)
    ? await scope.sql`select version_id, state from content where id = ${contentId}`
    : []
  if (!content) throw new NotFound()
  const [approval] = await scope.sql`
    select a.id, a.version_id, a.created_at, a.publish_from, a.publish_until, v.number, (select name from users u where u.id = a.user_id) as by
    from approvals a join content_versions v on v.id = a.version_id
    where a.content_id = ${contentId} and exists (select 1 from seals s where s.approval_id = a.id)
    order by a.id desc limit 1`
  if (!approval) return none
  const rows = await scope.sql`
    select s.account_id, s.sha256, s.payload, a.platform from seals s left join social_accounts a on a.id = s.account_id
    where s.approval_id = ${approval.id} and a.removed_at is null order by s.account_id nulls first`
  const drafts = await postDrafts(
    scope,
    rows.map(row => ({
      versionId: content.version_id as string,
      accountId: (row.account_id as string | null) ?? everywhere,
    })),
  )
  // An approval that was taken back has its window all the same: what is compared is what it pinned.
  const window = windowOf(approval)
  const compared = rows.map((row, at) => ({
    accountId: row.account_id as string | null,
    platform: row.platform as PlatformId,
    sha256: row.sha256 as string,
    changes: since(row, drafts[at] ?? null, window),
  }))
  const changes = [...new Set(compared.flatMap(one => one.changes))]
  const stands = content.state === 'approved' && content.version_id === approval.version_id
  if (!stands && changes.length === 0) return none
  return {
    state: changes.length === 0 ? 'intact' : 'broken',
    version: approval.number as number,
    by: approval.by as string | null,
    at: (approval.created_at as Date).toISOString(),
    window,
    changes,
    accounts: compared.flatMap(({ accountId, ...one }) => (accountId ? [{ accountId, ...one }] : [])),
  }
}

function since(row: Record<string, unknown>, draft: PostDraft | null, window: TimeWindow | null): string[] {
  if (!draft) return []
  const account = row.account_id as string | null
  const to = account ? { id: account, platform: row.platform as PlatformId } : null
  const now = payloadOf({ ...draft, window }, to)
  return changesBetween(row.payload as string, now.body)
}

/** What the approval of a job's content pinned for its account, beside what it has sent or would send now. */
export interface JobSeal {
  state: 'intact' | 'broken' | 'none'
  /** The hash that was approved. */
  sha256: string | null
  changes: string[]
  by: string | null
  at: Date | null
  /** When it may go out, or might have; null: at any time. */
  window: TimeWindow | null
  /** What went out, or would go out now. */
  payload: Payload
  /** Whether `payload` is what went out. */
  sent: boolean
}

/** @param post what it would send now; of a first comment the post that it belongs to, with which it is sealed */
export async function sealOfJob(scope: Scope, job: Job, post: PostDraft): Promise<JobSeal> {
  const out = job.state === 'published' || job.state === 'unconfirmed'
  const [attempt] = out
    ? await scope.sql`
        select id, sent, sent_sha256 from publish_attempts
        where job_id = ${job.id} and sent is not null order by number desc limit 1`
    : []
  const sent = attempt !== undefined
  // Of what is out, the approval that it went out with: a later one may say another time.
  const [seal] = await scope.sql`
    select s.sha256, s.payload, s.version_id, a.created_at, a.publish_from, a.publish_until, (select name from users u where u.id = a.user_id) as by,
      not exists (select 1 from approvals later where later.version_id = a.version_id and later.id > a.id
        and later.decision in ('withdrawn', 'changes_requested')) as stands
    from seals s join approvals a on a.id = s.approval_id
    where s.content_id = ${job.contentId} and s.account_id = ${job.accountId}
      and (${!sent} or s.version_id = ${job.versionId})
    order by a.created_at <= (
      select coalesce(t.armed_at, t.started_at) from publish_attempts t where t.id = ${attempt?.id ?? null}) desc nulls last, a.id desc limit 1`
  const window = windowOf(seal)
  const payload = attempt
    ? sentPayload(attempt)
    : payloadOf({ ...post, window }, { id: job.accountId, platform: job.platform as PlatformId })
  const changes = seal ? changesBetween(seal.payload as string, payload.body) : []
  const stands = seal?.stands === true && seal.version_id === job.versionId
  if (!seal || (!stands && !sent && changes.length === 0))
    return { state: 'none', sha256: null, changes: [], by: null, at: null, window: null, payload, sent }
  return {
    state: changes.length === 0 ? 'intact' : 'broken',
    sha256: seal.sha256 as string,
    changes,
    by: seal.by as string | null,
    at: seal.created_at as Date,
    window,
    payload,
    sent,
  }
}

function sentPayload({ sent, sent_sha256: sha256 }: Record<string, unknown>): Payload {
  const body = sent as string
  return { body, sha256: sha256 as string, window: readPayload(body).post.window }
}
