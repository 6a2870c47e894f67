import type { Scope } from '../db/scope.ts'
import { record } from '../events.ts'
import { calledOffPartly, partlyOut } from './parts.ts'
import type { JobError, JobState } from './schema.ts'

/**
 * Whether the job `j` of the statement may be out although it waits for its next try: an answer was lost, and nobody
 * has looked since. Nothing that may be there is called cancelled or failed.
 */
export const perhapsOut = ({ sql }: Scope) => sql`
  exists (select 1 from publish_attempts sent where sent.job_id = j.id and sent.detail ? 'perhaps')`

/** What becomes of the job `j` of the statement when it is called off: nothing that is out, or may be, is called cancelled. */
export const calledOffState = (scope: Scope) => scope.sql`
  case when ${perhapsOut(scope)} then 'unconfirmed' when ${partlyOut(scope)} then 'failed' else 'cancelled' end`

/** The words for that, beside the error that stands there. */
export const calledOffError = (scope: Scope) => scope.sql`
  case when ${perhapsOut(scope)} then ${scope.sql.json(calledOff)}::jsonb
    when ${partlyOut(scope)} then ${scope.sql.json(calledOffPartly)}::jsonb else error end`

/** Writes down that jobs were called off, each as what it has become. */
export async function recordCalledOff(
  scope: Scope,
  jobs: readonly { id: string; contentId: string; state: JobState }[],
): Promise<void> {
  for (const { id, contentId, state } of jobs) {
    if (state === 'cancelled') await record(scope, 'publish_job.cancelled', id, { contentId })
    else if (state === 'failed')
      await record(scope, 'publish_job.failed', id, { contentId, code: calledOffPartly.code })
    else await record(scope, 'publish_job.unconfirmed', id, { contentId, code: calledOff.code })
  }
}

/** What stands at a job that was called off while it was not known whether it had gone out. */
export const calledOff: JobError = {
  code: 'called_off_unsure',
  message: 'It was called off while it was not known whether it had gone out. Nothing more is sent.',
  next: 'Look at the account, then tell us: it is there, send it again, or give up.',
  link: null,
}

/** What stands at a job whose next try would be too late to be made unasked, while it is not known whether it is out. */
export const lateUnsure: JobError = {
  code: 'late_unsure',
  message: 'It may be out already: an answer was lost, and by now it is too late to try again unasked.',
  next: 'Look at the account, then tell us: it is there, send it again, or give up.',
  link: null,
}
