import { Elysia } from 'elysia'
import { z } from 'zod'
import { JobPage } from '../../views/publishing/job.tsx'
import { JobListPage } from '../../views/publishing/list.tsx'
import { ReceiptPage } from '../../views/publishing/receipt.tsx'
import { JobStatus } from '../../views/publishing/status.tsx'
import { countsOf } from '../analytics/find.ts'
import type { Scope } from '../db/scope.ts'
import { forecastOf } from '../forecast/find.ts'
import type { Desk, DeskRequest } from '../http/desk.ts'
import type { Rejected } from '../http/form.ts'
import { page } from '../http/page.ts'
import { may } from '../permissions.ts'
import { listSlots } from '../slots/find.ts'
import { cancelJob, moveJob, publishNow, resolveJob } from './moves.ts'
import { readReceipt } from './receipt.ts'
import { countStates, dateNow, listRows } from './rows.ts'
import { type Job, jobStates, Resolution, TimeForm } from './schema.ts'
import { readSheet } from './sheet.ts'

type JobRequest = DeskRequest & { params: { slug: string; id: string } }

const Nothing = z.strictObject({})
const rowsAPage = 50
const JobListView = z.object({
  state: z.enum(jobStates).optional().catch(undefined),
  after: z.string().max(400).optional().catch(undefined),
})
const StatusView = z.object({ seen: z.string().max(40).optional().catch(undefined) })

/** Pages that may show a job's answers, and where their forms lead back to. */
const origins = ['', '/notifications'] as const
const originOf = (body: unknown): string | null => {
  const given = (body as { _back?: unknown } | null)?._back
  return origins.find(path => path === given) ?? null
}

/** One job's page, the list of jobs by state, and what can be done about a job. */
export function publishingPages(desk: Desk) {
  const show = (ctx: JobRequest, rejected?: Rejected) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const [sheet, readings, forecast] = await Promise.all([
          readSheet(scope, ctx.params.id),
          countsOf(scope, ctx.params.id),
          forecastOf(scope, ctx.params.id),
        ])
        const maySchedule = may(scope.actor, 'jobs.schedule')
        return JobPage({
          frame,
          sheet,
          hasSlots: maySchedule && (await listSlots(scope, sheet.job.accountId)).length > 0,
          readings,
          forecast,
          maySchedule,
          rejected,
        })
      },
      rejected ? 422 : 200,
    )

  /** Does it, then goes back to where the button was, or shows the job with what was wrong. */
  const act = async <S extends z.ZodType>(
    ctx: JobRequest,
    schema: S,
    move: (scope: Scope, given: z.output<S>) => Promise<Job>,
    said: (job: Job) => string,
  ) => {
    const done = await desk.submit(ctx, schema, move)
    if (!done.ok) return show(ctx, done.rejected)
    return desk.go(ctx, originOf(ctx.body) ?? `/publish-jobs/${ctx.params.id}`, said(done.value))
  }

  return new Elysia()
    .get('/w/:slug/publish-jobs', ctx =>
      desk.show(ctx, async (scope, frame) => {
        const view = JobListView.parse(ctx.query)
        const [jobs, counts, today] = await Promise.all([
          listRows(scope, {
            states: view.state && [view.state],
            cursor: view.after,
            limit: rowsAPage,
            newestFirst: true,
          }),
          countStates(scope),
          dateNow(scope, frame.workspace.zone),
        ])
        return JobListPage({ frame, view, jobs, counts, today })
      }),
    )
    .get('/w/:slug/publish-jobs/:id', ctx => show(ctx))
    .get('/w/:slug/publish-jobs/:id/receipt', ctx =>
      desk.show(ctx, async (scope, frame) =>
        ReceiptPage({ frame, receipt: await readReceipt(scope, ctx.params.id) }),
      ),
    )
    .get('/w/:slug/publish-jobs/:id/status', async ctx => {
      const { status, seen } = await desk.read(ctx, async (scope, { workspace }) => {
        const sheet = await readSheet(scope, ctx.params.id)
        return JobStatus({ workspace, sheet, maySchedule: may(scope.actor, 'jobs.schedule'), polled: true })
      })
      // Nothing new: an open panel or a half-typed address on the page is left alone.
      if (StatusView.parse(ctx.query).seen === seen)
        return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
      return page(status)
    })
    .post('/w/:slug/publish-jobs/:id/time', ctx =>
      act(
        ctx,
        TimeForm,
        (scope, { lateMinutes = null, ...at }) => moveJob(scope, ctx.params.id, { at, lateMinutes }),
        goesOut,
      ),
    )
    .post('/w/:slug/publish-jobs/:id/slot', ctx =>
      act(ctx, Nothing, scope => moveJob(scope, ctx.params.id, { slot: 'next' }), goesOut),
    )
    .post('/w/:slug/publish-jobs/:id/now', ctx =>
      act(
        ctx,
        Nothing,
        scope => publishNow(scope, ctx.params.id),
        job => (job.state === 'held' ? 'It goes out as soon as it is no longer held.' : 'It goes out now.'),
      ),
    )
    .post('/w/:slug/publish-jobs/:id/cancellation', ctx =>
      act(
        ctx,
        Nothing,
        scope => cancelJob(scope, ctx.params.id),
        () => 'Cancelled: it does not go out.',
      ),
    )
    .post('/w/:slug/publish-jobs/:id/resolution', ctx =>
      act(
        ctx,
        Resolution,
        (scope, given) => resolveJob(scope, ctx.params.id, given),
        job => answers[job.state] ?? 'Noted.',
      ),
    )
}

const goesOut = (job: Job) => `It goes out on ${job.local.replace('T', ' at ')} (${job.zone}).`

const answers: Partial<Record<Job['state'], string>> = {
  published: 'Noted: it is there.',
  failed: 'Noted: we have given it up. Nothing more is sent.',
  cancelled: 'Cancelled: it does not go out.',
  scheduled: 'It is sent again now.',
  publishing: 'It is sent again now.',
}
