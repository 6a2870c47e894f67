import { Elysia } from 'elysia'
import { z } from 'zod'
import { GeneratePage } from '../../views/workflows/generate.tsx'
import { RunPage, runProgress } from '../../views/workflows/run.tsx'
import type { Scope } from '../db/scope.ts'
import type { Desk, DeskRequest } from '../http/desk.ts'
import type { Rejected } from '../http/form.ts'
import { page } from '../http/page.ts'
import { listCheckpoints } from '../integrations/comfyui-files.ts'
import { ComfyFailed } from '../integrations/comfyui-wire.ts'
import { findMedia, type Media } from '../media/find.ts'
import { allow } from '../permissions.ts'
import type { Services } from '../services.ts'
import { readRun, readWorkflow } from './find.ts'
import { formOf, wishOf } from './generate-form.ts'
import { startGeneration } from './runs.ts'
import { GenerateForm, type Run } from './schema.ts'

/** How long the form waits for ComfyUI's list of models. */
const listMs = 4000
const made = z.object({ mediaId: z.string() })

/** A run with what its page shows beside it. */
async function readShown(scope: Scope, id: string) {
  const run = await readRun(scope, id)
  const [media = null] = await mediaOf(scope, run)
  const workflow = run.workflowId ? await readWorkflow(scope, run.workflowId) : null
  return { run, media, workflow }
}

const mediaOf = async (scope: Scope, { kind, answer }: Run): Promise<Media[]> => {
  const mediaId = kind === 'comfyui' ? made.safeParse(answer).data?.mediaId : undefined
  return mediaId ? findMedia(scope, [mediaId]) : []
}

/** The pages of one run, and of asking for a picture. */
export function runPages({ config }: Pick<Services, 'config'>, desk: Desk) {
  const base = config.comfyuiUrl

  /** What ComfyUI can draw with, or why it does not say. Asked outside the page's transaction. */
  async function models(): Promise<{ checkpoints: string[]; trouble: string | null }> {
    if (!base) return { checkpoints: [], trouble: null }
    const limit = AbortSignal.timeout(listMs)
    try {
      return { checkpoints: await listCheckpoints(base, limit), trouble: null }
    } catch (error) {
      if (error instanceof ComfyFailed) return { checkpoints: [], trouble: error.message }
      if (!limit.aborted) throw error
      const trouble = `ComfyUI did not list its models within ${listMs / 1000} s. It may be busy: look again in a moment.`
      return { checkpoints: [], trouble }
    }
  }

  async function form(ctx: DeskRequest & { query?: Record<string, unknown> }, rejected?: Rejected) {
    const again = z.string().optional().catch(undefined).parse(ctx.query?.again)
    const values = await desk.read(ctx, async scope => {
      allow(scope, 'media.write')
      if (again === undefined) return {}
      return formOf((await readRun(scope, again)).input)
    })
    const { checkpoints, trouble } = await models()
    const shown: Rejected['values'] = rejected?.values ?? values
    const asked = shown.model === '' ? 'card' : ctx.query?.kind
    const kind = asked ?? (checkpoints.length === 0 && !trouble ? 'card' : 'words')
    return desk.show(
      ctx,
      async (_, frame) =>
        GeneratePage({
          frame,
          connected: base !== null,
          checkpoints,
          trouble,
          card: kind === 'card',
          values: shown,
          form: rejected,
        }),
      rejected ? 422 : 200,
    )
  }

  return new Elysia()
    .get('/w/:slug/media/generate', ctx => form(ctx))
    .post('/w/:slug/media/generate', async ctx => {
      const sent = await desk.submit(ctx, GenerateForm, (scope, given) =>
        startGeneration(scope, wishOf(given), base),
      )
      return sent.ok ? desk.go(ctx, `/runs/${sent.value.id}`) : form(ctx, sent.rejected)
    })
    .get('/w/:slug/runs/:id', ctx =>
      desk.show(ctx, async (scope, frame) => RunPage({ frame, ...(await readShown(scope, ctx.params.id)) })),
    )
    .get('/w/:slug/runs/:id/progress', async ctx => {
      const { slug, id } = ctx.params
      const shown = await desk.read(ctx, async (scope, { workspace }) => ({
        ...(await readShown(scope, id)),
        zone: workspace.zone,
      }))
      const { fragment, seen } = runProgress({ base: `/w/${slug}`, ...shown })
      // Nothing new: the page stays as it is, and so does what somebody is reading or has focused.
      return ctx.query.seen === seen ? new Response(null, { status: 204 }) : page(fragment)
    })
}
