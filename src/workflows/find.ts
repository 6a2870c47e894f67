import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import { allow } from '../permissions.ts'
import type { Run, Workflow } from './schema.ts'

interface Query {
  limit?: number | undefined
  cursor?: string | undefined
}

/** Workflows, newest first. @throws Forbidden, Malformed `bad_cursor` */
export async function listWorkflows(
  scope: Scope,
  { limit = 50, cursor }: Query = {},
): Promise<Page<Workflow>> {
  allow(scope, 'workflows.manage')
  const [before = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select id, name, trigger, path, active, created_at from workflows
    where ${before}::uuid is null or id < ${before}::uuid
    order by id desc limit ${limit + 1}`
  return pageOf(rows.map(toWorkflow), limit, last => [last.id])
}

/** @throws Forbidden, NotFound */
export async function readWorkflow(scope: Scope, id: string): Promise<Workflow> {
  allow(scope, 'workflows.manage')
  const [row] = isId(id)
    ? await scope.sql`select id, name, trigger, path, active, created_at from workflows where id = ${id}`
    : []
  if (!row) throw new NotFound()
  return toWorkflow(row)
}

/** Runs of one workflow, newest first. @throws Forbidden, NotFound, Malformed `bad_cursor` */
export async function listRuns(
  scope: Scope,
  workflowId: string,
  { limit = 50, cursor }: Query = {},
): Promise<Page<Run>> {
  await readWorkflow(scope, workflowId)
  const [before = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select id, workflow_id, kind, state, input, answer, outcome, tries, next_try_at, created_at, ended_at
    from workflow_runs
    where workflow_id = ${workflowId} and (${before}::uuid is null or id < ${before}::uuid)
    order by id desc limit ${limit + 1}`
  return pageOf(rows.map(toRun), limit, last => [last.id])
}

/** The newest few runs of each of these workflows. */
export async function latestRuns(
  scope: Scope,
  workflowIds: readonly string[],
  each = 3,
): Promise<Map<string, Run[]>> {
  allow(scope, 'workflows.manage')
  const rows = await scope.sql`
    select r.id, r.workflow_id, r.kind, r.state, r.input, r.answer, r.outcome, r.tries, r.next_try_at, r.created_at, r.ended_at
    from unnest(${workflowIds}::uuid[]) as wanted (id) cross join lateral (
      select id, workflow_id, kind, state, input, answer, outcome, tries, next_try_at, created_at, ended_at
      from workflow_runs where workflow_id = wanted.id order by id desc limit ${each}) r
    order by r.id desc`
  return Map.groupBy(rows.map(toRun), run => run.workflowId ?? '')
}

/** One run, of a workflow or of a picture. @throws NotFound, Forbidden when its kind is not for this role */
export async function readRun(scope: Scope, id: string): Promise<Run> {
  const [row] = isId(id)
    ? await scope.sql`
        select id, workflow_id, kind, state, input, answer, outcome, tries, next_try_at, created_at, ended_at
        from workflow_runs where id = ${id}`
    : []
  if (!row) throw new NotFound()
  allow(scope, row.kind === 'comfyui' ? 'media.write' : 'workflows.manage')
  return toRun(row)
}

const toWorkflow = (row: Record<string, unknown>): Workflow => ({
  id: row.id as string,
  name: row.name as string,
  trigger: row.trigger as Workflow['trigger'],
  path: row.path as string,
  active: row.active as boolean,
  createdAt: (row.created_at as Date).toISOString(),
})

const toRun = (row: Record<string, unknown>): Run => ({
  id: row.id as string,
  workflowId: row.workflow_id as string | null,
  kind: row.kind as Run['kind'],
  state: row.state as Run['state'],
  input: row.input,
  answer: row.answer,
  outcome: row.outcome as string | null,
  tries: row.tries as number,
  nextTryAt: (row.next_try_at as Date | null)?.toISOString() ?? null,
  createdAt: (row.created_at as Date).toISOString(),
  endedAt: (row.ended_at as Date | null)?.toISOString() ?? null,
})
