import type { Scope } from '../db/scope.ts'
import { calledOffError, calledOffState, recordCalledOff } from './perhaps.ts'
import type { JobState } from './schema.ts'

/**
 * Cancels the jobs `j` that have not begun and that `which` names: after the commit they do not go out. One that may be
 * out already becomes a question for a person, and a thread that is partly out has failed.
 * @param which a condition on `j`
 */
export async function callOff(scope: Scope, which: unknown): Promise<void> {
  // By id, as everybody who needs several waiting jobs locks them.
  await scope.sql`
    select 1 from publish_jobs j where ${which} and j.state in ('scheduled', 'held') order by j.id for update`
  const gone = await scope.sql`
    update publish_jobs j set state = ${calledOffState(scope)}, error = ${calledOffError(scope)}, held_for = null, next_try_at = null
    where ${which} and j.state in ('scheduled', 'held')
    returning j.id, j.content_id, j.state`
  await recordCalledOff(
    scope,
    gone.map(row => ({
      id: row.id as string,
      contentId: row.content_id as string,
      state: row.state as JobState,
    })),
  )
}
