import { Elysia } from 'elysia'
import { z } from 'zod'
import { ComposerPage, DraftKept, DraftRefused } from '../../views/content/composer.tsx'
import { ReadPage } from '../../views/content/read.tsx'
import { submitContent } from '../approvals/approvals.ts'
import type { Scope } from '../db/scope.ts'
import { Invalid, Refusal } from '../errors.ts'
import type { Desk, DeskRequest } from '../http/desk.ts'
import { type Rejected, rejection } from '../http/form.ts'
import { page } from '../http/page.ts'
import { addPicture, keepPicture, preparePicture } from '../media/media.ts'
import { allow } from '../permissions.ts'
import type { Job } from '../publishing/schema.ts'
import type { Services } from '../services.ts'
import { readComposer } from './composer.ts'
import { inFormNames, keepPlan, planTyped, saveTyped } from './composer-form.ts'
import { dropDraft, keepDraft, readDraft } from './drafts.ts'
import { type Content, readPiece } from './find.ts'
import { limits } from './schema.ts'
import { altsDiffer, blank, differs, type Typed, typedOf } from './typed.ts'
import { changedPlace, changeParts } from './typed-thread.ts'

export type PieceRequest = DeskRequest & { params: { slug: string; id: string } }

/** Which form of a piece's page came back. */
export interface Back {
  composer?: Rejected | undefined
  comment?: Rejected | undefined
  change?: Rejected | undefined
  approve?: Rejected | undefined
}

/** The composer's form is read by `typedOf`, which takes it as it is: a draft is kept whatever is in it. */
const AnyForm = z.looseObject({})
const idOf = (ctx: PieceRequest): string | null => (ctx.params.id === 'new' ? null : ctx.params.id)
const pathOf = (ctx: PieceRequest): string => `/content/${ctx.params.id}`

/** Shows one piece: the composer to those who write, the piece to read to the others. */
export const pieceShower =
  ({ config }: Pick<Services, 'config'>, desk: Desk) =>
  (ctx: PieceRequest, back: Back = {}): Promise<Response> =>
    desk.show(
      ctx,
      async (scope, frame, { workspace }) => {
        const id = idOf(ctx)
        if (!id) allow(scope, 'content.write')
        const sheet = await readComposer(scope, id, workspace, {
          sent: back.composer ? typedOf(ctx.body, workspace.zone) : undefined,
          ...beginningOf(ctx.request),
        })
        const readOnly = !sheet.rights.write || sheet.piece?.state === 'archived'
        const generates = config.comfyuiUrl !== null
        return readOnly
          ? ReadPage({ frame, sheet, ...back })
          : ComposerPage({ frame, sheet, generates, ...back })
      },
      back.composer || back.comment || back.change || back.approve ? 422 : 200,
    )

