import { Elysia } from 'elysia'
import { z } from 'zod'
import { WebhooksPage } from '../../views/webhooks/list.tsx'
import { WebhookPage } from '../../views/webhooks/one.tsx'
import { listMessages } from '../deliveries/find.ts'
import { replayDelivery, replayFailed } from '../deliveries/replay.ts'
import { deliveryStates } from '../deliveries/schema.ts'
import type { Desk, DeskRequest } from '../http/desk.ts'
import type { Rejected } from '../http/form.ts'
import type { Services } from '../services.ts'
import { callReceiver } from './call.ts'
import { listWebhooks, readWebhook } from './find.ts'
import { maxWebhooks, NewWebhook, WebhookChange } from './schema.ts'
import { keepTrial, prepareTrial } from './trial.ts'
import { changeWebhook, createWebhook, deleteWebhook, rotateSecret } from './webhooks.ts'

type Made = Awaited<ReturnType<typeof createWebhook>>
type One = DeskRequest & { params: { slug: string; id: string }; query?: Record<string, unknown> }

// Two forms: a form without a tick means "no", so the settings must not speak of `active` at all.
const Settings = WebhookChange.omit({ active: true })
const Switch = WebhookChange.pick({ active: true })
const View = z.object({
  state: z.enum(deliveryStates).optional().catch(undefined),
  cursor: z.string().max(400).optional().catch(undefined),
})

/** The webhooks of a workspace under its settings, each with the record of what was sent to it. */
export function webhookPages({ config, outbound }: Pick<Services, 'config' | 'outbound'>, desk: Desk) {
  const exempt = config.outboundAllow
  const list = (ctx: DeskRequest, more: { form?: Rejected; made?: Made } = {}, status = 200) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const { items } = await listWebhooks(scope, { limit: maxWebhooks })
        return WebhooksPage({ frame, webhooks: items, ...more })
      },
      status,
    )
  const one = (ctx: One, more: { form?: Rejected; secret?: string } = {}) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const { id } = ctx.params
        const { state, cursor } = View.parse(ctx.query ?? {})
        const webhook = await readWebhook(scope, id)
        const page = await listMessages(scope, id, { state, limit: 20, cursor })
        return WebhookPage({ frame, webhook, page, state, cursor, ...more })
      },
      more.form ? 422 : 200,
    )

  return new Elysia()
    .get('/w/:slug/settings/webhooks', ctx => list(ctx))
    .post('/w/:slug/settings/webhooks', async ctx => {
      const sent = await desk.submit(ctx, NewWebhook, (scope, given) => createWebhook(scope, given, exempt))
      // No redirect: the secret is shown here, once, and kept nowhere on the way.
      return sent.ok ? list(ctx, { made: sent.value }, 201) : list(ctx, { form: sent.rejected }, 422)
    })
    .get('/w/:slug/settings/webhooks/:id', ctx => one(ctx))
    .post('/w/:slug/settings/webhooks/:id', async ctx => {
      const { id } = ctx.params
      const sent = await desk.submit(ctx, Settings, (scope, { url, events = [] }) =>
        changeWebhook(scope, id, { url, events }, exempt),
      )
      if (!sent.ok) return one(ctx, { form: sent.rejected })
      return desk.go(ctx, `/settings/webhooks/${id}`, 'Saved.')
    })
    .post('/w/:slug/settings/webhooks/:id/active', async ctx => {
      const { id } = ctx.params
      const sent = await desk.submit(ctx, Switch, (scope, given) => changeWebhook(scope, id, given, exempt))
      if (!sent.ok) return one(ctx, { form: sent.rejected })
      const words =
        sent.value.state === 'active'
          ? 'It is on: its receiver is told of what happens from now on.'
          : 'It is off: nothing is sent to its receiver.'
      return desk.go(ctx, `/settings/webhooks/${id}`, words)
    })
    .post('/w/:slug/settings/webhooks/:id/secret', async ctx => {
      const { secret } = await desk.write(ctx, scope => rotateSecret(scope, ctx.params.id))
      // No redirect here either.
      return one(ctx, { secret })
    })
    .post('/w/:slug/settings/webhooks/:id/test', async ctx => {
      const { id } = ctx.params
      const trial = await desk.write(ctx, scope => prepareTrial(scope, id))
      const answered = await callReceiver(outbound, trial)
      await desk.write(ctx, scope => keepTrial(scope, trial, answered))
      const good = answered.is === 'delivered'
      return desk.go(
        ctx,
        `/settings/webhooks/${id}`,
        `${answered.words}${good ? ` It took ${answered.ms} ms.` : ''}`,
        good ? 'good' : 'bad',
      )
    })
    .post('/w/:slug/settings/webhooks/:id/removal', async ctx => {
      await desk.write(ctx, scope => deleteWebhook(scope, ctx.params.id))
      return desk.go(ctx, '/settings/webhooks', 'The webhook is removed; nothing more is sent to it.')
    })
    .post('/w/:slug/settings/webhooks/:id/replay', async ctx => {
      const { id } = ctx.params
      const { replayed } = await desk.write(ctx, scope => replayFailed(scope, id))
      const words =
        replayed === 0
          ? 'Nothing was given up.'
          : `${replayed === 1 ? 'One message is' : `${replayed} messages are`} sent once more, in order, with the same ids.`
      return desk.go(ctx, `/settings/webhooks/${id}`, words)
    })
    .post('/w/:slug/settings/deliveries/:id/replay', async ctx => {
      const delivery = await desk.write(ctx, scope => replayDelivery(scope, ctx.params.id))
      const back = delivery.kind === 'webhook' ? `/settings/webhooks/${delivery.webhookId}` : '/settings/mail'
      return desk.go(ctx, back, 'It is sent once more, with the same id.')
    })
}
