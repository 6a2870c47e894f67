/** A tenant's due row: who has it locked may claim, and writes when the tenant is due next. */
import type { Scope } from '../db/scope.ts'
import { mailQueue } from './mail.ts'
import { nextDue } from './queue.ts'
import { runQueue } from './run-record.ts'

export interface DueRow {
  /** It is due, and locked by this transaction now. */
  may: boolean
  /** Whether something of these is due beside posts. */
  runs: boolean
  deliveries: boolean
  /** A brake has run out: it is to be taken off before anything is claimed. */
  braked: boolean
}

/** Locks the due row, unless the tenant is not due or another has it. */
export async function lockDue(scope: Scope): Promise<DueRow> {
  const [row] = await scope.sql`
    select ${nextDue(scope, runQueue)} <= public.clock() as runs, ${nextDue(scope, mailQueue)} <= public.clock() as deliveries,
      exists (select 1 from brakes where released_at is null and ends_at <= public.clock()) as braked from tenant_due
    where role = current_user
      and next_due_at > '-infinity' and next_due_at <= public.clock() for update skip locked`
  return {
    may: row !== undefined,
    runs: row?.runs === true,
    deliveries: row?.deliveries === true,
    braked: row?.braked === true,
  }
}

/**
 * Writes when the tenant is due next, the least over jobs, mails, runs and brakes' ends, lease ends included; unless it is suspended.
 * Call only with the due row locked by an earlier statement.
 */
export const writeDue = (scope: Scope) => scope.sql`
  update tenant_due set next_due_at = least(
    (select min(coalesce(next_try_at, run_at)) from publish_jobs where state = 'scheduled'), ${otherDue(scope)})
  where role = current_user and next_due_at is distinct from '-infinity'`

/** The moments at which something other than a planned post is due. */
export const otherDue = (scope: Scope) => scope.sql`
  (select min(lease_until) from publish_jobs where state = 'publishing'),
  (select min(ends_at) from brakes where released_at is null),
  ${nextDue(scope, mailQueue)}, ${nextDue(scope, runQueue)}`
