import { Elysia } from 'elysia'
import { authApi } from './auth/api.ts'
import { createApiDoor } from './http/api-door.ts'
import { assets } from './http/assets.ts'
import { uploadLimit } from './http/body.ts'
import { guards } from './http/guards.ts'
import type { Services } from './services.ts'
import { teamApi } from './team/api.ts'

/** The table of contents: one line a noun, in the order in which they may import each other. */
export function createApp(services: Services) {
  const api = createApiDoor(services)
  return new Elysia({ serve: { reusePort: false, maxRequestBodySize: uploadLimit + 1024 * 1024 } })
    .use(guards(services))
    .use(assets())
    .get('/healthz', () => new Response('ok\n'))
    .group('/api/v1', v1 => v1.use(authApi(services, api)).use(teamApi(api)))
}

export type App = ReturnType<typeof createApp>
