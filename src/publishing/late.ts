import type { Scope } from '../db/scope.ts'
import { record } from '../events.ts'
import type { JobError } from './schema.ts'

/** A transaction holds no more jobs than this. */
const mostAtOnce = 200

/**
 * Holds jobs whose moment passed while nothing could be sent, at most 200: a post that is late by hours or days may be
 * wrong by then, so a person decides. What was broken off unsent is held too; what may have been sent becomes a
 * question, because looking alone could end in sending it. To be called until it answers 0.
 *
 * @param why what kept them, as the rest of "Its moment passed while …", e.g. `the workspace was suspended`
 * @returns how many it held or made a question of
 */
export async function holdLate(scope: Scope, why: string): Promise<number> {
  const { sql } = scope
  const late: JobError = {
    code: 'late',
    message: `Its moment passed while ${why}.`,
    next: 'Send it now, choose another time, or cancel it.',
    link: null,
  }
  const unsure: JobError = {
    code: 'broken_off',
    message: `It was being sent when ${why}, and it broke off.`,
    next: 'Look at the account, then tell us: it is there, send it again, or give up.',
    link: null,
  }
  const found = await sql`
    select j.id, j.content_id, j.attempt_id, coalesce(a.armed_at is not null and a.ended_at is null, false) as armed
    from publish_jobs j left join publish_attempts a on a.id = j.attempt_id
    where (j.state = 'scheduled' and coalesce(j.next_try_at, j.run_at) <= public.clock())
      or (j.state = 'publishing' and j.lease_until <= public.clock() and a.ended_at is null)
    order by j.id limit ${mostAtOnce} for update of j`
  for (const { id, content_id: contentId, attempt_id: attemptId, armed } of found) {
    await sql`
      update publish_jobs set state = ${armed ? 'unconfirmed' : 'held'}, held_for = ${armed ? null : 'late'},
        error = ${sql.json(armed ? unsure : late)}, next_try_at = null, lease_until = null where id = ${id}`
    await sql`
      update publish_attempts set ended_at = public.clock(), outcome = ${armed ? 'unconfirmed' : 'lost'}
      where id = ${attemptId} and ended_at is null`
    const about = { contentId }
    if (armed) await record(scope, 'publish_job.unconfirmed', id as string, { ...about, code: unsure.code })
    else await record(scope, 'publish_job.held', id as string, { ...about, for: 'late', why })
  }
  return found.length
}
