import { Elysia } from 'elysia'
import { readDelivery } from '../deliveries/find.ts'
import { replayFailed } from '../deliveries/replay.ts'
import type { ApiDoor } from '../http/api-door.ts'
import { ListQuery } from '../lib/cursor.ts'
import type { Services } from '../services.ts'
import { callReceiver } from './call.ts'
import { listWebhooks, readWebhook } from './find.ts'
import { NewWebhook, WebhookChange } from './schema.ts'
import { keepTrial, prepareTrial } from './trial.ts'
import { changeWebhook, createWebhook, deleteWebhook, rotateSecret } from './webhooks.ts'

export function webhooksApi({ config, outbound }: Pick<Services, 'config' | 'outbound'>, api: ApiDoor) {
  const tags = ['webhooks']
  const exempt = config.outboundAllow
  return new Elysia()
    .get('/webhooks', context => api.read(context, scope => listWebhooks(scope, context.query)), {
      query: ListQuery,
      detail: { summary: 'Event webhooks, newest first', tags },
    })
    .post(
      '/webhooks',
      context => api.write(context, scope => createWebhook(scope, context.body, exempt), 201),
      {
        body: NewWebhook,
        detail: { summary: 'Make an event webhook; its signing secret is in this answer only', tags },
      },
    )
    .get('/webhooks/:id', context => api.read(context, scope => readWebhook(scope, context.params.id)), {
      detail: { summary: 'One event webhook, and how it fares', tags },
    })
    .patch(
      '/webhooks/:id',
      context => api.write(context, scope => changeWebhook(scope, context.params.id, context.body, exempt)),
      {
        body: WebhookChange,
        detail: { summary: 'Change its address or events, switch it on or off', tags },
      },
    )
    .delete(
      '/webhooks/:id',
      context => api.write(context, scope => deleteWebhook(scope, context.params.id), 204),
      { detail: { summary: 'Remove an event webhook and the record of its deliveries', tags } },
    )
    .post(
      '/webhooks/:id/secret',
      context => api.write(context, scope => rotateSecret(scope, context.params.id)),
      { detail: { summary: 'Give it a new secret; for 24 hours the former one signs too', tags } },
    )
    .post(
      '/webhooks/:id/replay',
      context => api.write(context, scope => replayFailed(scope, context.params.id), 202),
      {
        detail: {
          summary: 'Send every message that was given up once more, with the same ids, the oldest first',
          tags,
        },
      },
    )
    .post(
      '/webhooks/:id/test',
      async context => {
        const trial = await api.enter(context, scope => prepareTrial(scope, context.params.id))
        const answered = await callReceiver(outbound, trial)
        return api.write(context, async scope => readDelivery(scope, await keepTrial(scope, trial, answered)))
      },
      { detail: { summary: 'Send a signed sample now, and answer what became of it', tags } },
    )
}
