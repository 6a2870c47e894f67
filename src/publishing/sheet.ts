import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { readJob } from './find.ts'
import { type PostDraft, postDraft } from './post.ts'
import { type JobRow, listRows } from './rows.ts'
import type { Job } from './schema.ts'

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
  profileUrl: string | null
  /** The same content's jobs on other accounts or at other times. */
  siblings: JobRow[]
  /** The job of its first comment, once it is planned. */
  firstComment: JobRow | null
}

/** @throws NotFound */
export async function readSheet(scope: Scope, id: string): Promise<JobSheet> {
  const job = await readJob(scope, id)
  const [own, post, siblings, comments, [facts]] = await Promise.all([
    listRows(scope, { ids: [job.id], limit: 1 }),
    postDraft(scope, job),
    listRows(scope, { contentId: job.contentId, limit: 20 }),
    listRows(scope, { firstCommentOf: job.id, limit: 1 }),
    scope.sql`
      select v.number, (select max(number) from content_versions o where o.content_id = v.content_id) as of,
        (select name from users u where u.id = j.created_by) as planned_by, a.profile_url,
        (select json_build_object('at', d.created_at, 'by', (select name from users u where u.id = d.user_id))
          from approvals d where d.version_id = v.id and d.decision = 'approved'
          order by d.created_at desc limit 1) as approved
      from publish_jobs j
      join content_versions v on v.id = j.version_id
      join social_accounts a on a.id = j.account_id
      where j.id = ${job.id}`,
  ])
  const row = own.items[0]
  if (!row || !facts) throw new NotFound()
  const approved = facts.approved as { by: string | null; at: string } | null
  return {
    job,
    row,
    post,
    version: { number: facts.number as number, of: facts.of as number },
    plannedBy: facts.planned_by as string | null,
    approved: approved && { by: approved.by, at: new Date(approved.at) },
    profileUrl: facts.profile_url as string | null,
    siblings: siblings.items.filter(other => other.id !== job.id && other.firstCommentOf === null),
    firstComment: comments.items[0] ?? null,
  }
}
