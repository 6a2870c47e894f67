import { z } from 'zod'
import { Invalid, NotFound } from '../errors.ts'
import {
  type Generated,
  type GenerateProgress,
  generate,
  HandedOver,
  type Submission,
} from '../integrations/comfyui.ts'
import { type PictureWish, pictureWish } from '../integrations/comfyui-graphs.ts'
import { ComfyFailed } from '../integrations/comfyui-wire.ts'
import { addPicture, keepPicture, preparePicture } from '../media/media.ts'
import type { Services } from '../services.ts'
import { StorageTrouble } from '../storage/storage.ts'
import { type ClaimedRun, type Ending, record, renew, system } from './run-record.ts'

/** For one picture, from claim to file; a job that is not done by then is withdrawn. */
const deadlineMs = 15 * 60_000
const renewMs = 10_000

const saved = z.object({ promptId: z.string(), seed: z.number(), submission: z.number() })

/** Has a picture drawn and puts it into the media library, in the transaction that records the run. Null: let go. */
export async function drawPicture(
  services: Services,
  tenantId: string,
  run: ClaimedRun,
  stop?: AbortSignal,
): Promise<Ending | null> {
  const base = services.config.comfyuiUrl
  if (!base)
    return {
      is: 'failed',
      outcome: 'No ComfyUI is connected. Whoever runs Masthead sets COMFYUI_URL; then generate it again.',
    }
  const wish = pictureWish.parse(run.input)
  const lease = keepLease(services, tenantId, run, stop)
  try {
    const resume = saved.safeParse(run.answer).data
    const made = await generate(base, wish, {
      deadlineMs,
      onProgress: lease.progress,
      ...(resume ? { resume } : {}),
    })
    return await keep(services, tenantId, run, wish, made)
  } catch (error) {
    if (error instanceof HandedOver)
      return lease.lost()
        ? null
        : { is: 'retry', afterSeconds: 0, outcome: 'Masthead was interrupted; the drawing goes on.' }
    return explain(services, run, error)
  } finally {
    lease.end()
  }
}

function explain(services: Services, run: ClaimedRun, error: unknown): Ending {
  // Nothing was left with ComfyUI, so the next try begins afresh.
  if (error instanceof ComfyFailed && error.code === 'unreachable')
    return { is: 'retry', outcome: error.message, forget: true }
  if (error instanceof ComfyFailed) return { is: 'failed', outcome: error.message }
  if (error instanceof Invalid)
    return { is: 'failed', outcome: `What ComfyUI made cannot be used. ${error.message}` }
  if (error instanceof StorageTrouble) {
    services.log.error('a generated picture could not be stored', { error, why: error.why, run: run.id })
    return { is: 'retry', outcome: error.message }
  }
  services.log.error('a picture could not be generated', { error, run: run.id })
  return {
    is: 'retry',
    outcome: 'Something went wrong on our side; it is written down in the log of Masthead.',
  }
}

async function keep(
  services: Services,
  tenantId: string,
  run: ClaimedRun,
  wish: PictureWish,
  made: Generated,
): Promise<Ending | null> {
  const prepared = await preparePicture(made.bytes)
  const answer = { mediaId: prepared.id, promptId: made.promptId, seed: made.seed }
  const outcome = 'The picture is in the media library.'
  const kept = await keepPicture(services.files, tenantId, prepared, () =>
    services.db.within(system(tenantId, run.startedBy), async scope => {
      const { recorded } = await record(scope, run, { is: 'succeeded', answer, outcome })
      if (recorded) await addPicture(scope, prepared, { ...describe(wish), source: 'generated' })
      return recorded
    }),
  )
  return kept ? { is: 'recorded' } : null
}

function describe(wish: PictureWish): { alt: string; name: string } {
  if (wish.graph === 'plain') return { alt: `A plain card in the colour ${wish.colour}`, name: 'Colour card' }
  const words = wish.prompt.replace(/\s+/gu, ' ').trim()
  return { alt: words, name: [...words].slice(0, 60).join('') }
}

/** Holds the run while it is drawn and saves each step before it is taken, so that a crash never draws twice. */
function keepLease(services: Services, tenantId: string, run: ClaimedRun, stop: AbortSignal | undefined) {
  let lost = false
  let submission: Submission | null = null
  let told = ''
  const write = async (progress?: object): Promise<void> => {
    const held = await services.db.within(system(tenantId), scope => renew(scope, run, progress))
    if (!held) lost = true
  }
  const timer = setInterval(() => {
    write().catch(error => {
      // A workspace that is gone takes its runs along; anything else is tried again in a moment.
      if (error instanceof NotFound) lost = true
      services.log.warn('the lease of a run was not renewed', { error, run: run.id })
    })
  }, renewMs)
  return {
    lost: () => lost,
    end: () => clearInterval(timer),
    async progress(step: GenerateProgress): Promise<void> {
      if (lost || stop?.aborted) throw new HandedOver()
      if (step.is === 'submitting' || step.is === 'submitted') {
        const { promptId, seed, submission: count } = step
        submission = { promptId, seed, submission: count }
      }
      const { is } = step
      const more = is === 'queued' ? { ahead: step.ahead } : is === 'waiting' ? { message: step.message } : {}
      const known = submission ?? saved.safeParse(run.answer).data ?? {}
      const progress = { progress: is, ...known, ...more }
      const words = JSON.stringify(progress)
      if (words === told) return
      told = words
      try {
        await write(progress)
      } catch (error) {
        // The drawing itself is well: it is resumed once the database is back.
        services.log.warn('the progress of a run was not saved', { error, run: run.id })
        if (error instanceof NotFound) lost = true
        throw new HandedOver()
      }
      if (lost) throw new HandedOver()
    },
  }
}
