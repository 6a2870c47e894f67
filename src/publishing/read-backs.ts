import { lowerDue } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import type { Listener } from '../events.ts'
import { newId } from '../lib/id.ts'
import { platforms } from '../platforms/index.ts'
import { platformIds } from '../platforms/platform.ts'

/** A platform may show a post a little after it has taken it. */
const firstLookSeconds = 20
/** Platforms that let us read a post back. */
const readable = platformIds.filter(id => platforms[id].readBack)

/** What has gone out is read back before long, where its platform lets us. */
export const planReadBacks: Listener = async (scope, happenings) => {
  const out = happenings
    .filter(({ type }) => type === 'publish_job.published')
    .map(({ subjectId }) => subjectId)
  if (out.length === 0) return
  const [made] = await scope.sql`
    insert into read_backs (id, job_id, state, next_try_at)
    select given.id, j.id, 'waiting', public.clock() + ${firstLookSeconds} * interval '1 second'
    from unnest(${out.map(() => newId())}::uuid[], ${out}::uuid[]) given (id, job_id)
    join publish_jobs j on j.id = given.job_id join social_accounts a on a.id = j.account_id
    where a.platform = any(${readable}::text[]) and j.remote_id is not null
    on conflict (job_id) do nothing returning next_try_at`
  if (made) lowerDue(scope, made.next_try_at as Date, 'read_back_due_at')
}

/** Writes when a post of this tenant is to be read back next; nobody visits it for that before. */
export async function writeReadBackDue(scope: Scope): Promise<void> {
  // Locked by a statement of its own: one that waits for the lock would count by an older snapshot.
  await scope.sql`select 1 from tenant_due where role = current_user for update`
  await scope.sql`
    update tenant_due set read_back_due_at = (
      select min(coalesce(lease_until, next_try_at)) from read_backs where state in ('waiting', 'reading'))
    where role = current_user`
}
