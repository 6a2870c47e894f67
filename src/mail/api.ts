import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { changeMailChoice } from './choice.ts'
import { readMailChoice } from './find.ts'
import { MailChoice } from './schema.ts'

export function mailApi(api: ApiDoor) {
  const tags = ['mail']
  return new Elysia()
    .get('/me/mail', context => api.read(context, readMailChoice), {
      detail: { summary: 'Whether notifications also come by mail', tags },
    })
    .patch('/me/mail', context => api.write(context, scope => changeMailChoice(scope, context.body)), {
      body: MailChoice,
      detail: { summary: 'Switch one’s own notifications by mail on or off', tags },
    })
}
