import { Elysia } from 'elysia'
import { z } from 'zod'
import { NotificationsPage } from '../../views/notifications/list.tsx'
import type { Desk } from '../http/desk.ts'
import { listNotifications } from './find.ts'
import { putAllAway, putAway } from './notifications.ts'

const View = z.object({ after: z.string().max(400).optional().catch(undefined) })

export function notificationsPages(desk: Desk) {
  return new Elysia()
    .get('/w/:slug/notifications', ctx =>
      desk.show(ctx, async (scope, frame) => {
        const { after } = View.parse(ctx.query)
        return NotificationsPage({
          frame,
          after,
          page: await listNotifications(scope, { limit: 50, cursor: after }),
        })
      }),
    )
    .post('/w/:slug/notifications/done', async ctx => {
      const count = await desk.write(ctx, putAllAway)
      return desk.go(ctx, '/notifications', count > 0 ? 'All put away.' : 'There was nothing to put away.')
    })
    .post('/w/:slug/notifications/:id/done', async ctx => {
      await desk.write(ctx, scope => putAway(scope, ctx.params.id))
      return desk.go(ctx, '/notifications')
    })
}
