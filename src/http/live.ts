import { Elysia } from 'elysia'
import type { Scope } from '../db/scope.ts'
import { Unauthenticated } from '../errors.ts'
import { firstIdAt } from '../lib/id.ts'
import type { Services } from '../services.ts'
import { enter } from './enter.ts'
import { isSecure } from './origin.ts'
import { type Caller, callerOfBearer, callerOfCookie } from './session.ts'

/** An event is dated when its transaction begins and seen when it ends, at most so much later; clocks differ a little too. */
const overlapMs = 20_000

/** `GET /w/:slug/live`: tells an open page what kind of thing has changed, so that it looks again. Nothing of what it is. */
export function livePages(services: Pick<Services, 'db' | 'replica' | 'streams' | 'tokens' | 'config'>) {
  const { db, tokens, config } = services
  return new Elysia().get('/w/:slug/live', async ({ request, params, query }) => {
    try {
      const caller = await callerOfCookie(tokens, request, isSecure(config))
      const tenant = caller && (await db.tenantById(caller.tenantId))
      if (!caller || tenant?.slug !== params.slug) throw new Unauthenticated()
      return await openStream(services, caller, true, lastHeard(request) ?? moment(query.since))
    } catch (error) {
      // Not the way to the sign-in page, which the page's script would read as a stream that ended.
      if (error instanceof Unauthenticated) return new Response(null, { status: 401 })
      throw error
    }
  })
}

/** `GET /api/v1/events`: the same for clients, one message an event. */
export function liveApi(services: Pick<Services, 'db' | 'replica' | 'streams' | 'tokens'>) {
  return new Elysia().get(
    '/events',
    async ({ request }) => {
      const caller = await callerOfBearer(services.tokens, request.headers.get('authorization'))
      if (!caller) throw new Unauthenticated()
      return openStream(services, caller, false, lastHeard(request))
    },
    {
      detail: {
        summary: 'What happens in the workspace, as it happens',
        description:
          'Server-sent events. Each is a hint, `event: publish_job` with `data: {"id":…,"type":"publish_job.published"}`: read what it names to learn more. After a break, send the last id as Last-Event-ID: `event: missed` then says that something happened meanwhile.',
      },
    },
  )
}

async function openStream(
  { db, streams }: Pick<Services, 'db' | 'streams'>,
  { tenantId, credential }: Caller,
  gather: boolean,
  since: number | null,
): Promise<Response> {
  const { value: missed, visit } = await enter(
    { db, replica: null, serves: 'nobody' },
    tenantId,
    credential,
    true,
    scope => (since === null ? Promise.resolve(false) : happenedSince(scope, since)),
  )
  return streams.open({ tenantId, userId: visit.user.id, credential, gather }, missed)
}

async function happenedSince({ sql }: Scope, since: number): Promise<boolean> {
  const [row] = await sql`
    select exists (select 1 from events where id > ${firstIdAt(since - overlapMs)}) as happened`
  return row?.happened as boolean
}

const lastHeard = (request: Request): number | null => moment(request.headers.get('last-event-id'))

/** Milliseconds since 1970 as we write them; anything else is no moment. */
const moment = (text: unknown): number | null =>
  typeof text === 'string' && /^\d{13}$/.test(text) ? Number(text) : null
