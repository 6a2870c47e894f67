import type { EventType, Listener } from '../events.ts'

const ofContent = new Set<EventType>([
  'content.approved',
  'content.withdrawn',
  'content.submitted',
  'content.changes_requested',
])
const ofJob = new Set<EventType>(['publish_job.held', 'publish_job.released'])
const ofAccount = new Set<EventType>(['account.connected', 'account.reconnect_needed'])

/** What was found of a job that was held or let go, whose content was decided about or whose account was connected, is no longer known. */
export const forgetFindings: Listener = async ({ sql }, happenings) => {
  const of = (types: ReadonlySet<EventType>) =>
    happenings.filter(({ type }) => types.has(type)).map(({ subjectId }) => subjectId)
  // A brake holds thousands at once.
  const jobs = of(ofJob)
  if (jobs.length > 0) await sql`delete from forecast_jobs where job_id = any(${jobs}::uuid[])`
  const contents = of(ofContent)
  if (contents.length > 0)
    await sql`
      delete from forecast_jobs f using publish_jobs j
      where j.id = f.job_id and j.content_id = any(${contents}::uuid[])`
  const accounts = of(ofAccount)
  if (accounts.length > 0)
    await sql`
      delete from forecast_jobs f using publish_jobs j
      where j.id = f.job_id and j.account_id = any(${accounts}::uuid[])`
}
