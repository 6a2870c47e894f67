import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import type { Services } from '../services.ts'
import type { RunKind } from '../workflows/schema.ts'
import { claimRows } from './queue.ts'
import { callWorkflow } from './run-call.ts'
import { drawPicture } from './run-drawing.ts'
import { type ClaimedRun, type Ending, record, runQueue, system } from './run-record.ts'

/** A run that comes back this often without ever being recorded takes its worker down each time. */
const maxClaims = 20
/** Waits between tries, in seconds. A person waits for a picture, so that is given up soon. */
const backOff: Record<RunKind, readonly number[]> = { n8n: [5, 60, 600, 3600], comfyui: [5, 60] }

/** Claims at most `most` runs, inside the worker's own transaction for the tenant. */
export async function claimRuns(scope: Scope, _workerId: string, most: number): Promise<ClaimedRun[]> {
  const claims = await claimRows(scope, runQueue, most)
  if (claims.length === 0) return []
  const rows = await scope.sql`
    select id, kind, workflow_id, input, answer, tries, started_by from workflow_runs
    where id = any(${claims.map(({ id }) => id)}::uuid[]) order by id`
  return rows.map(row => ({
    id: row.id as string,
    kind: row.kind as RunKind,
    workflowId: row.workflow_id as string | null,
    input: row.input,
    answer: row.answer,
    tries: row.tries as number,
    startedBy: row.started_by as string | null,
  }))
}

/**
 * Performs a claimed run and records what became of it. The network is asked outside any transaction.
 * @param stop when it is aborted, a picture being drawn is let go, to be resumed by the next worker
 * @throws only when the database cannot be reached; the run then comes back when its lease ends
 */
export async function performRun(
  services: Services,
  tenantId: string,
  run: ClaimedRun,
  stop?: AbortSignal,
): Promise<void> {
  const started = performance.now()
  const ending = await perform(services, tenantId, run, stop)
  if (!ending) return
  const last = settle(run, ending)
  const ours =
    last.is === 'recorded' ||
    (await services.db.within(system(tenantId), async scope => {
      const { recorded, nextTryAt } = await record(scope, run, last)
      if (nextTryAt) await wakeAt(scope, nextTryAt)
      return recorded
    }))
  const fields = { run: run.id, tries: run.tries, ms: Math.round(performance.now() - started) }
  if (!ours) services.log.warn('a run was taken over by another worker', fields)
  else services.log.info(`a ${run.kind} run ${last.is === 'retry' ? 'is tried again' : last.is}`, fields)
}

async function perform(
  services: Services,
  tenantId: string,
  run: ClaimedRun,
  stop: AbortSignal | undefined,
): Promise<Ending | null> {
  if (run.tries > maxClaims)
    return {
      is: 'failed',
      outcome: `This run broke off ${maxClaims} times without an answer and is not tried again. Look at the log of Masthead, then run it again.`,
    }
  return run.kind === 'n8n'
    ? callWorkflow(services, tenantId, run)
    : drawPicture(services, tenantId, run, stop)
}

/** A retry becomes a failure when its waits are used up. */
function settle(run: ClaimedRun, ending: Ending): Ending {
  if (ending.is !== 'retry' || ending.afterSeconds !== undefined) return ending
  const afterSeconds = backOff[run.kind][run.tries - 1]
  if (afterSeconds !== undefined) return { ...ending, afterSeconds }
  return { is: 'failed', outcome: `${ending.outcome} Given up after ${run.tries} tries.` }
}
