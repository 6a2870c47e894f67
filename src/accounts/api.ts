import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { ListQuery } from '../lib/cursor.ts'
import { allow } from '../permissions.ts'
import type { Services } from '../services.ts'
import { changeAccount, checkAccount, removeAccount } from './accounts.ts'
import { askPlatform, saveAccount } from './connect.ts'
import { openAccount } from './credential.ts'
import { pageAccounts, readAccount } from './find.ts'
import { AccountChange, NewAccount } from './schema.ts'

export function accountsApi(services: Pick<Services, 'db' | 'outbound'>, api: ApiDoor) {
  const { outbound, db } = services
  return new Elysia()
    .get('/accounts', context => api.read(context, scope => pageAccounts(scope, context.query)), {
      query: ListQuery,
      detail: { summary: 'Social accounts', tags: ['accounts'] },
    })
    .post(
      '/accounts',
      async context => {
        const { body } = context
        await api.enter(context, async scope => allow(scope, 'accounts.manage'))
        const connected = await askPlatform(outbound, body)
        let saved = false
        const answer = await api.write(
          context,
          async scope => {
            const account = await saveAccount(scope, body.platform, connected)
            saved = true
            return account
          },
          201,
        )
        // Added after the answer was stored for repeats: a signing secret stands in no table in the clear.
        if (!connected.reveal || !saved) return answer
        const account = (await answer.json()) as object
        return Response.json(
          { ...account, ...connected.reveal },
          { status: 201, headers: { 'cache-control': 'no-store' } },
        )
      },
      {
        body: NewAccount,
        detail: {
          summary: 'Connect a social account; it is asked whether the settings work, and saved only then',
          description:
            'Connecting the same profile again replaces its credential. A webhook’s answer carries its signing secret, this once.',
          tags: ['accounts'],
        },
      },
    )
    .get('/accounts/:id', context => api.read(context, scope => readAccount(scope, context.params.id)), {
      detail: { summary: 'One social account', tags: ['accounts'] },
    })
    .patch(
      '/accounts/:id',
      context => api.write(context, scope => changeAccount(scope, context.params.id, context.body)),
      { body: AccountChange, detail: { summary: 'Rename a social account', tags: ['accounts'] } },
    )
    .delete(
      '/accounts/:id',
      context => api.write(context, scope => removeAccount(scope, context.params.id), 204),
      {
        detail: {
          summary: 'Remove a social account; posts planned for it are cancelled',
          tags: ['accounts'],
        },
      },
    )
    .post(
      '/accounts/:id/check',
      async context => {
        const { opened, tenantId } = await api.enter(context, async scope => {
          allow(scope, 'accounts.manage')
          return { opened: await openAccount(scope, context.params.id), tenantId: scope.tenant.id }
        })
        const checked = await checkAccount({ within: db.within, outbound }, tenantId, opened)
        return api.read(context, async scope => ({
          ...(await readAccount(scope, context.params.id)),
          check: { ok: checked.ok, message: checked.message },
        }))
      },
      { detail: { summary: 'Ask the platform whether the account still works', tags: ['accounts'] } },
    )
}
