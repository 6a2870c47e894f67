import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { listCounts } from './find.ts'
import { AnalyticsQuery } from './schema.ts'

export function analyticsApi(api: ApiDoor) {
  return new Elysia().get(
    '/analytics',
    context => api.read(context, scope => listCounts(scope, context.query)),
    {
      query: AnalyticsQuery,
      detail: {
        summary: 'How published posts do: the latest numbers of each and up to 48 before; latest post first',
        tags: ['analytics'],
      },
    },
  )
}
