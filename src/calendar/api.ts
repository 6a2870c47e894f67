import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { readCalendar } from './find.ts'
import { CalendarQuery, calendarDays } from './schema.ts'

export function calendarApi(api: ApiDoor) {
  return new Elysia().get(
    '/calendar',
    context => api.read(context, scope => readCalendar(scope, context.query)),
    {
      query: CalendarQuery,
      detail: {
        summary: `Publish jobs by day in the workspace’s zone, at most ${calendarDays} days`,
        description:
          'Answers {zone, items: [{date, jobs}], next: null}: every date from `from` to `to`, in order, each with its jobs by planned time. Dates are in the workspace’s zone and both are included; instants are a half-open span.',
        tags: ['calendar'],
      },
    },
  )
}
