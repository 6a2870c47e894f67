import { type Context, Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { addressOf } from '../http/guards.ts'
import { ListQuery } from '../lib/cursor.ts'
import type { Services } from '../services.ts'
import { createKey, listKeys, NewKey, revokeKey } from './keys.ts'
import { forgetSignIns, limitSignIn } from './limit.ts'
import { NewSession } from './schema.ts'
import { endSession, sessionSeconds } from './session.ts'
import { checkLogin, enter } from './sign-in.ts'

export function authApi(services: Services, api: ApiDoor) {
  return new Elysia()
    .post(
      '/sessions',
      async ({ body, request, server }) => {
        const address = addressOf(services, request, server as Context['server'])
        await limitSignIn(services, body.email, address)
        const [login] = await checkLogin(services.db, { ...body, slug: body.workspace || '-' })
        const agent = request.headers.get('user-agent') ?? ''
        const signed = await enter(
          services.db,
          { tenantId: login.tenant.id, userId: login.userId, proof: login.proof },
          'api',
          agent,
        )
        await forgetSignIns(services, body.email)
        const token = await services.tokens.sign('api', {
          tenantId: signed.tenant.id,
          userId: signed.userId,
          session: signed.token,
        })
        const expiresAt = new Date(Date.now() + sessionSeconds.api * 1000).toISOString()
        return Response.json({ token, expiresAt }, { status: 201, headers: { 'cache-control': 'no-store' } })
      },
      { body: NewSession, detail: { summary: 'Sign in; the token is good for an hour', tags: ['sessions'] } },
    )
    .delete(
      '/sessions/current',
      context =>
        api.write(
          context,
          async (scope, visit) => void (visit.sessionId && (await endSession(scope, visit.sessionId))),
          204,
        ),
      { detail: { summary: 'Sign out', tags: ['sessions'] } },
    )
    .get(
      '/me',
      context =>
        api.read(context, async (_, { user, workspace }) => ({
          tenant: { id: workspace.id, slug: workspace.slug, name: workspace.name, zone: workspace.zone },
          user,
        })),
      { detail: { summary: 'Who and where this key or token is', tags: ['sessions'] } },
    )
    .get('/api-keys', context => api.read(context, scope => listKeys(scope, context.query)), {
      query: ListQuery,
      detail: { summary: 'API keys, newest first', tags: ['keys'] },
    })
    .post('/api-keys', context => api.write(context, scope => createKey(scope, context.body), 201), {
      body: NewKey,
      detail: { summary: 'Make an API key; its secret is in this answer only', tags: ['keys'] },
    })
    .delete(
      '/api-keys/:id',
      context => api.write(context, scope => revokeKey(scope, context.params.id), 204),
      {
        detail: { summary: 'Revoke an API key', tags: ['keys'] },
      },
    )
}
