import { Elysia } from 'elysia'
import { z } from 'zod'
import type { ApiDoor } from '../http/api-door.ts'
import { ListQuery } from '../lib/cursor.ts'
import { listRecurrences, readRecurrence } from './find.ts'
import {
  createRecurrence,
  skipOccurrence,
  stopRecurrence,
  succeedRecurrence,
  takeSkipBack,
} from './recurrences.ts'
import { NewRecurrence, Skip, Successor } from './schema.ts'

const RecurrenceList = ListQuery.extend({ content: z.string().optional().describe('Only of this content.') })

export function recurrencesApi(api: ApiDoor) {
  const tags = ['recurrences']
  return new Elysia()
    .post(
      '/content/:id/recurrences',
      context => api.write(context, scope => createRecurrence(scope, context.params.id, context.body), 201),
      {
        body: NewRecurrence,
        detail: {
          summary: 'Let content go out again and again, by a rule in wall time',
          description:
            'Each time goes out what the saved version is by then. The next five weeks are publish jobs at once; later ones follow by themselves, one per rule, occurrence and account. A time that the clocks skip is moved by what they skip; of a doubled one the first is taken; a month without that day, and a year without 29 February, is left out.',
          tags,
        },
      },
    )
    .get('/recurrences', context => api.read(context, scope => listRecurrences(scope, context.query)), {
      query: RecurrenceList,
      detail: { summary: 'Recurrences, newest first', tags },
    })
    .get(
      '/recurrences/:id',
      context => api.read(context, scope => readRecurrence(scope, context.params.id)),
      {
        detail: { summary: 'One recurrence with its next ten occurrences', tags },
      },
    )
    .post(
      '/recurrences/:id/skips',
      context => api.write(context, scope => skipOccurrence(scope, context.params.id, context.body)),
      { body: Skip, detail: { summary: 'Leave one occurrence out, on all its accounts', tags } },
    )
    .delete(
      '/recurrences/:id/skips/:occurrence',
      context =>
        api.write(context, scope => takeSkipBack(scope, context.params.id, context.params.occurrence)),
      {
        detail: {
          summary: 'Take a skip back: the occurrence goes out after all',
          description: 'What was cancelled by itself stays cancelled.',
          tags,
        },
      },
    )
    .post(
      '/recurrences/:id/successor',
      context => api.write(context, scope => succeedRecurrence(scope, context.params.id, context.body), 201),
      {
        body: Successor,
        detail: {
          summary: 'Change rule, time or accounts from one occurrence on',
          description: 'The recurrence ends before it; the answer is the new one that begins there.',
          tags,
        },
      },
    )
    .delete(
      '/recurrences/:id',
      context => api.write(context, scope => stopRecurrence(scope, context.params.id)),
      { detail: { summary: 'Stop a recurrence: nothing more of it goes out', tags } },
    )
}
