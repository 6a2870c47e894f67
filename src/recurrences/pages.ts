import { Elysia } from 'elysia'
import { z } from 'zod'
import { RecurrencesPage } from '../../views/recurrences/list.tsx'
import { RecurrencePage } from '../../views/recurrences/one.tsx'
import { listAccounts } from '../accounts/find.ts'
import type { Desk, DeskRequest } from '../http/desk.ts'
import type { Rejected } from '../http/form.ts'
import { may } from '../permissions.ts'
import { listRecurrences, openingsOf, readRecurrence } from './find.ts'
import { ChangeForm, inRepeatNames, repeatOf, successorOf } from './form.ts'
import { skipOccurrence, stopRecurrence, succeedRecurrence, takeSkipBack } from './recurrences.ts'
import { Skip } from './schema.ts'

type WithId = DeskRequest & { params: { slug: string; id: string } }

const View = z.object({ cursor: z.string().max(400).optional().catch(undefined) })
const aPage = 30

/** What repeats in the workspace, and what can be done about it. */
export function recurrencesPages(desk: Desk) {
  const show = (ctx: WithId, change?: Rejected) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const recurrence = await readRecurrence(scope, ctx.params.id)
        const [accounts, openings] = await Promise.all([
          listAccounts(scope),
          openingsOf(scope, [recurrence.contentId]),
        ])
        return RecurrencePage({
          frame,
          recurrence,
          opening: openings.get(recurrence.contentId) ?? '',
          accounts,
          maySchedule: may(scope.actor, 'jobs.schedule'),
          change,
          repeat: repeatOf(change?.values),
        })
      },
      change ? 422 : 200,
    )

  return new Elysia()
    .get('/w/:slug/recurrences', ctx =>
      desk.show(ctx, async (scope, frame) => {
        const { cursor } = View.parse(ctx.query)
        const { items, next } = await listRecurrences(scope, { limit: aPage, cursor })
        const [accounts, openings] = await Promise.all([
          listAccounts(scope),
          openingsOf(
            scope,
            items.map(one => one.contentId),
          ),
        ])
        return RecurrencesPage({ frame, items, next, accounts, openings })
      }),
    )
    .get('/w/:slug/recurrences/:id', ctx => show(ctx))
    .post('/w/:slug/recurrences/:id/skips', async (ctx: WithId) => {
      const done = await desk.submit(ctx, Skip, (scope, skip) => skipOccurrence(scope, ctx.params.id, skip))
      return desk.go(
        ctx,
        `/recurrences/${ctx.params.id}`,
        done.ok ? 'Skipped: that one does not go out.' : done.rejected.message,
        done.ok ? 'good' : 'bad',
      )
    })
    .post('/w/:slug/recurrences/:id/skips/removal', async (ctx: WithId) => {
      const done = await desk.submit(ctx, Skip, (scope, { occurrence }) =>
        takeSkipBack(scope, ctx.params.id, occurrence),
      )
      return desk.go(
        ctx,
        `/recurrences/${ctx.params.id}`,
        done.ok ? 'It goes out after all.' : done.rejected.message,
        done.ok ? 'good' : 'bad',
      )
    })
    .post('/w/:slug/recurrences/:id/successor', async (ctx: WithId) => {
      const done = await desk.submit(ctx, ChangeForm, (scope, form) =>
        inRepeatNames(async () => {
          const { start } = await readRecurrence(scope, ctx.params.id)
          return succeedRecurrence(scope, ctx.params.id, successorOf(form, start.zone))
        }),
      )
      if (!done.ok) return show(ctx, done.rejected)
      return desk.go(ctx, `/recurrences/${done.value.id}`, `${done.value.words} from then on.`)
    })
    .post('/w/:slug/recurrences/:id/stop', async (ctx: WithId) => {
      const done = await desk.submit(ctx, z.strictObject({}), scope => stopRecurrence(scope, ctx.params.id))
      return desk.go(
        ctx,
        `/recurrences/${ctx.params.id}`,
        done.ok ? 'Stopped: nothing more of it goes out.' : done.rejected.message,
        done.ok ? 'good' : 'bad',
      )
    })
}
