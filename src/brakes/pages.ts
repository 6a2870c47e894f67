import { Elysia } from 'elysia'
import { z } from 'zod'
import { BrakesPage } from '../../views/brakes/page.tsx'
import type { Desk, DeskRequest } from '../http/desk.ts'
import type { Rejected } from '../http/form.ts'
import { may } from '../permissions.ts'
import { type BrakeWish, putBrakeOn, takeBrakeOff } from './brakes.ts'
import { brakeChoices, listBrakes } from './find.ts'
import { BrakeForm, type BrakePutOn, type BrakeTakenOff } from './schema.ts'

const Nothing = z.strictObject({})
const BrakesView = z.object({ after: z.string().max(400).optional().catch(undefined) })
const brakesAPage = 30

/** The brakes: which are on, putting one on, taking one off. */
export function brakesPages(desk: Desk) {
  const show = (ctx: DeskRequest, rejected: Rejected | null = null) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const mayUse = may(scope.actor, 'brakes.use')
        const { after } = BrakesView.parse((ctx as { query?: unknown }).query ?? {})
        const [brakes, choices] = await Promise.all([
          listBrakes(scope, { limit: brakesAPage, cursor: after }),
          mayUse ? brakeChoices(scope) : null,
        ])
        return BrakesPage({ frame, brakes, choices, after, rejected })
      },
      rejected ? 422 : 200,
    )

  return new Elysia()
    .get('/w/:slug/brakes', ctx => show(ctx))
    .post('/w/:slug/brakes', async ctx => {
      const done = await desk.submit(ctx, BrakeForm, (scope, given) => putBrakeOn(scope, wishOf(given)))
      if (!done.ok) return show(ctx, inFormNames(done.rejected, ctx.body))
      return desk.go(ctx, '/brakes', putOnWords(done.value), 'info')
    })
    .post('/w/:slug/brakes/:id/removal', async ctx => {
      const done = await desk.submit(ctx, Nothing, scope => takeBrakeOff(scope, ctx.params.id))
      if (!done.ok) return show(ctx, done.rejected)
      return desk.go(ctx, '/brakes', takenOffWords(done.value))
    })
}

function wishOf({ scope, reason, minutes, ...values }: z.infer<typeof BrakeForm>): BrakeWish {
  const value = scope === 'workspace' ? undefined : values[scope]
  return { scope, value: value ?? '', reason, minutes }
}

/** The move calls it `value`; the form has a field for each kind. */
function inFormNames(rejected: Rejected, body: unknown): Rejected {
  const { value, ...errors } = rejected.errors
  const { scope } = (body ?? {}) as { scope?: string }
  return value === undefined || scope === undefined
    ? rejected
    : { ...rejected, errors: { ...errors, [scope]: value } }
}

const posts = (count: number): string => (count === 1 ? '1 post' : `${count} posts`)

const putOnWords = ({ about, holds, underWay }: BrakePutOn): string =>
  `The brake is on ${about}: ${posts(holds)} held, and whatever is planned for it from now on.${
    underWay > 0 ? ` ${posts(underWay)} being sent already could not be stopped.` : ''
  }`

function takenOffWords({ about, goesOut, asks }: BrakeTakenOff): string {
  const parts = [
    goesOut > 0 && `${posts(goesOut)} planned again; what is late goes out one after another`,
    asks > 0 && `${posts(asks)} too late and waiting for your word`,
  ].filter(Boolean)
  return `The brake on ${about} is off${parts.length > 0 ? `: ${parts.join(', ')}.` : '. It held nothing.'}`
}
