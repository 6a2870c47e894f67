import { type Context, Elysia } from 'elysia'
import { JoinPage } from '../../views/auth/join.tsx'
import { LinkOverPage } from '../../views/auth/link-over.tsx'
import { admit } from '../auth/entrance.ts'
import { limitTries } from '../auth/limit.ts'
import { agentOf } from '../auth/pages.ts'
import { checkPassword, hashPassword } from '../auth/password.ts'
import { Joining } from '../auth/schema.ts'
import { startSession } from '../auth/session.ts'
import { tenantNow } from '../db/directory.ts'
import { Suspended } from '../errors.ts'
import { type Rejected, readForm, rejection } from '../http/form.ts'
import { addressOf } from '../http/guards.ts'
import { page } from '../http/page.ts'
import { isId } from '../lib/id.ts'
import type { Services } from '../services.ts'
import { type Invited, join, readWelcome } from './invitations.ts'

interface Params {
  tenantId: string
  token: string
}

/** An invitation's link: a name and a password, then one is in. */
export function joinPages(services: Services) {
  const { db } = services

  /** What the link leads to; an unknown workspace looks like an unknown link. */
  async function look({ tenantId, token }: Params): Promise<Invited> {
    const tenant = isId(tenantId) ? await tenantNow(db, tenantId) : null
    if (!tenant) return { state: 'unknown' }
    const invited = await db.within(
      { tenantId, userId: null, role: 'system' },
      scope => readWelcome(scope, token),
      { readOnly: true },
    )
    // The reason is for its people; whoever is invited is none yet.
    if (invited.state === 'open' && tenant.state === 'suspended') throw new Suspended(null, null)
    return invited
  }

  const show = (invited: Invited, form: Rejected | null): Response =>
    invited.state === 'open'
      ? page(JoinPage({ welcome: invited.welcome, form }), form ? 422 : 200)
      : page(LinkOverPage({ what: 'join', state: invited.state }), invited.state === 'unknown' ? 404 : 410)

  return new Elysia()
    .get('/join/:tenantId/:token', async ({ params }) => show(await look(params), null))
    .post('/join/:tenantId/:token', async ({ params, body, request, server }) => {
      await limitTries(services, `join:${addressOf(services, request, server as Context['server'])}`, 20)
      const invited = await look(params)
      if (invited.state !== 'open') return show(invited, null)
      const form = readForm(body, Joining)
      if (!form.ok) return show(invited, form.rejected)
      const { name, password } = form.value
      try {
        checkPassword(password, invited.welcome.email)
        const passwordHash = await hashPassword(password)
        const signed = await db.within(
          { tenantId: params.tenantId, userId: null, role: 'system' },
          async scope => {
            const userId = await join(scope, params.token, { name, passwordHash })
            if (!userId) return null
            const token = await startSession(scope, userId, 'page', agentOf(request))
            return { tenant: scope.tenant, userId, token }
          },
        )
        return signed ? await admit(services, request, signed) : show(await look(params), null)
      } catch (error) {
        const rejected = rejection(body, error)
        if (!rejected) throw error
        return show(invited, rejected)
      }
    })
}
