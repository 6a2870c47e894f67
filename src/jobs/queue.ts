import type { Scope } from '../db/scope.ts'

/**
 * A table of things to be carried out outside a transaction, which its rows wait in and are leased from: `state`, `tries`,
 * `next_try_at` while a row waits, `lease_until` while a worker has it.
 */
export interface Queue {
  table: 'workflow_runs' | 'deliveries'
  /** Which rows of the table; null for all. */
  kind: 'mail' | 'webhook' | null
  /** The state of a row that a worker has; it waits as `waiting`. */
  held: 'running' | 'sending'
  leaseSeconds: number
}

/** A claimed row. `tries` counts up with each claim and fences: who holds an older count records nothing. */
export interface Claim {
  id: string
  tries: number
}

/** Rows that are not over. Written out, because of a parameter PostgreSQL could not tell that the partial index serves. */
const open = ({ sql }: Scope, { held }: Queue) =>
  held === 'running' ? sql`state in ('waiting', 'running')` : sql`state in ('waiting', 'sending')`

/** When the table's next row is due, as a piece of SQL: the least of the waiting ones' next tries and the others' leases. */
export const nextDue = (scope: Scope, queue: Queue) => scope.sql`(
  select min(coalesce(lease_until, next_try_at)) from ${scope.sql(queue.table)} where ${open(scope, queue)})`

/**
 * Claims at most `most` rows that are due, and those whose worker let its lease run out, the longest due first. Called
 * inside the worker's own transaction for the tenant.
 */
export async function claimRows(scope: Scope, queue: Queue, most: number): Promise<Claim[]> {
  if (most <= 0) return []
  const { sql } = scope
  const { table, kind, held, leaseSeconds } = queue
  const rows = await sql`
    with due as materialized (
      select id from ${sql(table)}
      where ${open(scope, queue)} and coalesce(lease_until, next_try_at) <= public.clock()
        and (${kind}::text is null or kind = ${kind})
      order by coalesce(lease_until, next_try_at), id limit ${most} for update skip locked)
    update ${sql(table)} r set state = ${held}, tries = r.tries + 1, next_try_at = null,
      lease_until = public.clock() + ${leaseSeconds} * interval '1 second'
    from due where r.id = due.id returning r.id, r.tries`
  return rows.map(row => ({ id: row.id as string, tries: row.tries as number }))
}

/** Whether a row is still this claim's, as a piece of SQL for the `where` of what records it. */
export const stillHeld = ({ sql }: Scope, { held }: Queue, { id, tries }: Claim) =>
  sql`id = ${id} and state = ${held} and tries = ${tries}`
