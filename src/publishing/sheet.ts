import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { readJob } from './find.ts'
import { perhapsOut } from './perhaps.ts'
import { commentOf, type PostDraft, postDraft } from './post.ts'
import { type JobRow, listRows } from './rows.ts'
import type { HeldFor, Job } from './schema.ts'
import { type JobSeal, sealOfJob } from './seal-sheet.ts'

/** Everything that a job's page shows about it. */
export interface JobSheet {
  job: Job
  row: JobRow
  /** What this account sends: its own words where it has some. */
  post: PostDraft
  version: { number: number; of: number }
  plannedBy: string | null
  /** Who approved this very version, and when. */
  approved: { by: string | null; at: Date } | null
  /** What the approval pinned beside what it sends. */
  seal: JobSeal
  profileUrl: string | null
  /** The same content's jobs on other accounts or at other times. */
  siblings: JobRow[]
  /** The job of its first comment, once it is planned. */
  firstComment: JobRow | null
  /** An answer was lost: it may be out although it waits, so it cannot be put off. */
  perhaps: boolean
  /** What held it and what let it go, the first first. */
  holds: Hold[]
}

/** `for` is null where a brake let it go. */
export interface Hold {
  at: Date
  for: HeldFor | null
  why: string | null
}

const mostHolds = 50

/** @throws NotFound */
export async function readSheet(scope: Scope, id: string): Promise<JobSheet> {
  const job = await readJob(scope, id)
  const [own, whole, siblings, comments, [facts], holds] = await Promise.all([
    listRows(scope, { ids: [job.id], limit: 1 }),
    postDraft(scope, { versionId: job.versionId, accountId: job.accountId }),
    listRows(scope, { contentId: job.contentId, limit: 20 }),
    listRows(scope, { firstCommentOf: job.id, limit: 1 }),
    scope.sql`
      select v.number, (select max(number) from content_versions o where o.content_id = v.content_id) as of,
        (select name from users u where u.id = j.created_by) as planned_by, a.profile_url,
        (select json_build_object('at', d.created_at, 'by', (select name from users u where u.id = d.user_id))
          from approvals d where d.version_id = v.id and d.decision = 'approved'
          order by d.created_at desc limit 1) as approved, ${perhapsOut(scope)} as perhaps
      from publish_jobs j
      join content_versions v on v.id = j.version_id
      join social_accounts a on a.id = j.account_id
      where j.id = ${job.id}`,
    scope.sql`
      select type, data, created_at from events
      where subject_id = ${job.id} and type in ('publish_job.held', 'publish_job.released') order by id limit ${mostHolds}`,
  ])
  const row = own.items[0]
  if (!row || !facts) throw new NotFound()
  const approved = facts.approved as { by: string | null; at: string } | null
  return {
    job,
    row,
    post: job.firstCommentOf ? commentOf(whole) : whole,
    version: { number: facts.number as number, of: facts.of as number },
    plannedBy: facts.planned_by as string | null,
    approved: approved && { by: approved.by, at: new Date(approved.at) },
    seal: await sealOfJob(scope, job, whole),
    profileUrl: facts.profile_url as string | null,
    perhaps: facts.perhaps as boolean,
    siblings: siblings.items.filter(other => other.id !== job.id && other.firstCommentOf === null),
    firstComment: comments.items[0] ?? null,
    holds: holds.map(toHold),
  }
}

function toHold({ type, data, created_at: at }: Record<string, unknown>): Hold {
  const { for: heldFor, about, reason, why } = data as Record<string, string | undefined>
  return {
    at: at as Date,
    for: type === 'publish_job.held' ? (heldFor as HeldFor) : null,
    why: about ? `On ${about}: ${reason}` : why ? `Its moment passed while ${why}.` : null,
  }
}
