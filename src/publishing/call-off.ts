import type { Scope } from '../db/scope.ts'
import { record } from '../events.ts'
import { calledOff, perhapsOut } from './perhaps.ts'

/**
 * Cancels the jobs `j` that have not begun and that `which` names: after the commit they do not go out. One that may be
 * out already becomes a question for a person.
 * @param which a condition on `j`
 */
export async function callOff(scope: Scope, which: unknown): Promise<void> {
  // By id, as everybody who needs several waiting jobs locks them.
  await scope.sql`
    select 1 from publish_jobs j where ${which} and j.state in ('scheduled', 'held') order by j.id for update`
  const gone = await scope.sql`
    update publish_jobs j set state = case when ${perhapsOut(scope)} then 'unconfirmed' else 'cancelled' end,
      error = case when ${perhapsOut(scope)} then ${scope.sql.json(calledOff)}::jsonb else error end,
      held_for = null, next_try_at = null
    where ${which} and j.state in ('scheduled', 'held')
    returning j.id, j.content_id, j.state`
  for (const { id: job, content_id: contentId, state } of gone)
    if (state === 'cancelled') await record(scope, 'publish_job.cancelled', job as string, { contentId })
    else await record(scope, 'publish_job.unconfirmed', job as string, { contentId, code: calledOff.code })
}
