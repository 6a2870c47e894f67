import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { recordAll } from '../events.ts'
import { newId } from '../lib/id.ts'
import { platforms } from '../platforms/index.ts'

/** Where a first comment is a post of its own; elsewhere it goes out with its post. */
const answering = Object.values(platforms)
  .filter(({ thread }) => thread === 'replies')
  .map(({ id }) => id)

/**
 * Plans the first comments of posts that have just gone out, each as a job of its own, once: whatever becomes of it, the
 * post stays published. Called in the transaction that records the posts.
 */
export async function planFirstComments(scope: Scope, posts: readonly string[]): Promise<void> {
  const { sql } = scope
  const planned = await sql`
    insert into publish_jobs (id, content_id, version_id, account_id, state, run_at, local, zone, created_by, first_comment_of)
    select given.id, j.content_id, j.version_id, j.account_id, 'scheduled', public.clock(),
      to_char(public.clock() at time zone j.zone, 'YYYY-MM-DD"T"HH24:MI'), j.zone, j.created_by, j.id
    from unnest(${posts.map(() => newId())}::uuid[], ${[...posts]}::uuid[]) given (id, job_id)
    join publish_jobs j on j.id = given.job_id and j.state = 'published' and j.first_comment_of is null
    join social_accounts a on a.id = j.account_id and a.platform = any(${answering}::text[])
    join content_versions v on v.id = j.version_id
    where coalesce((select own->>'firstComment' from jsonb_array_elements(v.variants) own
      where own->>'accountId' = j.account_id::text limit 1), v.first_comment) <> ''
    on conflict do nothing
    returning id, content_id, account_id, first_comment_of, run_at`
  if (planned.length === 0) return
  await recordAll(
    scope,
    planned.map(row => ({
      type: 'publish_job.scheduled' as const,
      subjectId: row.id as string,
      data: { contentId: row.content_id, accountId: row.account_id, firstCommentOf: row.first_comment_of },
    })),
  )
  const [first] = planned
  if (first) await wakeAt(scope, first.run_at as Date)
}
