import { randomBytes } from 'node:crypto'
import type { Scope } from '../db/scope.ts'
import { Invalid } from '../errors.ts'
import { record } from '../events.ts'
import { WebhookPathRefused, webhookAddress } from '../integrations/n8n.ts'
import { newId } from '../lib/id.ts'
import { allow } from '../permissions.ts'
import { openFor, sealFor, workflowSecret } from '../tenants/sealed.ts'
import { readWorkflow } from './find.ts'
import type { NewWorkflow, Workflow, WorkflowChange } from './schema.ts'

const secretBytes = 32

/**
 * Makes a workflow. Its signing secret (Standard Webhooks, `whsec_…`) is in this answer only.
 * @throws Forbidden, Invalid for a path that is none
 */
export async function createWorkflow(
  scope: Scope,
  given: NewWorkflow,
): Promise<Workflow & { secret: string }> {
  allow(scope, 'workflows.manage')
  const id = newId()
  const secret = `whsec_${randomBytes(secretBytes).toString('base64')}`
  await scope.sql`
    insert into workflows (id, name, trigger, path, secret, created_by)
    values (${id}, ${given.name}, ${given.trigger}, ${checkedPath(given.path)},
      ${sealFor(scope.tenant, workflowSecret, { id }, secret)}, ${scope.actor.userId})`
  await record(scope, 'workflow.created', id, { name: given.name })
  return { ...(await readWorkflow(scope, id)), secret }
}

/**
 * Changes what is given. Switching off also ends the runs that still wait.
 * @throws Forbidden, NotFound, Invalid
 */
export async function changeWorkflow(scope: Scope, id: string, change: WorkflowChange): Promise<Workflow> {
  const now = await readWorkflow(scope, id)
  const path = change.path === undefined ? now.path : checkedPath(change.path)
  const active = change.active ?? now.active
  await scope.sql`
    update workflows set name = ${change.name ?? now.name}, path = ${path}, active = ${active} where id = ${id}`
  if (now.active && !active)
    await scope.sql`
      update workflow_runs set state = 'failed', next_try_at = null, ended_at = public.clock(),
        outcome = 'The workflow was switched off while this run waited. Run it again once it is on.'
      where workflow_id = ${id} and state = 'waiting'`
  await record(scope, 'workflow.changed', id, { fields: Object.keys(change) })
  return readWorkflow(scope, id)
}

/** Removes a workflow and its runs. @throws Forbidden, NotFound */
export async function deleteWorkflow(scope: Scope, id: string): Promise<void> {
  await readWorkflow(scope, id)
  await scope.sql`delete from workflows where id = ${id}`
  await record(scope, 'workflow.removed', id)
}

/**
 * What a call needs; null when the workflow is gone. For the worker only: the secret is open in it, or null when the
 * key that sealed it is not the one we have.
 */
export async function readCall(
  scope: Scope,
  id: string,
): Promise<{ path: string; secret: string | null } | null> {
  const [row] = await scope.sql`select path, secret from workflows where id = ${id}`
  if (!row) return null
  const path = row.path as string
  try {
    return {
      path,
      secret: openFor(scope.tenant, workflowSecret, { id }, row.secret as Uint8Array).toString(),
    }
  } catch {
    return { path, secret: null }
  }
}

/** The path as it is kept, without a leading slash, by the client's own rule. */
function checkedPath(path: string): string {
  try {
    webhookAddress(new URL('http://n8n.invalid'), path)
    return path.replace(/^\//, '')
  } catch (error) {
    if (!(error instanceof WebhookPathRefused)) throw error
    throw new Invalid(error.message, [{ path: 'path', message: error.message }])
  }
}
