import { Elysia } from 'elysia'
import { z } from 'zod'
import { HistoryPage } from '../../views/content/history.tsx'
import { ContentPage } from '../../views/content/list.tsx'
import { listDecisions } from '../approvals/find.ts'
import { Malformed } from '../errors.ts'
import type { Desk } from '../http/desk.ts'
import { findMedia } from '../media/find.ts'
import type { Services } from '../services.ts'
import { comment } from './comments.ts'
import { type PieceRequest, pieceShower } from './composer-pages.ts'
import { archiveContent, duplicateContent, restoreContent, saveContent } from './content.ts'
import { dropDraft, readDraft } from './drafts.ts'
import { listContent, listTags, type Narrowed, readPiece } from './find.ts'
import { plansOf } from './plans.ts'
import { NewComment } from './schema.ts'
import { differs } from './typed.ts'
import { compareVersions, readVersion } from './versions.ts'

/** A view of the list; anything that is none of these shows everything. */
const View = z.object({
  state: z
    .enum(['draft', 'in_review', 'changes_requested', 'approved', 'planned', 'published', 'archived'])
    .optional()
    .catch(undefined),
  tag: z.string().max(100).optional().catch(undefined),
  q: z.string().max(200).optional().catch(undefined),
  cursor: z.string().optional().catch(undefined),
})
const pageSize = 30

export function contentPages(services: Pick<Services, 'config'>, desk: Desk) {
  const showPiece = pieceShower(services, desk)
  const idPath = (ctx: PieceRequest) => `/content/${ctx.params.id}`

  return new Elysia()
    .get('/w/:slug/content', ctx =>
      desk.show(ctx, async (scope, frame) => {
        const view = View.parse(ctx.query)
        const query: Narrowed = { ...view, limit: pageSize }
        const { items, next } = await listContent(scope, query).catch(error => {
          // An old link to a page of the list leads to its start.
          if (error instanceof Malformed) return listContent(scope, { ...query, cursor: undefined })
          throw error
        })
        const [plans, tags, pictures, draft] = await Promise.all([
          plansOf(
            scope,
            items.map(({ id }) => id),
          ),
          listTags(scope),
          findMedia(
            scope,
            items.flatMap(({ media }) => media.slice(0, 1)),
            { removed: true },
          ),
          frame.canWrite ? readDraft(scope, null) : null,
        ])
        return ContentPage({
          frame,
          view,
          items,
          next,
          plans,
          tags,
          pictures,
          draft: draft && differs(draft.typed, null) ? draft : null,
        })
      }),
    )
    .get('/w/:slug/content/:id/versions', ctx =>
      desk.show(ctx, async (scope, frame) => {
        const piece = await readPiece(scope, ctx.params.id)
        const cursor = z.string().optional().catch(undefined).parse(ctx.query.cursor)
        const [{ items, next }, decisions] = await Promise.all([
          compareVersions(scope, piece.id, { limit: 20, cursor }),
          listDecisions(scope, piece.id, 200),
        ])
        return HistoryPage({ frame, piece, compared: items, decisions, next })
      }),
    )
    .post('/w/:slug/content/:id/versions/:number/return', async ctx => {
      const saved = await desk.write(ctx, async scope => {
        const version = await readVersion(scope, ctx.params.id, Math.trunc(Number(ctx.params.number)) || 0)
        const { text, media, thread, firstComment, variants } = version
        await dropDraft(scope, ctx.params.id)
        return saveContent(scope, ctx.params.id, { text, media, thread, firstComment, variants })
      })
      return desk.go(ctx, idPath(ctx), `Version ${ctx.params.number} is back, as version ${saved.version}.`)
    })
    .post('/w/:slug/content/:id/copies', async ctx => {
      const { id } = await desk.write(ctx, scope => duplicateContent(scope, ctx.params.id))
      return desk.go(ctx, `/content/${id}`, 'This is the copy: a draft of its own.')
    })
    .post('/w/:slug/content/:id/archive', async ctx => {
      await desk.write(ctx, scope => archiveContent(scope, ctx.params.id))
      return desk.go(ctx, idPath(ctx), 'It is in the archive. What was planned of it is cancelled.', 'info')
    })
    .post('/w/:slug/content/:id/restoration', async ctx => {
      const done = await desk.submit(ctx, z.looseObject({}), scope => restoreContent(scope, ctx.params.id))
      if (done.ok) return desk.go(ctx, idPath(ctx), 'It is back, as a draft.')
      return desk.go(ctx, idPath(ctx), done.rejected.message, 'bad')
    })
    .post('/w/:slug/content/:id/comments', async ctx => {
      const said = await desk.submit(ctx, NewComment, (scope, given) => comment(scope, ctx.params.id, given))
      return said.ok
        ? desk.go(ctx, `${idPath(ctx)}#comment-${said.value.id}`)
        : showPiece(ctx, { comment: said.rejected })
    })
}
