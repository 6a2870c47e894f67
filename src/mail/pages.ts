import { Elysia } from 'elysia'
import { z } from 'zod'
import { OutboxPage } from '../../views/mail/outbox.tsx'
import { listMails } from '../deliveries/find.ts'
import { deliveryStates } from '../deliveries/schema.ts'
import type { Desk } from '../http/desk.ts'
import type { Services } from '../services.ts'
import { changeMailChoice } from './choice.ts'
import { countDeliveries } from './find.ts'
import { MailChoice } from './schema.ts'

const View = z.object({
  state: z.enum(deliveryStates).optional().catch(undefined),
  cursor: z.string().max(400).optional().catch(undefined),
})

/** The outbox, for owners and admins, and everybody's own choice about notifications. */
export function mailPages({ config }: Pick<Services, 'config'>, desk: Desk) {
  return new Elysia()
    .get('/w/:slug/settings/mail', ctx =>
      desk.show(ctx, async (scope, frame) => {
        const { state, cursor } = View.parse(ctx.query)
        const page = await listMails(scope, { state, limit: 50, cursor })
        return OutboxPage({
          frame,
          page,
          state,
          cursor,
          counts: await countDeliveries(scope),
          setUp: config.smtpUrl !== null,
        })
      }),
    )
    .post('/w/:slug/settings/mail', async ctx => {
      const sent = await desk.submit(ctx, MailChoice, changeMailChoice)
      return sent.ok
        ? desk.go(
            ctx,
            '/settings#mail',
            sent.value.notifications
              ? 'What waits for you now also comes by mail.'
              : 'No more mails about what waits for you; the desk still tells it.',
          )
        : desk.go(ctx, '/settings#mail', sent.rejected.message, 'bad')
    })
}
