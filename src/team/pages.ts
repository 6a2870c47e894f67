import { Elysia } from 'elysia'
import { z } from 'zod'
import { PeoplePage } from '../../views/team/people.tsx'
import type { Desk, DeskRequest } from '../http/desk.ts'
import type { Rejected } from '../http/form.ts'
import { may } from '../permissions.ts'
import type { Services } from '../services.ts'
import { inviteByLink } from './api.ts'
import { type Invitation, listInvitations, NewInvitation, revokeInvitation } from './invitations.ts'
import { changeUser, listUsers, removeUser, UserChange } from './users.ts'

/** A form of one button. */
const Nothing = z.strictObject({})
/** More people than a page shows go on on the next one. */
const peopleAPage = 100

/** The people of a workspace and the invitations that are out. */
export function peoplePages(services: Services, desk: Desk) {
  const show = (
    ctx: DeskRequest,
    about: { form?: Rejected; invited?: { invitation: Invitation; link: string } } = {},
  ) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const cursor = new URL(ctx.request.url).searchParams.get('cursor') ?? undefined
        const managing = may(scope.actor, 'people.manage')
        const people = await listUsers(scope, { limit: peopleAPage, cursor })
        const invitations = managing ? (await listInvitations(scope, { limit: peopleAPage })).items : []
        return PeoplePage({
          frame,
          people: people.items,
          next: people.next,
          first: cursor === undefined,
          managing,
          byMail: services.config.smtpUrl !== null,
          invitations,
          form: about.form ?? null,
          invited: about.invited ?? null,
        })
      },
      about.form ? 422 : 200,
    )

  return new Elysia()
    .get('/w/:slug/people', ctx => show(ctx))
    .post('/w/:slug/people/invitations', async ctx => {
      const sent = await desk.submit(ctx, NewInvitation, (scope, given) =>
        inviteByLink(services, ctx.request, scope, given),
      )
      // No redirect: the link is known to this answer only.
      return show(ctx, sent.ok ? { invited: sent.value } : { form: sent.rejected })
    })
    .post('/w/:slug/people/invitations/:id/removal', async ctx => {
      await desk.write(ctx, scope => revokeInvitation(scope, ctx.params.id))
      return desk.go(ctx, '/people', 'The invitation is taken back; its link no longer works.')
    })
    .post('/w/:slug/people/:id/role', async ctx => {
      const sent = await desk.submit(ctx, UserChange, (scope, change) =>
        changeUser(scope, ctx.params.id, change),
      )
      return sent.ok
        ? desk.go(ctx, '/people', `${sent.value.name} is now ${sent.value.role}.`)
        : desk.go(
            ctx,
            '/people',
            sent.rejected.errors.role ? 'Choose a role from the list.' : sent.rejected.message,
            'bad',
          )
    })
    .post('/w/:slug/people/:id/removal', async ctx => {
      const sent = await desk.submit(ctx, Nothing, scope => removeUser(scope, ctx.params.id))
      return sent.ok
        ? desk.go(ctx, '/people', 'The login is taken away. What was written stays.')
        : desk.go(ctx, '/people', sent.rejected.message, 'bad')
    })
}
