import { type Context, Elysia } from 'elysia'
import { ChoosePage } from '../../views/auth/choose.tsx'
import { DesksPage } from '../../views/auth/desks.tsx'
import { SignInPage } from '../../views/auth/sign-in.tsx'
import { type Refusal, TooMany, Unauthenticated } from '../errors.ts'
import type { Desk } from '../http/desk.ts'
import { type Rejected, readForm } from '../http/form.ts'
import { addressOf } from '../http/guards.ts'
import { page, seeOther } from '../http/page.ts'
import type { Services } from '../services.ts'
import { openChoice, sealChoice } from './choice.ts'
import { admit, cookieTrouble, dismiss, enteredDesks, slugOfPath } from './entrance.ts'
import { forgetSignIns, limitSignIn } from './limit.ts'
import { SignIn, WorkspaceChoice } from './schema.ts'
import { endSession } from './session.ts'
import { anyWorkspace, checkLogin, enter, type Login, workspaceOf } from './sign-in.ts'

export const agentOf = (request: Request): string => request.headers.get('user-agent') ?? ''

/**
 * The front page, signing in, choosing among workspaces, signing out.
 * @param desk one that serves everybody: a suspended workspace can be left
 */
export function authPages(services: Services, desk: Desk) {
  const { db, config } = services
  const byMail = config.smtpUrl !== null

  /** The form again, with what was typed; a password is not. */
  const again = (request: Request, form: Rejected, status: number): Response =>
    page(
      SignInPage({
        form,
        next: String(form.values.next ?? ''),
        trouble: cookieTrouble(request, config),
        left: null,
        byMail,
      }),
      status,
    )

  const refuse = (request: Request, values: Rejected['values'], refusal: Refusal): Response => {
    const response = again(
      request,
      { values, errors: {}, message: refusal.message },
      refusal instanceof TooMany ? 429 : 401,
    )
    if (refusal instanceof TooMany) response.headers.set('retry-after', String(refusal.retryAfterSeconds))
    return response
  }

  return new Elysia()
    .get('/', async ({ request }) => {
      if (!(await anyWorkspace(services.db))) return seeOther('/setup')
      const slugs = enteredDesks(request)
      const [only, ...others] = slugs
      if (!only) return seeOther('/sign-in')
      return others.length === 0 ? seeOther(`/w/${only}`) : page(DesksPage({ slugs }))
    })
    .get('/sign-in', async ({ request }) => {
      if (!(await anyWorkspace(services.db))) return seeOther('/setup')
      const asked = new URL(request.url).searchParams
      return page(
        SignInPage({
          form: null,
          next: asked.get('next') ?? '',
          trouble: cookieTrouble(request, config),
          byMail,
          left: asked.has('left') ? (asked.get('left') === 'erasure' ? 'erasure' : 'signed-out') : null,
        }),
      )
    })
    .post('/sign-in', async ({ request, body, server }) => {
      const form = readForm(body, SignIn)
      if (!form.ok) return again(request, form.rejected, 422)
      const { email, password, workspace, next } = form.value
      let logins: [Login, ...Login[]]
      try {
        await limitSignIn(services, email, addressOf(services, request, server as Context['server']))
        logins = await checkLogin(db, { email, password, slug: workspace })
      } catch (error) {
        if (!(error instanceof Unauthenticated || error instanceof TooMany)) throw error
        return refuse(request, { email, workspace: workspace ?? '', next: next ?? '' }, error)
      }
      await forgetSignIns(services, email)
      const wanted = slugOfPath(next ?? '')
      const login = logins.length === 1 ? logins[0] : logins.find(({ tenant }) => tenant.slug === wanted)
      if (login)
        return admit(
          services,
          request,
          await enter(db, { ...login, tenantId: login.tenant.id }, 'page', agentOf(request)),
          next,
        )
      const workspaces = await Promise.all(logins.map(each => workspaceOf(services.db, each)))
      return page(ChoosePage({ workspaces, choice: sealChoice(config.secret, logins), next: next ?? '' }))
    })
    .post('/sign-in/workspace', async ({ request, body }) => {
      const form = readForm(body, WorkspaceChoice)
      const choices = form.ok ? openChoice(config.secret, form.value.choice) : null
      const chosen = form.ok ? choices?.find(({ tenantId }) => tenantId === form.value.tenant) : undefined
      if (!form.ok || !chosen)
        return refuse(request, {}, new Unauthenticated('That took too long. Sign in once more, then choose.'))
      try {
        const signed = await enter(db, chosen, 'page', agentOf(request))
        return await admit(services, request, signed, form.value.next)
      } catch (error) {
        if (!(error instanceof Unauthenticated)) throw error
        return refuse(request, {}, error)
      }
    })
    .post('/w/:slug/sign-out', async ctx => {
      try {
        await desk.write(ctx, async (scope, visit) => {
          if (visit.sessionId) await endSession(scope, visit.sessionId)
        })
      } catch (error) {
        // Whoever is signed out already wants the same.
        if (!(error instanceof Unauthenticated)) throw error
      }
      return dismiss(config, ctx.request, ctx.params.slug)
    })
}
