import type { TimeWindow } from '../approvals/window.ts'
import type { Scope } from '../db/scope.ts'
import { Conflict } from '../errors.ts'
import { isoIn } from '../lib/time.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { readPayload } from './payload.ts'
import { commentOf, type PostDraft } from './post.ts'
import type { ReadBack } from './schema.ts'
import { readSheet } from './sheet.ts'

/** The receipt of a published post: what went out, where, when, and on whose word. Times are ISO 8601 in the post's zone. */
export interface Receipt {
  jobId: string
  contentId: string
  account: { id: string; name: string; handle: string; platform: PlatformId }
  /** `local` is the wall time in `zone` that it was planned for. */
  planned: { at: string; local: string; zone: string; by: string | null }
  published: {
    at: string
    /** Seconds after its planned moment. */
    late: number
    address: string | null
    remoteId: string | null
    /** Who said that it is there, where the platform did not. */
    saidBy: string | null
  }
  version: { number: number; begunBy: string | null; savedBy: string | null; savedAt: string }
  /** The last approval of the version that went out. */
  approval: { by: string | null; at: string } | null
  /** What that approval pinned for this account, and for when (in UTC, as it is sealed); `kept`: that is what went out. */
  seal: { sha256: string; kept: boolean; changes: string[]; window: TimeWindow | null } | null
  /** What went out: canonical JSON (RFC 8785), and the SHA-256 of its UTF-8 bytes. Null for what went out before this was kept. */
  sent: { sha256: string; payload: string } | null
  post: Omit<PostDraft, 'window'>
  readBack: ReadBack | null
  attempts: number
  issuedAt: string
}

/** @throws NotFound, Conflict when it is not out */
export async function readReceipt(scope: Scope, id: string): Promise<Receipt> {
  const { job, row, post, version, approved, plannedBy, seal } = await readSheet(scope, id)
  const publishedAt = row.publishedAt
  if (job.state !== 'published' || !publishedAt)
    throw new Conflict('There is a receipt once it is published, and it is not yet.')
  const [facts] = await scope.sql`
    select public.clock() as now, v.created_at as saved_at, (select name from users u where u.id = v.created_by) as saved_by,
      (select name from users u where u.id = c.created_by) as begun_by,
      (select u.name from events e join users u on u.id = e.user_id
        where e.subject_id = ${job.id} and e.type = 'publish_job.published' order by e.id desc limit 1) as said_by
    from content_versions v join content c on c.id = v.content_id where v.id = ${job.versionId}`
  const sent = seal.sent ? readPayload(seal.payload.body).post : null
  const { window: _, ...out } = sent ? (job.firstCommentOf ? commentOf(sent) : sent) : post
  const at = (moment: Date) => isoIn(moment, row.zone)
  return {
    jobId: job.id,
    contentId: job.contentId,
    account: {
      id: row.account.id,
      name: row.account.name,
      handle: row.account.handle,
      platform: row.account.platform,
    },
    planned: { at: job.runAt, local: job.local, zone: job.zone, by: plannedBy },
    published: {
      at: at(publishedAt),
      late: Math.max(0, (publishedAt.getTime() - row.runAt.getTime()) / 1000),
      address: job.remoteUrl,
      remoteId: job.remoteId,
      saidBy: facts?.said_by as string | null,
    },
    version: {
      number: version.number,
      begunBy: facts?.begun_by as string | null,
      savedBy: facts?.saved_by as string | null,
      savedAt: at(facts?.saved_at as Date),
    },
    approval: approved && { by: approved.by, at: at(approved.at) },
    seal: seal.sha256
      ? {
          sha256: seal.sha256,
          kept: seal.state === 'intact',
          changes: seal.changes,
          window: seal.window,
        }
      : null,
    sent: seal.sent ? { sha256: seal.payload.sha256, payload: seal.payload.body } : null,
    post: out,
    readBack: job.readBack,
    attempts: job.attempts.length,
    issuedAt: at(facts?.now as Date),
  }
}
