import type { Scope } from '../db/scope.ts'
import type { EventType, Happening } from '../events.ts'

const ofContent = new Set<EventType>([
  'content.approved',
  'content.withdrawn',
  'content.submitted',
  'content.changes_requested',
])
const ofJob = new Set<EventType>(['publish_job.held', 'publish_job.released'])
const ofAccount = new Set<EventType>(['account.connected', 'account.reconnect_needed'])

/** What was found of a job that was held or let go, whose content was decided about or whose account was connected, is no longer known. */
export async function forgetFindings(scope: Scope, { type, subjectId }: Happening): Promise<void> {
  if (ofJob.has(type)) await scope.sql`delete from forecast_jobs where job_id = ${subjectId}`
  if (ofContent.has(type))
    await scope.sql`
      delete from forecast_jobs f using publish_jobs j where j.id = f.job_id and j.content_id = ${subjectId}`
  if (ofAccount.has(type))
    await scope.sql`
      delete from forecast_jobs f using publish_jobs j where j.id = f.job_id and j.account_id = ${subjectId}`
}
