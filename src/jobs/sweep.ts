import { writeReadBackDue } from '../publishing/read-backs.ts'
import type { Services } from '../services.ts'
import { writeDue } from './worker.ts'

/**
 * The slow safety net, once a day and tenant: recomputes when the tenant is due next (repairs a restore or a mend
 * by hand) and takes away what has run out.
 */
export async function sweepTenant({ db }: Pick<Services, 'db'>, tenantId: string): Promise<void> {
  await db.within({ tenantId, userId: null, role: 'system' }, async scope => {
    const { sql } = scope
    await sql`
      select 1 from tenant_due
      where role = current_user for update`
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
}
