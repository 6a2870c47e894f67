import type postgres from 'postgres'
import type { Scope } from './scope.ts'

/**
 * Lowers the tenant's "next due" to `at`. The last statement of every transaction that plans something, always
 * executed: taking the row's lock is the point, so there is no condition that could skip it.
 */
export async function lowerDue(scope: Scope, at: Date): Promise<void> {
  await scope.sql`
    update tenant_due set next_due_at = least(next_due_at, ${at})
    where role = current_user`
}

/** Lowers the tenant's due time and, when it is close, wakes the workers at commit, with its own id: their own timers see the rest. */
export async function wakeAt(scope: Scope, at: Date): Promise<void> {
  await scope.sql`
    select pg_notify('masthead_due', ${scope.tenant.id}) where ${at}::timestamptz <= public.clock() + interval '3 seconds'`
  await lowerDue(scope, at)
}

/**
 * Takes a tenant out of what is due, in the transaction that suspends it: no moment is below minus infinity, so nothing
 * that is planned afterwards, by whatever process still serves it, brings it back. Waits for a claim under way.
 */
export async function stopDue(tx: postgres.TransactionSql, tenantId: string): Promise<void> {
  await tx`update public.tenant_due set next_due_at = '-infinity' where tenant_id = ${tenantId}`
}

/** Puts it among the due ones: the worker looks at it at once and writes when it is due next. */
export async function startDue(tx: postgres.TransactionSql, tenantId: string): Promise<void> {
  await tx`
    update public.tenant_due set next_due_at = public.clock()
    where tenant_id = ${tenantId} and next_due_at = '-infinity'`
}
