import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { changeChannels, readChannels } from './channels.ts'
import { listNotifications, NotificationQuery } from './find.ts'
import { putAllAway, putAway } from './notifications.ts'
import { ChannelChange } from './schema.ts'

export function notificationsApi(api: ApiDoor) {
  const tags = ['notifications']
  return new Elysia()
    .get('/notifications', context => api.read(context, scope => listNotifications(scope, context.query)), {
      query: NotificationQuery,
      detail: { summary: 'What waits for the key’s own user, then what is done', tags },
    })
    .get('/me/channels', context => api.read(context, readChannels), {
      detail: { summary: 'What is told to one where, and one’s quiet hours', tags },
    })
    .patch('/me/channels', context => api.write(context, scope => changeChannels(scope, context.body)), {
      body: ChannelChange,
      detail: { summary: 'Change what is told to one where, and one’s quiet hours', tags },
    })
    .post(
      '/notifications/:id/done',
      context => api.write(context, scope => putAway(scope, context.params.id)),
      { detail: { summary: 'Put one notification away', tags } },
    )
    .post(
      '/notifications/done',
      context => api.write(context, async scope => ({ done: await putAllAway(scope) })),
      { detail: { summary: 'Put every open notification away', tags } },
    )
}
