import { Elysia } from 'elysia'
import { z } from 'zod'
import { ChannelsPage } from '../../views/notifications/channels.tsx'
import { NotificationsPage } from '../../views/notifications/list.tsx'
import type { Desk, DeskRequest } from '../http/desk.ts'
import type { Rejected } from '../http/form.ts'
import { zones } from '../lib/time.ts'
import type { Services } from '../services.ts'
import { changeChannels, changeOf, readChannels } from './channels.ts'
import { listNotifications } from './find.ts'
import { putAllAway, putAway } from './notifications.ts'
import { ChannelForm } from './schema.ts'

const View = z.object({ after: z.string().max(400).optional().catch(undefined) })

export function notificationsPages({ config }: Pick<Services, 'config'>, desk: Desk) {
  const channels = (ctx: DeskRequest, form: Rejected | null = null) =>
    desk.show(
      ctx,
      async (scope, frame) =>
        ChannelsPage({
          frame,
          form,
          now: await readChannels(scope),
          zones: zones(),
          setUp: config.smtpUrl !== null,
        }),
      form ? 422 : 200,
    )

  return new Elysia()
    .get('/w/:slug/settings/notifications', ctx => channels(ctx))
    .post('/w/:slug/settings/notifications', async ctx => {
      const sent = await desk.submit(ctx, ChannelForm, (scope, given) =>
        changeChannels(scope, changeOf(given)),
      )
      return sent.ok ? desk.go(ctx, '/settings/notifications', 'Saved.') : channels(ctx, sent.rejected)
    })
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
