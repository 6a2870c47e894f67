import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Desk, DeskRequest } from '../http/desk.ts'
import { SlotTimes, weekdays } from './schema.ts'
import { addSlots, removeSlot } from './slots.ts'

type WithId = DeskRequest & { params: { slug: string; id: string } }

/** The weekly slots are shown on their account's page; these are its forms. */
export function slotsPages(desk: Desk) {
  const back = (id: string) => `/accounts/${id}#slots`
  return new Elysia()
    .post('/w/:slug/accounts/:id/slots', async (ctx: WithId) => {
      const added = await desk.submit(ctx, SlotTimes, (scope, times) => addSlots(scope, ctx.params.id, times))
      if (added.ok) return desk.go(ctx, back(ctx.params.id), 'These are its slots now.')
      const [said] = Object.entries(added.rejected.errors).map(([path, message]) =>
        path.startsWith('weekdays') ? 'Choose at least one day of the week.' : `The ${path} ${message}.`,
      )
      return desk.go(ctx, back(ctx.params.id), said ?? added.rejected.message, 'bad')
    })
    .post('/w/:slug/slots/:id/removal', async (ctx: WithId) => {
      const gone = await desk.submit(ctx, z.strictObject({}), scope => removeSlot(scope, ctx.params.id))
      if (!gone.ok) return desk.go(ctx, '/accounts', gone.rejected.message, 'bad')
      const { accountId, weekday, local } = gone.value
      return desk.go(
        ctx,
        back(accountId),
        `${weekdays[weekday - 1]} ${local} is no slot any more. What is planned stays planned.`,
      )
    })
}
