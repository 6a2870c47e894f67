import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import type { Services } from '../services.ts'
import { exportFile } from './export-file.ts'
import { askExport, fetchExport, listExports, prepareExport } from './exports.ts'
import { checkErasure, keepTenant, planErasure, renameTenant } from './life.ts'
import { NewAddress, NewErasure, NewExport } from './schema.ts'

/**
 * The workspace's own life: address, exports, erasure.
 * @param api a door that serves owners while the workspace is suspended: they can take an erasure back
 */
export function workspaceApi(services: Services, api: ApiDoor) {
  const tags = ['workspace']
  return new Elysia()
    .post(
      '/workspace/address',
      async context => {
        const by = await api.enter(context, async ({ actor }) => actor)
        return Response.json(await renameTenant(services.db, by, context.body.slug))
      },
      {
        body: NewAddress,
        detail: { summary: 'Give the workspace another address; the former one leads to it', tags },
      },
    )
    .get('/workspace/exports', context => api.read(context, listExports), {
      detail: { summary: 'Exports of the last day', tags },
    })
    .post(
      '/workspace/exports',
      async context => {
        const { passphrase } = context.body
        let asked: { tenantId: string; id: string } | undefined
        const answer = await api.write(
          context,
          async scope => {
            const made = await askExport(scope)
            asked = { tenantId: scope.tenant.id, id: made.id }
            return made
          },
          201,
        )
        // Once it is written down; a repeat with the same Idempotency-Key asked for nothing new.
        if (asked) void prepareExport(services, { ...asked, passphrase })
        return answer
      },
      {
        body: NewExport,
        detail: {
          summary: 'Prepare an export, encrypted to the passphrase; fetch it when it is ready',
          tags,
        },
      },
    )
    .get(
      '/workspace/exports/:id/file',
      async context =>
        exportFile(services, await api.enter(context, scope => fetchExport(scope, context.params.id))),
      { detail: { summary: 'The file of an export that is ready', tags } },
    )
    .post(
      '/workspace/erasure',
      async context => {
        const by = await api.enter(context, async scope => {
          checkErasure(scope, context.body)
          return scope.actor
        })
        const eraseAfter = await planErasure(services.db, by)
        return Response.json({ eraseAfter: eraseAfter.toISOString() }, { status: 201 })
      },
      {
        body: NewErasure,
        detail: { summary: 'Close the workspace and erase it after seven days', tags },
      },
    )
    .delete(
      '/workspace/erasure',
      async context => {
        const by = await api.enter(context, async ({ actor }) => actor)
        return Response.json(await keepTenant(services.db, by))
      },
      { detail: { summary: 'Take the erasure back', tags } },
    )
}
