import { Elysia } from 'elysia'
import { SettingsPage } from '../../views/settings/settings.tsx'
import { createKey, listKeys, NewKey, revokeKey } from '../auth/keys.ts'
import { limitTries } from '../auth/limit.ts'
import { checkPassword, hashPassword, verifyPassword } from '../auth/password.ts'
import { changePassword, ownPasswordHash } from '../auth/passwords.ts'
import { PasswordChange } from '../auth/schema.ts'
import { endOwnSession, endSessions, listSessions } from '../auth/session.ts'
import { Invalid, TooMany } from '../errors.ts'
import type { Desk, DeskRequest } from '../http/desk.ts'
import { type Rejected, readForm, rejection } from '../http/form.ts'
import { zones } from '../lib/time.ts'
import { countDeliveries, readMailChoice } from '../mail/find.ts'
import { may } from '../permissions.ts'
import type { Services } from '../services.ts'
import { listUsers } from './users.ts'
import { changeWorkspace, countries, WorkspaceForm } from './workspace.ts'

export type SettingsPart = 'workspace' | 'password' | 'keys'

/** The workspace's settings, and one's own: password, API keys, sessions. */
export function settingsPages(services: Services, desk: Desk) {
  const show = (
    ctx: DeskRequest,
    about: { part?: SettingsPart; form?: Rejected; made?: { name: string; key: string } } = {},
    status = about.form ? 422 : 200,
  ) =>
    desk.show(
      ctx,
      async (scope, frame, visit) => {
        const keysToo = may(scope.actor, 'keys.manage')
        const people = keysToo ? (await listUsers(scope, { limit: 100 })).items : []
        return SettingsPage({
          frame,
          mayChange: may(scope.actor, 'workspace.change'),
          countries: await countries(scope),
          zones: zones(),
          keys: keysToo ? (await listKeys(scope, { limit: 100 })).items : null,
          people: Object.fromEntries(people.map(({ id, name }) => [id, name])),
          sessions: await listSessions(scope),
          mail: {
            setUp: services.config.smtpUrl !== null,
            ...(await readMailChoice(scope)),
            counts: may(scope.actor, 'workspace.change') ? await countDeliveries(scope) : null,
          },
          sessionId: visit.sessionId,
          part: about.part ?? null,
          form: about.form ?? null,
          made: about.made ?? null,
        })
      },
      status,
    )

  return new Elysia()
    .get('/w/:slug/settings', ctx => show(ctx))
    .post('/w/:slug/settings/workspace', async ctx => {
      const sent = await desk.submit(ctx, WorkspaceForm, (scope, given) =>
        changeWorkspace(scope, { ...given, country: given.country ?? null }),
      )
      return sent.ok
        ? desk.go(ctx, '/settings', 'The workspace is changed.')
        : show(ctx, { part: 'workspace', form: sent.rejected })
    })
    .post('/w/:slug/settings/password', async ctx => {
      const form = readForm(ctx.body, PasswordChange)
      if (!form.ok) return show(ctx, { part: 'password', form: form.rejected })
      const { currentPassword, password } = form.value
      try {
        const own = await desk.read(ctx, async (scope, visit) => ({
          hash: await ownPasswordHash(scope),
          user: visit.user,
        }))
        await limitTries(services, `password:${own.user.id}`)
        if (!(await verifyPassword(currentPassword, own.hash)))
          throw new Invalid('The present password is not right.', [
            { path: 'currentPassword', message: 'is not right' },
          ])
        checkPassword(password, own.user.email)
        const next = await hashPassword(password)
        await desk.write(ctx, (scope, visit) =>
          changePassword(scope, { former: own.hash, next }, visit.sessionId),
        )
      } catch (error) {
        if (error instanceof TooMany)
          return show(
            ctx,
            { part: 'password', form: { values: {}, errors: {}, message: error.message } },
            429,
          )
        const rejected = rejection(ctx.body, error)
        if (!rejected) throw error
        return show(ctx, { part: 'password', form: rejected })
      }
      return desk.go(ctx, '/settings', 'Your password is changed, and every other session is ended.')
    })
    .post('/w/:slug/settings/keys', async ctx => {
      const sent = await desk.submit(ctx, NewKey, (scope, given) => createKey(scope, given))
      // No redirect: the secret is known to this answer only.
      return show(ctx, sent.ok ? { made: sent.value } : { part: 'keys', form: sent.rejected })
    })
    .post('/w/:slug/settings/keys/:id/removal', async ctx => {
      await desk.write(ctx, scope => revokeKey(scope, ctx.params.id))
      return desk.go(ctx, '/settings#keys', 'The key is revoked; it opens nothing from now on.')
    })
    .post('/w/:slug/settings/sessions/:id/removal', async ctx => {
      await desk.write(ctx, scope => endOwnSession(scope, ctx.params.id))
      return desk.go(ctx, '/settings#sessions', 'The session is ended.')
    })
    .post('/w/:slug/settings/sessions/removal', async ctx => {
      await desk.write(ctx, (scope, visit) => endSessions(scope, visit.user.id, visit.sessionId))
      return desk.go(ctx, '/settings#sessions', 'Every other session is ended.')
    })
}
