import type { Listener } from '../events.ts'
import { publishedInput } from './input.ts'
import { addRun } from './runs.ts'
import { triggers } from './schema.ts'

/** Plans one run for every active workflow that an event starts, in the event's own transaction. */
export const startWorkflows: Listener = async (scope, happenings) => {
  // A first comment goes out as a job too, but flows are about posts.
  const starting = happenings.filter(
    ({ type, data }) => triggers.some(trigger => trigger === type) && data.firstCommentOf === undefined,
  )
  if (starting.length === 0) return
  const types = [...new Set(starting.map(({ type }) => type))]
  const workflows = await scope.sql`
    select id, trigger from workflows where active and trigger = any(${types}::text[]) order by id`
  for (const { type, subjectId } of starting) {
    const started = workflows.filter(({ trigger }) => trigger === type)
    if (started.length === 0) continue
    const input = await publishedInput(scope, subjectId)
    for (const { id } of started) await addRun(scope, 'n8n', id as string, input)
  }
}
