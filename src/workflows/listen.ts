import type { Scope } from '../db/scope.ts'
import type { Happening, Listener } from '../events.ts'
import { publishedInput } from './input.ts'
import { addRun } from './runs.ts'
import { triggers } from './schema.ts'

/** Plans one run for every active workflow that this event starts, in the event's own transaction. */
export const startWorkflows: Listener = async (scope: Scope, { type, subjectId }: Happening) => {
  if (!triggers.some(trigger => trigger === type)) return
  const started = await scope.sql`select id from workflows where active and trigger = ${type} order by id`
  if (started.length === 0) return
  const input = await publishedInput(scope, subjectId)
  for (const { id } of started) await addRun(scope, 'n8n', id as string, input)
}
