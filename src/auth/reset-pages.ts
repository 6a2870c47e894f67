import { type Context, Elysia } from 'elysia'
import { ForgottenPage, ForgottenSentPage } from '../../views/auth/forgotten.tsx'
import { LinkOverPage } from '../../views/auth/link-over.tsx'
import { ResetPage } from '../../views/auth/reset.tsx'
import { TooMany } from '../errors.ts'
import { type Rejected, readForm, rejection } from '../http/form.ts'
import { addressOf } from '../http/guards.ts'
import { page } from '../http/page.ts'
import { isId } from '../lib/id.ts'
import type { Services } from '../services.ts'
import { admit } from './entrance.ts'
import { mailResets } from './forgotten.ts'
import { limitResets, limitTries } from './limit.ts'
import type { Found } from './links.ts'
import { agentOf } from './pages.ts'
import { checkPassword, hashPassword } from './password.ts'
import { findReset, resetPassword } from './passwords.ts'
import { Forgotten, PasswordReset } from './schema.ts'
import { enter } from './sign-in.ts'

interface Params {
  tenantId: string
  token: string
}

/** A new password by a link: one that was asked for here and came by mail, or one that the operator's command made. */
export function resetPages(services: Services) {
  const { db, config } = services
  const byMail = config.smtpUrl !== null

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
    .get('/reset', () => page(ForgottenPage({ form: null, byMail })))
    .post('/reset', async ({ body, request, server }) => {
      if (!byMail) return page(ForgottenPage({ form: null, byMail }), 409)
      const form = readForm(body, Forgotten)
      if (!form.ok) return page(ForgottenPage({ form: form.rejected, byMail }), 422)
      const { email, workspace } = form.value
      try {
        const address = addressOf(services, request, server as Context['server'])
        await limitResets(services, email, address)
        await mailResets(services, { email, slug: workspace })
      } catch (error) {
        if (!(error instanceof TooMany)) throw error
        const values = { email, workspace: workspace ?? '' }
        const again = page(
          ForgottenPage({ form: { values, errors: {}, message: error.message }, byMail }),
          429,
        )
        again.headers.set('retry-after', String(error.retryAfterSeconds))
        return again
      }
      return page(ForgottenSentPage())
    })
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
