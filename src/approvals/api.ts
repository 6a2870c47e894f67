import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { approveContent, requestChanges, submitContent, takeBack, withdrawApproval } from './approvals.ts'
import { Approving, ChangeRequest } from './schema.ts'

const tags = ['approvals']

export function approvalsApi(api: ApiDoor) {
  return new Elysia()
    .post(
      '/content/:id/submission',
      context => api.write(context, scope => submitContent(scope, context.params.id), 201),
      { detail: { summary: 'Submit for review', tags } },
    )
    .delete(
      '/content/:id/submission',
      context => api.write(context, scope => takeBack(scope, context.params.id)),
      { detail: { summary: 'Take a submission back', tags } },
    )
    .post(
      '/content/:id/approval',
      context =>
        api.write(context, scope => approveContent(scope, context.params.id, context.body ?? {}), 201),
      { body: Approving.nullish(), detail: { summary: 'Approve the current version', tags } },
    )
    .delete(
      '/content/:id/approval',
      context => api.write(context, scope => withdrawApproval(scope, context.params.id)),
      { detail: { summary: 'Take an approval back', tags } },
    )
    .post(
      '/content/:id/change-request',
      context => api.write(context, scope => requestChanges(scope, context.params.id, context.body), 201),
      { body: ChangeRequest, detail: { summary: 'Ask for changes', tags } },
    )
}
