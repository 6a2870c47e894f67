import type postgres from 'postgres'
import type { Scope } from './scope.ts'

/** What a tenant's due row tells, each the earliest moment at which it is to be visited for it. */
export type DueColumn = 'next_due_at' | 'read_back_due_at' | 'counts_due_at'

/**
 * Lowers when the tenant is due next to `at`, with the last statement of the transaction: everybody who plans something
 * locks that row, so whoever held it and then waited for another lock could wait for ever.
 */
export function lowerDue({ due }: Scope, at: Date, column: DueColumn = 'next_due_at'): void {
  const before = due.get(column)
  if (!before || at < before) due.set(column, at)
}

/** Lowers the tenant's due time and, when it is close, wakes the workers at commit, with its own id: their own timers see the rest. */
export async function wakeAt(scope: Scope, at: Date): Promise<void> {
  lowerDue(scope, at)
  await scope.sql`
    select pg_notify('masthead_due', ${scope.tenant.id}) where ${at}::timestamptz <= public.clock() + interval '3 seconds'`
}

/** Writes what was lowered; null where nothing was. Taking the row's lock is the point, so no condition may skip it. */
export function writeLowered({ sql, due }: Scope) {
  if (due.size === 0) return null
  const [next, readBack, counts] = (['next_due_at', 'read_back_due_at', 'counts_due_at'] as const).map(
    column => due.get(column) ?? null,
  )
  return sql`
    update tenant_due set next_due_at = least(next_due_at, ${next}::timestamptz),
      read_back_due_at = least(read_back_due_at, ${readBack}::timestamptz),
      counts_due_at = least(counts_due_at, ${counts}::timestamptz)
    where role = current_user`
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
