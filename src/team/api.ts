import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { changeUser, listUsers, readUser, removeUser, UserChange } from './users.ts'
import { changeWorkspace, readWorkspace, WorkspaceChange } from './workspace.ts'

export function teamApi(api: ApiDoor) {
  return new Elysia()
    .get('/workspace', context => api.read(context, readWorkspace), {
      detail: { summary: 'The workspace', tags: ['workspace'] },
    })
    .patch('/workspace', context => api.write(context, scope => changeWorkspace(scope, context.body)), {
      body: WorkspaceChange,
      detail: { summary: 'Change name, zone, country or whether approval is required', tags: ['workspace'] },
    })
    .get(
      '/users',
      context => api.read(context, async scope => ({ items: await listUsers(scope), next: null })),
      {
        detail: { summary: 'People with a login', tags: ['people'] },
      },
    )
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
}
