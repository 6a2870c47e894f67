import { type Context, Elysia } from 'elysia'
import { LinkOverPage } from '../../views/auth/link-over.tsx'
import { ResetPage } from '../../views/auth/reset.tsx'
import { type Rejected, readForm, rejection } from '../http/form.ts'
import { addressOf } from '../http/guards.ts'
import { page } from '../http/page.ts'
import { isId } from '../lib/id.ts'
import type { Services } from '../services.ts'
import { admit } from './entrance.ts'
import { limitTries } from './limit.ts'
import type { Found } from './links.ts'
import { agentOf } from './pages.ts'
import { checkPassword, hashPassword } from './password.ts'
import { findReset, resetPassword } from './passwords.ts'
import { PasswordReset } from './schema.ts'
import { enter } from './sign-in.ts'

interface Params {
  tenantId: string
  token: string
}

/** A new password by the link that the operator's command made. */
export function resetPages(services: Services) {
  const { db } = services

  /** What the link leads to; an unknown workspace looks like an unknown link. */
  async function look({ tenantId, token }: Params): Promise<Found> {
    if (!isId(tenantId) || !(await db.tenantById(tenantId))) return { state: 'unknown' }
    return db.within({ tenantId, userId: null, role: 'system' }, scope => findReset(scope, token), {
      readOnly: true,
    })
  }

  const show = (found: Found, form: Rejected | null): Response =>
    found.state === 'open'
      ? page(ResetPage({ email: found.link.email, form }), form ? 422 : 200)
      : page(LinkOverPage({ what: 'reset', state: found.state }), found.state === 'unknown' ? 404 : 410)

  return new Elysia()
    .get('/reset/:tenantId/:token', async ({ params }) => show(await look(params), null))
    .post('/reset/:tenantId/:token', async ({ params, body, request, server }) => {
      await limitTries(services, `reset:${addressOf(services, request, server as Context['server'])}`, 20)
      const found = await look(params)
      if (found.state !== 'open') return show(found, null)
      const form = readForm(body, PasswordReset)
      if (!form.ok) return show(found, form.rejected)
      try {
        checkPassword(form.value.password, found.link.email)
      } catch (error) {
        const rejected = rejection(body, error)
        if (!rejected) throw error
        return show(found, rejected)
      }
      const hash = await hashPassword(form.value.password)
      const done = await db.within({ tenantId: params.tenantId, userId: null, role: 'system' }, scope =>
        resetPassword(scope, params.token, hash),
      )
      if (!done.login) return show(done, null)
      return admit(services, request, await enter(db, done.login, 'page', agentOf(request)))
    })
}
