import { Elysia } from 'elysia'
import type { Scope } from '../db/scope.ts'
import type { ApiDoor } from '../http/api-door.ts'
import { publicOrigin } from '../http/origin.ts'
import { ListQuery } from '../lib/cursor.ts'
import type { Services } from '../services.ts'
import {
  type Invitation,
  invite,
  listInvitations,
  mailInvitation,
  NewInvitation,
  revokeInvitation,
} from './invitations.ts'
import { changeUser, listUsers, readUser, removeUser, UserChange } from './users.ts'
import { changeWorkspace, readWorkspace, WorkspaceChange } from './workspace.ts'

/** Invites somebody and, where mail is set up, mails the link; both doors do it so. The link's token is nowhere else. */
export async function inviteByLink(
  { config }: Pick<Services, 'config'>,
  request: Request,
  scope: Scope,
  given: NewInvitation,
): Promise<{ invitation: Invitation; link: string }> {
  const { invitation, token } = await invite(scope, given)
  const link = `${publicOrigin(request, config)}/join/${scope.tenant.id}/${token}`
  if (!config.smtpUrl) return { invitation, link }
  await mailInvitation(scope, invitation, link)
  return { invitation: { ...invitation, mail: 'waiting' }, link }
}

export function teamApi(services: Pick<Services, 'config'>, api: ApiDoor) {
  return new Elysia()
    .get('/workspace', context => api.read(context, readWorkspace), {
      detail: { summary: 'The workspace', tags: ['workspace'] },
    })
    .patch('/workspace', context => api.write(context, scope => changeWorkspace(scope, context.body)), {
      body: WorkspaceChange,
      detail: {
        summary: 'Change name, zone, country, whether approval is required, or how late posts go out unasked',
        tags: ['workspace'],
      },
    })
    .get('/users', context => api.read(context, scope => listUsers(scope, context.query)), {
      query: ListQuery,
      detail: { summary: 'People with a login', tags: ['people'] },
    })
    .get('/users/:id', context => api.read(context, scope => readUser(scope, context.params.id)), {
      detail: { summary: 'One person', tags: ['people'] },
    })
    .patch(
      '/users/:id',
      context => api.write(context, scope => changeUser(scope, context.params.id, context.body)),
      {
        body: UserChange,
        detail: { summary: "Change a person's role", tags: ['people'] },
      },
    )
    .delete('/users/:id', context => api.write(context, scope => removeUser(scope, context.params.id), 204), {
      detail: { summary: 'Take a login away', tags: ['people'] },
    })
    .get('/invitations', context => api.read(context, scope => listInvitations(scope, context.query)), {
      query: ListQuery,
      detail: { summary: 'Invitations that nobody has taken up yet', tags: ['people'] },
    })
    .post(
      '/invitations',
      context =>
        api.write(
          context,
          async scope => {
            const { invitation, link } = await inviteByLink(services, context.request, scope, context.body)
            return { ...invitation, link }
          },
          201,
        ),
      {
        body: NewInvitation,
        detail: {
          summary: 'Invite somebody; the link is in this answer, and in a mail where mail is set up',
          tags: ['people'],
        },
      },
    )
    .delete(
      '/invitations/:id',
      context => api.write(context, scope => revokeInvitation(scope, context.params.id), 204),
      { detail: { summary: 'Take an invitation back', tags: ['people'] } },
    )
}
