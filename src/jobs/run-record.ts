import type { Actor, Scope } from '../db/scope.ts'
import type { RunKind } from '../workflows/schema.ts'
import { type Claim, type Queue, stillHeld } from './queue.ts'

/** Calls of n8n and pictures being drawn. One call is shorter than the lease; a drawing renews it. */
export const runQueue: Queue = { table: 'workflow_runs', kind: null, held: 'running', leaseSeconds: 30 }

/** A run that this worker holds. */
export interface ClaimedRun extends Claim {
  kind: RunKind
  workflowId: string | null
  input: unknown
  /** How far a picture was when it was let go; null for a fresh run. */
  answer: unknown
  startedBy: string | null
}

/** What became of one try. `outcome` is a sentence for people. */
export type Ending =
  | { is: 'succeeded'; answer: unknown; outcome: string }
  | { is: 'failed'; outcome: string }
  /** Without `afterSeconds` the back-off decides, or gives up. `forget` drops what was saved about the try. */
  | { is: 'retry'; outcome: string; afterSeconds?: number; forget?: true }
  /** It was recorded in a transaction of its own. */
  | { is: 'recorded' }

export const system = (tenantId: string, userId: string | null = null): Actor => ({
  tenantId,
  userId,
  role: 'system',
})

/**
 * Writes down how a try ended, if this worker still holds the run.
 * @returns `nextTryAt` when it is tried again: the caller lowers the due time to it
 */
export async function record(
  scope: Scope,
  run: ClaimedRun,
  ending: Exclude<Ending, { is: 'recorded' }>,
): Promise<{ recorded: boolean; nextTryAt: Date | null }> {
  const { sql } = scope
  const held = stillHeld(scope, runQueue, run)
  const rows =
    ending.is === 'retry'
      ? await sql`
          update workflow_runs set state = 'waiting', lease_until = null, outcome = ${ending.outcome},
            next_try_at = public.clock() + ${ending.afterSeconds ?? 0} * interval '1 second',
            answer = case when ${ending.forget ?? false} then null else answer end
          where ${held} returning next_try_at`
      : await sql`
          update workflow_runs set state = ${ending.is}, lease_until = null, outcome = ${ending.outcome},
            ended_at = public.clock(),
            answer = ${ending.is === 'succeeded' ? sql.json(ending.answer ?? null) : null}
          where ${held} returning next_try_at`
  return { recorded: rows.length > 0, nextTryAt: (rows[0]?.next_try_at as Date | null | undefined) ?? null }
}

/** Keeps the run for another lease and, with `progress`, saves how far it is. @returns false when it is lost */
export async function renew(scope: Scope, run: ClaimedRun, progress?: object): Promise<boolean> {
  const { sql } = scope
  const rows = await sql`
    update workflow_runs set lease_until = public.clock() + ${runQueue.leaseSeconds} * interval '1 second',
      answer = ${progress ? sql.json(progress) : sql`answer`}
    where ${stillHeld(scope, runQueue, run)} returning id`
  return rows.length > 0
}
