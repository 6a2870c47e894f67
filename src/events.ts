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
  | 'content.seal_broken'
  | 'media.changed'
  | 'publish_job.scheduled'
  | 'publish_job.moved'
  | 'publish_job.published'
  | 'publish_job.failed'
  | 'publish_job.unconfirmed'
  | 'publish_job.held'
  | 'publish_job.released'
  | 'publish_job.cancelled'
  | 'recurrence.created'
  | 'recurrence.changed'
  | 'recurrence.stopped'
  | 'slot.created'
  | 'slot.removed'
  | 'publish_job.differs'
  | 'brake.put_on'
  | 'brake.taken_off'
  | 'comment.created'
  | 'forecast.made'
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
  | 'webhook.created'
  | 'webhook.changed'
  | 'webhook.disabled'
  | 'webhook.removed'
  | 'key.created'
  | 'key.revoked'

export interface Happening {
  id: string
  type: EventType
  subjectId: string
  data: Record<string, unknown>
}

/** What follows from events, in the same transaction: notifications and workflow runs. Many come at once where many posts end. */
export type Listener = (scope: Scope, happenings: readonly Happening[]) => Promise<void>

/** A listener that looks at one event after the other. */
export function each(listener: (scope: Scope, happening: Happening) => Promise<void>): Listener {
  return async (scope, happenings) => {
    for (const happening of happenings) await listener(scope, happening)
  }
}

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
  await recordAll(scope, [{ type, subjectId, data }])
}

/** Of these there are many, and what follows from one hangs on nothing of each other: it all rides in one message. */
const alone: ReadonlySet<EventType> = new Set(['publish_job.scheduled', 'publish_job.published'])

/** The same for several at once, in this order. */
export async function recordAll(scope: Scope, events: readonly Omit<Happening, 'id'>[]): Promise<void> {
  const happenings = events.map(event => ({ id: newId(), ...event }))
  const written = scope.sql`
    insert into events (id, type, user_id, subject_id, data)
    select given.id, given.type, ${scope.actor.userId}, given.subject_id, given.data
    from unnest(${happenings.map(({ id }) => id)}::uuid[], ${happenings.map(({ type }) => type)}::text[],
      ${happenings.map(({ subjectId }) => subjectId)}::uuid[],
      ${happenings.map(({ data }) => JSON.stringify(data))}::text[]::jsonb[]) given (id, type, subject_id, data)`
  for (const { type, subjectId } of events) scope.happened.push({ type, subjectId })
  if (events.every(({ type }) => alone.has(type))) {
    await Promise.all([written, ...[...listeners.values()].map(listener => listener(scope, happenings))])
    return
  }
  await written
  for (const listener of listeners.values()) await listener(scope, happenings)
}
