import type { Scope } from './db/scope.ts'
import { newId } from './lib/id.ts'

export type EventType =
  | 'content.created'
  | 'content.updated'
  | 'content.submitted'
  | 'content.approved'
  | 'content.changes_requested'
  | 'content.withdrawn'
  | 'content.archived'
  | 'publish_job.scheduled'
  | 'publish_job.moved'
  | 'publish_job.published'
  | 'publish_job.failed'
  | 'publish_job.unconfirmed'
  | 'publish_job.held'
  | 'publish_job.released'
  | 'publish_job.cancelled'
  | 'brake.put_on'
  | 'brake.taken_off'
  | 'comment.created'
  | 'account.connected'
  | 'account.reconnect_needed'
  | 'account.removed'
  | 'user.invited'
  | 'user.joined'
  | 'user.password_changed'
  | 'user.changed'
  | 'user.removed'
  | 'workspace.changed'
  | 'workspace.renamed'
  | 'workspace.suspended'
  | 'workspace.resumed'
  | 'workspace.rewound'
  | 'workspace.erasure_planned'
  | 'workspace.erasure_withdrawn'
  | 'workspace.export_started'
  | 'workspace.export_ended'
  | 'workspace.export_fetched'
  | 'workflow.created'
  | 'workflow.changed'
  | 'workflow.removed'
  | 'key.created'
  | 'key.revoked'

export interface Happening {
  id: string
  type: EventType
  subjectId: string
  data: Record<string, unknown>
}

/** What follows from an event, in the same transaction: notifications and workflow runs. */
export type Listener = (scope: Scope, happening: Happening) => Promise<void>

const listeners = new Map<string, Listener>()

/** Called from `app.ts`, once for each listener's name; a later app of the process takes the place. Nouns never call a listener. */
export function listen(name: string, listener: Listener): void {
  listeners.set(name, listener)
}

/** Writes down that something happened, beside the change it describes; the audit trail and what listeners react to. */
export async function record(
  scope: Scope,
  type: EventType,
  subjectId: string,
  data: Record<string, unknown> = {},
): Promise<void> {
  const happening: Happening = { id: newId(), type, subjectId, data }
  await scope.sql`
    insert into events (id, type, user_id, subject_id, data)
    values (${happening.id}, ${type}, ${scope.actor.userId}, ${subjectId}, ${scope.sql.json(data)})`
  scope.happened.push({ type, subjectId })
  for (const listener of listeners.values()) await listener(scope, happening)
}
