import { type Context, Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { addressOf } from '../http/guards.ts'
import { limit } from '../http/limits.ts'
import type { Services } from '../services.ts'
import { createKey, listKeys, NewKey, revokeKey } from './keys.ts'
import { NewSession } from './schema.ts'
import { endSession, sessionSeconds } from './session.ts'
import { signIn } from './sign-in.ts'

const attempts = 5
const windowSeconds = 15 * 60

/** Counts a sign-in by account and by address, before the password is looked at. */
export async function limitSignIn(
  { counter, config }: Pick<Services, 'counter' | 'config'>,
  account: string,
  address: string,
): Promise<void> {
  if (!config.rateLimit) return
  const words = 'Those were too many sign-ins.'
  await limit(counter, `sign-in:account:${account.toLowerCase()}`, attempts, windowSeconds, words)
  await limit(counter, `sign-in:address:${address}`, attempts * 4, windowSeconds, words)
}

export function authApi(services: Services, api: ApiDoor) {
  return new Elysia()
    .post(
      '/sessions',
      async ({ body, request, server }) => {
        await limitSignIn(
          services,
          `${body.workspace}/${body.email}`,
          addressOf(services, request, server as Context['server']),
        )
        const given = { email: body.email, password: body.password, slug: body.workspace }
        const [signed] = await signIn(services.db, given, 'api', request.headers.get('user-agent') ?? '')
        await services.counter.forget(`sign-in:account:${body.workspace}/${body.email}`.toLowerCase())
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
    .get(
      '/api-keys',
      context => api.read(context, async scope => ({ items: await listKeys(scope), next: null })),
      {
        detail: { summary: 'API keys', tags: ['keys'] },
      },
    )
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
