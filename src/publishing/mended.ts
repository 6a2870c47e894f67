import type { Scope } from '../db/scope.ts'
import { outOf, partName } from './parts.ts'
import { perhapsOut } from './perhaps.ts'
import { type PostDraft, postDrafts } from './post.ts'

/**
 * Lets a thread that broke off go on with the words as they stand now, when the parts that are out still say the same
 * and the one that failed certainly did not go out. Else it keeps the version that it began with.
 */
export async function takeMendedParts(scope: Scope, jobId: string): Promise<void> {
  const { sql } = scope
  const [job] = await sql`
    select j.version_id, j.account_id, j.steps, c.version_id as current from publish_jobs j join content c on c.id = j.content_id
    where j.id = ${jobId} and j.state = 'failed' and j.first_comment_of is null and not ${perhapsOut(scope)}
      and (select outcome from publish_attempts where id = j.attempt_id) in ('rejected', 'retry')`
  const steps = (job?.steps ?? {}) as Record<string, unknown>
  const out = outOf(steps).length
  if (!job || out === 0 || job.current === job.version_id) return
  const accountId = job.account_id as string
  const [began, now] = await postDrafts(scope, [
    { versionId: job.version_id as string, accountId },
    { versionId: job.current as string, accountId },
  ])
  if (!began || !now || now.thread.length < out || begun(began, out) !== begun(now, out)) return
  const stale = Object.keys(steps).filter(name => name.startsWith(partName(out + 1, '')))
  await sql`
    update publish_jobs set version_id = ${job.current as string}, steps = steps - ${stale}::text[] where id = ${jobId}`
}

/** What the first parts of a draft say. */
const begun = ({ text, images, thread }: PostDraft, parts: number): string =>
  JSON.stringify(
    [{ text, images }, ...thread].slice(0, parts).map(part => [part.text, part.images.map(({ id }) => id)]),
  )
