import type { Scope } from '../db/scope.ts'
import type { EventType, Happening } from '../events.ts'

const ofContent = new Set<EventType>([
  'content.approved',
  'content.withdrawn',
  'content.submitted',
  'content.changes_requested',
])
const ofAccount = new Set<EventType>(['account.connected', 'account.reconnect_needed'])

/** What was found of a job whose content was decided about, or whose account was connected, is no longer known. */
export async function forgetFindings(scope: Scope, { type, subjectId }: Happening): Promise<void> {
  if (ofContent.has(type))
    await scope.sql`
      delete from forecast_jobs f using publish_jobs j where j.id = f.job_id and j.content_id = ${subjectId}`
  if (ofAccount.has(type))
    await scope.sql`
      delete from forecast_jobs f using publish_jobs j where j.id = f.job_id and j.account_id = ${subjectId}`
}
