import { writeReadBackDue } from '../publishing/read-backs.ts'
import { keepWallTimes, planAhead, recurrencesToPlan } from '../recurrences/plan.ts'
import type { Services } from '../services.ts'
import { writeDue } from './due-row.ts'

/**
 * The slow safety net, once a day and tenant: recomputes when the tenant is due next (repairs a restore or a mend
 * by hand), takes away what has run out, and plans what repeats for the weeks ahead.
 */
export async function sweepTenant(
  { db, log }: Pick<Services, 'db' | 'log'>,
  tenantId: string,
): Promise<void> {
  const system = { tenantId, userId: null, role: 'system' } as const
  await db.within(system, async scope => {
    const { sql } = scope
    await sql`
      select 1 from tenant_due
      where role = current_user for update`
    await sql`
      update deliveries set next_try_at = public.clock() where id in (
        select id from deliveries where state = 'waiting' and next_try_at is null for update skip locked)`
    await writeDue(scope)
    await writeReadBackDue(scope)
    await sql`
      update tenant_due set swept_at = public.clock(), counts_due_at = coalesce(counts_due_at, public.clock())
      where role = current_user`
    await sql`delete from idempotency_keys where created_at < public.clock() - interval '24 hours'`
    await sql`delete from sessions where expires_at < public.clock()`
    await sql`delete from deliveries where ended_at < public.clock() - interval '30 days'`
    await sql`delete from invitations where expires_at < public.clock() - interval '30 days'`
  })
  await db.within(system, keepWallTimes)
  // Each rule in a transaction of its own: one that cannot be planned does not keep back the others.
  for (const id of await db.within(system, recurrencesToPlan))
    await db
      .within(system, scope => planAhead(scope, id))
      .catch(error => log.error('a recurrence could not be planned', { tenant: tenantId, id, error }))
}