export function composerPages(services: Pick<Services, 'files' | 'config'>, desk: Desk) {
  const { files } = services
  const show = pieceShower(services, desk)

  /** Saves what was typed and does what follows, all in one transaction; else shows the form again as it was. */
  async function saveAnd<T>(
    ctx: PieceRequest,
    then: (scope: Scope, content: Content, typed: Typed) => Promise<T>,
    answer: (content: Content, value: T) => Response,
  ): Promise<Response> {
    const done = await desk.submit(ctx, AnyForm, async (scope, _, { workspace }) => {
      const typed = typedOf(ctx.body, workspace.zone)
      const content = await saveTyped(scope, idOf(ctx), typed)
      // After a save the draft has done its work.
      await dropDraft(scope, idOf(ctx))
      return { content, value: await inFormNames(() => then(scope, content, typed)) }
    })
    return done.ok ? answer(done.value.content, done.value.value) : show(ctx, { composer: done.rejected })
  }

  return new Elysia()
    .get('/w/:slug/content/:id', ctx => show(ctx))
    .post('/w/:slug/content/:id', ctx =>
      saveAnd(ctx, keepPlan, content =>
        desk.go(ctx, `/content/${content.id}`, `Version ${content.version} is saved.`),
      ),
    )
    .post('/w/:slug/content/:id/submission', ctx =>
      saveAnd(
        ctx,
        async (scope, content, typed) => {
          await submitContent(scope, content.id)
          await keepPlan(scope, content, typed)
        },
        content => desk.go(ctx, `/content/${content.id}`, 'It waits for review now.'),
      ),
    )
    .post('/w/:slug/content/:id/publish-jobs', ctx =>
      saveAnd(
        ctx,
        (scope, content, typed) => planTyped(scope, content, ctx.body, typed),
        (content, { jobs, said }) => desk.go(ctx, afterPlanning(ctx.body, content, jobs), said),
      ),
    )
    .post('/w/:slug/content/:id/pictures', async ctx => {
      const id = idOf(ctx)
      const { typed, tenantId } = await desk.write(ctx, async (scope, { workspace }) => {
        allow(scope, 'media.write')
        const typed = typedOf(ctx.body, workspace.zone)
        await keepDraft(scope, id, typed)
        return { typed, tenantId: scope.tenant.id }
      })
      try {
        const chosen = filesOf(ctx.body)
        if (chosen.length === 0)
          throw new Invalid('Choose a picture first.', [
            { path: '_pictures', message: 'Choose a picture first.' },
          ])
        if (typed.media.length + chosen.length > limits.media)
          throw new Invalid(`A post takes at most ${limits.media} pictures.`, [
            { path: '_pictures', message: `A post takes at most ${limits.media} pictures.` },
          ])
        for (const file of chosen) {
          const prepared = await preparePicture(await file.bytes())
          await keepPicture(files, tenantId, prepared, () =>
            desk.write(ctx, async (scope, { workspace }) => {
              await addPicture(scope, prepared, { name: file.name })
              const kept = (await readDraft(scope, id))?.typed ?? blank(workspace.zone)
              await keepDraft(scope, id, { ...kept, media: [...kept.media, prepared.id] })
            }),
          )
        }
      } catch (error) {
        const refused = rejection(ctx.body, error)
        if (!refused) throw error
        const { file, _pictures, ...errors } = refused.errors
        return show(ctx, {
          composer: { ...refused, errors: { ...errors, _pictures: _pictures ?? file ?? refused.message } },
        })
      }
      return desk.go(ctx, `${pathOf(ctx)}#pictures`)
    })
    .post('/w/:slug/content/:id/arrangement', async ctx => {
      await desk.write(ctx, (scope, { workspace }) =>
        keepDraft(scope, idOf(ctx), arranged(typedOf(ctx.body, workspace.zone), ctx.body)),
      )
      return desk.go(ctx, `${pathOf(ctx)}#${placeOf(ctx.body)}`)
    })
    .post('/w/:slug/content/:id/draft', async ctx => {
      try {
        const kept = await desk.write(ctx, async (scope, { workspace }) => {
          const typed = typedOf(ctx.body, workspace.zone)
          const at = await keepDraft(scope, idOf(ctx), typed)
          const sheet = await readComposer(scope, idOf(ctx), workspace, { sent: typed })
          return {
            at,
            sheet,
            workspace,
            changed: differs(typed, sheet.piece) || altsDiffer(typed, sheet.pictures),
          }
        })
        return page(DraftKept(kept))
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        return page(DraftRefused({ why: error.message }), 422)
      }
    })
    .post('/w/:slug/content/:id/draft/removal', async ctx => {
      await desk.write(ctx, async scope => {
        const id = idOf(ctx)
        if (id) await readPiece(scope, id)
        await dropDraft(scope, id)
      })
      return desk.go(ctx, pathOf(ctx), 'What was not saved is gone.', 'info')
    })
}

/** One post that goes out now is watched on its own page. */
function afterPlanning(body: unknown, content: Content, jobs: readonly Job[]): string {
  const [only, second] = jobs
  const now = (body as Record<string, unknown>).when === 'now'
  return now && only && !second ? `/publish-jobs/${only.id}` : `/content/${content.id}`
}

/** What a button changed in the order of the pictures or in the parts. */
function arranged(typed: Typed, body: unknown): Typed {
  const { _earlier, _part } = (body ?? {}) as Record<string, unknown>
  return typeof _part === 'string' ? changeParts(typed, _part) : earlier(typed, _earlier)
}

/** Where the page is to be looked at after that. */
function placeOf(body: unknown): string {
  const { _part } = (body ?? {}) as Record<string, unknown>
  return typeof _part === 'string' ? changedPlace(_part) : 'pictures'
}

function earlier(typed: Typed, id: unknown): Typed {
  const at = typeof id === 'string' ? typed.media.indexOf(id) : -1
  if (at < 1) return typed
  const media = [...typed.media]
  media.splice(at - 1, 2, ...media.slice(at - 1, at + 1).reverse())
  return { ...typed, media }
}

const filesOf = (body: unknown): File[] =>
  [(body as Record<string, unknown> | null)?._pictures]
    .flat()
    .filter((given): given is File => given instanceof File && given.size > 0)

/**
 * What a link to a new post brings along: `?local=2026-12-01T09:00` from a day of the calendar, `?media=<id>` from a
 * picture that was just made, `&account=<id>` from a free slot.
 */
function beginningOf(request: Request): { local: string; media: string | null; account: string | null } {
  const query = new URL(request.url).searchParams
  const local = query.get('local') ?? ''
  return {
    local: /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(local) ? local : '',
    media: query.get('media'),
    account: query.get('account'),
  }
}
