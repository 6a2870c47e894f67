import { timingSafeEqual } from 'node:crypto'
import { type Context, Elysia } from 'elysia'
import { SetupPage } from '../../views/auth/setup.tsx'
import { admit } from '../auth/entrance.ts'
import { limitTries } from '../auth/limit.ts'
import { agentOf } from '../auth/pages.ts'
import { Setup } from '../auth/schema.ts'
import { startSession } from '../auth/session.ts'
import { anyWorkspace } from '../auth/sign-in.ts'
import { Invalid, NotFound } from '../errors.ts'
import { type Rejected, readForm, rejection } from '../http/form.ts'
import { addressOf } from '../http/guards.ts'
import { ownOrigin } from '../http/origin.ts'
import { page } from '../http/page.ts'
import { tokenHash } from '../lib/id.ts'
import { suggestSlug } from '../lib/slug.ts'
import { zones } from '../lib/time.ts'
import type { Services } from '../services.ts'
import { countries, foundWorkspace } from './workspace.ts'

/** Tries of the code in a quarter of an hour, over all network addresses; eight digits hold out against that. */
const triesOfAll = 30

/** The first workspace. The page is there only while there is none. */
export function setupPages(services: Services) {
  const { db, config, setupCode } = services

  async function show(request: Request, form: Rejected | null): Promise<Response> {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
    const code = new URL(request.url).searchParams.get('code') ?? ''
    return page(
      SetupPage({
        form: form ?? { values: { code, zone }, errors: {}, message: '' },
        rejected: form !== null,
        origin: ownOrigin(request, config),
        countries: await countries(db),
        zones: zones(),
      }),
      form ? 422 : 200,
    )
  }

  return new Elysia()
    .get('/setup', async ({ request }) => {
      if (await anyWorkspace(services.db)) throw new NotFound()
      return show(request, null)
    })
    .post('/setup', async ({ request, body, server }) => {
      if (await anyWorkspace(services.db)) throw new NotFound()
      const address = addressOf(services, request, server as Context['server'])
      const form = readForm(body, Setup)
      if (!form.ok) return show(request, form.rejected)
      const { code, name, ...founding } = form.value
      try {
        await limitTries(services, `setup:${address}`)
        await limitTries(services, 'setup', triesOfAll)
        checkCode(code, setupCode)
        const slug = founding.slug ?? suggestSlug(name)
        // One founder at a time, over all processes: the second finds the page closed.
        const { tenant, ownerId } = await alone(services, () =>
          foundWorkspace(db, config.secret, { ...founding, name, slug }),
        )
        const signed = await db.within(
          { tenantId: tenant.id, userId: ownerId, role: 'owner' },
          async scope => ({
            tenant,
            userId: ownerId,
            token: await startSession(scope, ownerId, 'page', agentOf(request)),
          }),
        )
        return await admit(services, request, signed)
      } catch (error) {
        const rejected = rejection(body, error)
        if (!rejected) throw error
        return show(request, rejected)
      }
    })
}

async function alone<T>(services: Services, work: () => Promise<T>): Promise<T> {
  const { result } = (await services.db.owner.begin(async tx => {
    await tx`select pg_advisory_xact_lock(hashtext('masthead setup'))`
    if (await anyWorkspace(services.db)) throw new NotFound()
    return { result: await work() }
  })) as { result: T }
  return result
}

function checkCode(typed: string, code: string): void {
  const same = timingSafeEqual(
    Buffer.from(tokenHash(typed.replace(/[\s-]/g, ''))),
    Buffer.from(tokenHash(code)),
  )
  if (same) return
  const message = 'is not right; look in the terminal, it changes with every start'
  throw new Invalid('The code is not right. Look in the terminal where Masthead was started.', [
    { path: 'code', message },
  ])
}
