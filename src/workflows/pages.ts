import { Elysia } from 'elysia'
import { z } from 'zod'
import { WorkflowsPage } from '../../views/workflows/list.tsx'
import { WorkflowPage } from '../../views/workflows/one.tsx'
import type { Desk, DeskRequest } from '../http/desk.ts'
import type { Rejected } from '../http/form.ts'
import type { Services } from '../services.ts'
import { latestRuns, listRuns, listWorkflows, readWorkflow } from './find.ts'
import { startRun } from './runs.ts'
import { NewWorkflow, WorkflowChange } from './schema.ts'
import { changeWorkflow, createWorkflow, deleteWorkflow } from './workflows.ts'

type Made = Awaited<ReturnType<typeof createWorkflow>>
type One = DeskRequest & { params: { slug: string; id: string }; query?: Record<string, unknown> }

// Two forms: a form without a tick means "no", so the settings must not speak of `active` at all.
const Settings = WorkflowChange.omit({ active: true })
const Switch = WorkflowChange.pick({ active: true })

const cursorOf = (query: Record<string, unknown> | undefined): string | undefined =>
  z.string().optional().catch(undefined).parse(query?.cursor)

export function workflowPages({ config }: Pick<Services, 'config'>, desk: Desk) {
  const n8n = config.n8nUrl?.href ?? null
  const list = (
    ctx: DeskRequest & { query?: Record<string, unknown> },
    more: { form?: Rejected; made?: Made } = {},
    status = 200,
  ) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const { items, next } = await listWorkflows(scope, { cursor: cursorOf(ctx.query) })
        const runs = await latestRuns(
          scope,
          items.map(item => item.id),
        )
        return WorkflowsPage({ frame, n8n, workflows: items, next, runs, ...more })
      },
      status,
    )
  const one = (ctx: One, form?: Rejected) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const { id } = ctx.params
        const workflow = await readWorkflow(scope, id)
        const runs = await listRuns(scope, id, { limit: 20, cursor: cursorOf(ctx.query) })
        return WorkflowPage({ frame, n8n, workflow, runs, form })
      },
      form ? 422 : 200,
    )

  return new Elysia()
    .get('/w/:slug/workflows', ctx => list(ctx))
    .post('/w/:slug/workflows', async ctx => {
      const sent = await desk.submit(ctx, NewWorkflow, (scope, given) => createWorkflow(scope, given))
      // No redirect: the secret is shown here, once, and kept nowhere on the way.
      return sent.ok ? list(ctx, { made: sent.value }, 201) : list(ctx, { form: sent.rejected }, 422)
    })
    .get('/w/:slug/workflows/:id', ctx => one(ctx))
    .post('/w/:slug/workflows/:id', async ctx => {
      const { id } = ctx.params
      const sent = await desk.submit(ctx, Settings, (scope, given) => changeWorkflow(scope, id, given))
      if (!sent.ok) return one(ctx, sent.rejected)
      return desk.go(ctx, `/workflows/${id}`, 'Saved.')
    })
    .post('/w/:slug/workflows/:id/active', async ctx => {
      const { id } = ctx.params
      const sent = await desk.submit(ctx, Switch, (scope, given) => changeWorkflow(scope, id, given))
      if (!sent.ok) return one(ctx, sent.rejected)
      const words = sent.value.active
        ? 'It runs again with the next post.'
        : 'It is off: posts no longer start it.'
      return desk.go(ctx, `/workflows/${id}`, words)
    })
    .post('/w/:slug/workflows/:id/runs', async ctx => {
      const run = await desk.write(ctx, scope => startRun(scope, ctx.params.id, undefined))
      return desk.go(ctx, `/runs/${run.id}`)
    })
    .post('/w/:slug/workflows/:id/removal', async ctx => {
      await desk.write(ctx, scope => deleteWorkflow(scope, ctx.params.id))
      return desk.go(ctx, '/workflows', 'The workflow is removed. In n8n, its flow is still there.')
    })
}
