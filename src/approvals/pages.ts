import { Elysia } from 'elysia'
import { z } from 'zod'
import { ReviewPage } from '../../views/approvals/review.tsx'
import { listAccounts } from '../accounts/find.ts'
import { lastComments } from '../content/comments.ts'
import { type PieceRequest, pieceShower } from '../content/composer-pages.ts'
import type { Content } from '../content/find.ts'
import { picturesOf } from '../content/schema.ts'
import type { Scope } from '../db/scope.ts'
import type { Desk, DeskRequest } from '../http/desk.ts'
import type { Rejected } from '../http/form.ts'
import { findMedia } from '../media/find.ts'
import { may } from '../permissions.ts'
import { listRows } from '../publishing/rows.ts'
import type { Services } from '../services.ts'
import { approveContent, requestChanges, takeBack, withdrawApproval } from './approvals.ts'
import { listWaiting, reviewCount } from './find.ts'
import { ApprovingForm, ChangeRequest } from './schema.ts'
import { windowTyped } from './window.ts'

/** Buttons say where they stand, so that the answer leads back there. */
const atReview = (body: unknown) => (body as Record<string, unknown> | null)?._at === 'review'
const placeOf = (ctx: PieceRequest) => (atReview(ctx.body) ? '/review' : `/content/${ctx.params.id}`)
const pageSize = 20

export function approvalsPages(services: Pick<Services, 'config'>, desk: Desk) {
  const showPiece = pieceShower(services, desk)
  const showReview = (ctx: DeskRequest, back?: { id: string; change?: Rejected; approve?: Rejected }) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const waiting = await listWaiting(scope, pageSize)
        const pieces = waiting.map(({ piece }) => piece)
        const [accounts, comments, pictures, all, jobs] = await Promise.all([
          listAccounts(scope),
          lastComments(
            scope,
            pieces.map(({ id }) => id),
          ),
          findMedia(scope, pieces.flatMap(picturesOf), { removed: true }),
          reviewCount(scope),
          Promise.all(
            pieces.map(({ id }) =>
              listRows(scope, { contentId: id, states: ['scheduled', 'held'], limit: 20 }),
            ),
          ),
        ])
        return ReviewPage({
          frame,
          waiting: waiting.map((one, at) => ({
            ...one,
            jobs: jobs[at]?.items ?? [],
            comment: comments.get(one.piece.id) ?? null,
          })),
          all,
          accounts,
          pictures,
          mayApprove: may(scope.actor, 'content.approve'),
          back,
        })
      },
      back ? 422 : 200,
    )

  /** Answers, and goes back to where the button stood; a refusal in words goes along. */
  async function answer(
    ctx: PieceRequest,
    work: (scope: Scope) => Promise<Content>,
    said: string,
  ): Promise<Response> {
    const path = placeOf(ctx)
    const done = await desk.submit(ctx, z.looseObject({}), work)
    return done.ok ? desk.go(ctx, path, said) : desk.go(ctx, path, done.rejected.message, 'bad')
  }

  return new Elysia()
    .get('/w/:slug/review', ctx => showReview(ctx))
    .post('/w/:slug/content/:id/approval', async ctx => {
      const path = placeOf(ctx)
      const done = await desk.submit(ctx, ApprovingForm, (scope, { version, ...typed }, { workspace }) =>
        approveContent(scope, ctx.params.id, { version, ...windowTyped(typed, workspace.zone) }),
      )
      if (done.ok) return desk.go(ctx, path, 'Approved: these very words may go out.')
      const { rejected } = done
      if (!rejected.values.from && !rejected.values.until) return desk.go(ctx, path, rejected.message, 'bad')
      return atReview(ctx.body)
        ? showReview(ctx, { id: ctx.params.id, approve: rejected })
        : showPiece(ctx, { approve: rejected })
    })
    .post('/w/:slug/content/:id/approval/removal', ctx =>
      answer(ctx, scope => withdrawApproval(scope, ctx.params.id), 'The approval is taken back.'),
    )
    .post('/w/:slug/content/:id/submission/removal', ctx =>
      answer(ctx, scope => takeBack(scope, ctx.params.id), 'It is a draft again.'),
    )
    .post('/w/:slug/content/:id/change-request', async ctx => {
      const asked = await desk.submit(ctx, ChangeRequest, (scope, given) =>
        requestChanges(scope, ctx.params.id, given),
      )
      if (asked.ok) return desk.go(ctx, placeOf(ctx), 'Sent back with your note.')
      if (atReview(ctx.body)) return showReview(ctx, { id: ctx.params.id, change: asked.rejected })
      return showPiece(ctx, { change: asked.rejected })
    })
}
