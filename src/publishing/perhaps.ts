import type { Scope } from '../db/scope.ts'
import type { JobError } from './schema.ts'

/**
 * Whether the job `j` of the statement may be out although it waits for its next try: an answer was lost, and nobody
 * has looked since. Nothing that may be there is called cancelled or failed.
 */
export const perhapsOut = ({ sql }: Scope) => sql`
  exists (select 1 from publish_attempts sent where sent.job_id = j.id and sent.detail ? 'perhaps')`

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
