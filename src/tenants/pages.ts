import { Elysia } from 'elysia'
import { WorkspacePage } from '../../views/tenants/workspace.tsx'
import { dismiss, enteredCookie } from '../auth/entrance.ts'
import type { Desk, DeskRequest } from '../http/desk.ts'
import { type Rejected, readForm, rejection } from '../http/form.ts'
import { isSecure } from '../http/origin.ts'
import { flashed, seeOther } from '../http/page.ts'
import { endedCookie, sessionCookie, sessionToken } from '../http/session.ts'
import { allow } from '../permissions.ts'
import type { Services } from '../services.ts'
import { listUsers } from '../team/users.ts'
import { exportFile } from './export-file.ts'
import { askExport, fetchExport, listExports, prepareExport } from './exports.ts'
import { listSnapshots } from './find.ts'
import { checkErasure, keepTenant, planErasure, renameTenant } from './life.ts'
import { ExportForm, NewAddress, NewErasure } from './schema.ts'

export type WorkspacePart = 'address' | 'export' | 'erasure'

/**
 * The owner's page: where the workspace is, what can be taken along, how it ends.
 * @param desk one that serves owners while the workspace is suspended: they can take an erasure back
 */
export function workspacePages(services: Services, desk: Desk) {
  const { db, config, storage } = services
  const secure = isSecure(config)

  async function show(ctx: DeskRequest, about: { part: WorkspacePart; form: Rejected } | null = null) {
    // Files are listed before the page's transaction, not in it.
    const tenantId = await desk.read(ctx, async scope => {
      allow(scope, 'workspace.erase')
      return scope.tenant.id
    })
    const snapshots = await listSnapshots(storage, tenantId)
    return desk.show(
      ctx,
      async (scope, frame) => {
        allow(scope, 'workspace.erase')
        const people = await listUsers(scope, { limit: 100 })
        const { state, stateReason, eraseAfter, formerSlugs } = scope.tenant
        return WorkspacePage({
          frame,
          standing: { suspended: state !== 'active', reason: stateReason, eraseAfter },
          formerSlugs,
          exports: (await listExports(scope)).items,
          snapshots,
          people: Object.fromEntries(people.items.map(({ id, name }) => [id, name])),
          part: about?.part ?? null,
          form: about?.form ?? null,
        })
      },
      about ? 422 : 200,
    )
  }

  /** Does what is wished outside the page's transaction; what can be mended comes back as the form. */
  async function act(
    ctx: DeskRequest,
    part: WorkspacePart,
    work: () => Promise<Response>,
  ): Promise<Response> {
    try {
      return await work()
    } catch (error) {
      const form = rejection(ctx.body, error)
      if (!form) throw error
      return show(ctx, { part, form })
    }
  }

  return new Elysia()
    .get('/w/:slug/workspace', ctx => show(ctx))
    .post('/w/:slug/workspace/address', ctx =>
      act(ctx, 'address', async () => {
        const form = readForm(ctx.body, NewAddress)
        if (!form.ok) return show(ctx, { part: 'address', form: form.rejected })
        const by = await desk.write(ctx, async ({ actor }) => actor)
        const { from, to } = await renameTenant(db, by, form.value.slug)
        if (from === to) return desk.go(ctx, '/workspace', 'That is its address already.', 'info')
        return seeOther(`/w/${to}/workspace`, [
          sessionCookie(sessionToken(ctx.request, secure), to, secure),
          endedCookie(from, secure),
          enteredCookie(ctx.request, to, [from], secure),
          flashed(to, 'good', `The workspace is at /w/${to} now. The former address leads here.`, secure),
        ])
      }),
    )
    .post('/w/:slug/workspace/exports', async ctx => {
      const sent = await desk.submit(ctx, ExportForm, async (scope, { passphrase }) => {
        const { id } = await askExport(scope)
        return { tenantId: scope.tenant.id, id, passphrase }
      })
      if (!sent.ok) return show(ctx, { part: 'export', form: sent.rejected })
      void prepareExport(services, sent.value)
      return desk.go(
        ctx,
        '/workspace#export',
        'The export is being prepared. Keep the passphrase: nobody else knows it.',
      )
    })
    .get('/w/:slug/workspace/exports/:id/file', async ctx =>
      exportFile(services, await desk.write(ctx, scope => fetchExport(scope, ctx.params.id))),
    )
    .post('/w/:slug/workspace/erasure', ctx =>
      act(ctx, 'erasure', async () => {
        const sent = await desk.submit(ctx, NewErasure, async (scope, given) => {
          checkErasure(scope, given)
          return scope.actor
        })
        if (!sent.ok) return show(ctx, { part: 'erasure', form: sent.rejected })
        await planErasure(db, sent.value)
        return dismiss(config, ctx.request, ctx.params.slug, 'erasure')
      }),
    )
    .post('/w/:slug/workspace/erasure/removal', ctx =>
      act(ctx, 'erasure', async () => {
        const by = await desk.write(ctx, async ({ actor }) => actor)
        const { served, late } = await keepTenant(db, by)
        if (!served)
          return desk.go(
            ctx,
            '/workspace',
            'The erasure is taken back. The workspace stays suspended.',
            'info',
          )
        const waiting =
          late === 0 ? '' : ` ${late} ${late === 1 ? 'post waits' : 'posts wait'} for your word.`
        return desk.go(ctx, '', `The workspace is kept, and everybody can sign in again.${waiting}`)
      }),
    )
}
