import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { listDeliveries, readDelivery } from './find.ts'
import { replayDelivery } from './replay.ts'
import { DeliveryQuery } from './schema.ts'

export function deliveriesApi(api: ApiDoor) {
  const tags = ['deliveries']
  return new Elysia()
    .get('/deliveries', context => api.read(context, scope => listDeliveries(scope, context.query)), {
      query: DeliveryQuery,
      detail: { summary: 'Mails and messages to webhooks, newest first; for owners and admins', tags },
    })
    .get('/deliveries/:id', context => api.read(context, scope => readDelivery(scope, context.params.id)), {
      detail: { summary: 'One mail, or one message to a webhook with its tries', tags },
    })
    .post(
      '/deliveries/:id/replay',
      context => api.write(context, scope => replayDelivery(scope, context.params.id), 202),
      { detail: { summary: 'Send a message to its webhook once more, with the same id', tags } },
    )
}
