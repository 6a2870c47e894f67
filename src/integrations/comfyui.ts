/**
 * Has ComfyUI draw: arguments in, a picture or `ComfyFailed` out. Its address is the operator's setting and may point
 * inside, so this is a plain fetch.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { fetchPicture, type Output } from './comfyui-files.ts'
import { graphFor, type PictureWish, randomSeed } from './comfyui-graphs.ts'
import { look, type Submitted, submit, withdraw } from './comfyui-queue.ts'
import { ComfyFailed } from './comfyui-wire.ts'

/** How often a job that a restart of ComfyUI lost is submitted again. */
export const maxResubmissions = 3

/** Enough to go on after a restart of ours: hand it back as `resume`. */
export interface Submission {
  promptId: string
  seed: number
  /** 1 for the first; counts on when ComfyUI has lost the job. */
  submission: number
}

export type GenerateProgress =
  /** Told before it is sent, so that whoever keeps it never submits twice after a crash. */
  | ({ is: 'submitting' } & Submission)
  | ({ is: 'submitted' } & Submission)
  | { is: 'queued'; ahead: number }
  | { is: 'running' }
  /** Out of reach for the moment, or restarted and asked again; goes on until the deadline. */
  | { is: 'waiting'; message: string }

export interface GenerateOptions {
  /** For everything together; a job that is not done by then is withdrawn. */
  deadlineMs: number
  /** Withdraws the job. */
  signal?: AbortSignal
  /** Awaited; when it throws, the job is withdrawn (not with `HandedOver`) and the same error comes out of `generate`. */
  onProgress?: (progress: GenerateProgress) => void | Promise<void>
  resume?: Submission
  /** First pause between two looks, doubled up to 2 s. */
  pollMs?: number
}

/** Thrown by `onProgress` to stop looking while the job goes on over there: whoever resumes it brings the picture. */
export class HandedOver extends Error {
  override name = 'HandedOver'
}

export interface Generated {
  /** As ComfyUI gave them: read them like an upload. */
  bytes: Uint8Array
  promptId: string
  seed: number
}

/**
 * Has a wish drawn and brings the picture. Submits, looks until it is done, fetches; a job lost by a restart of ComfyUI
 * is submitted again with the same seed, at most three times. Throws `ComfyFailed`, what
 * `onProgress` throws, and a ZodError for a wish that `pictureWish` refuses.
 */
export async function generate(base: URL, wish: PictureWish, options: GenerateOptions): Promise<Generated> {
  const late = AbortSignal.timeout(options.deadlineMs)
  const stop = options.signal ? AbortSignal.any([options.signal, late]) : late
  const run = new Run(base, wish, options, stop)
  try {
    return await run.toTheEnd()
  } catch (error) {
    if (error instanceof HandedOver) throw error
    const withdrawn = await run.abandon()
    const stopped = stop.aborted && error instanceof Error && [error, error.cause].includes(stop.reason)
    if (!stopped) throw error
    const rest = withdrawn ? '' : ' It could not be withdrawn and may still be drawn there.'
    if (options.signal?.aborted) throw new ComfyFailed('cancelled', `The drawing was cancelled.${rest}`)
    const state = run.outage ?? 'ComfyUI is slow or has a long queue.'
    throw new ComfyFailed(
      'late',
      `The picture was not ready within ${options.deadlineMs / 1000} s. ${state}${rest}`,
    )
  }
}

class Run {
  outage: string | null = null
  private job: Submission | null
  private submissions: number
  private readonly seed: number
  private readonly clientId = crypto.randomUUID()

  constructor(
    private readonly base: URL,
    private readonly wish: PictureWish,
    private readonly options: GenerateOptions,
    private readonly stop: AbortSignal,
  ) {
    this.job = options.resume ?? null
    this.submissions = options.resume?.submission ?? 0
    const wished = wish.graph === 'checkpoint' ? wish.seed : undefined
    this.seed = options.resume?.seed ?? wished ?? randomSeed()
  }

  async toTheEnd(): Promise<Generated> {
    let made: { output: Output; promptId: string } | null = null
    let silent = 0
    for (let wait = this.options.pollMs ?? 250; ; wait = Math.min(2000, wait * 2)) {
      try {
        if (made) return await this.bring(made)
        if (!this.job) await this.submit()
        const job = this.job
        if (job) {
          const seen = await look(this.base, job.promptId, this.stop)
          this.outage = null
          // Twice in a row: a submission whose answer we missed may not have reached the queue yet.
          silent = seen.is === 'unknown' ? silent + 1 : 0
          if (silent === 2) {
            silent = 0
            await this.lost()
          }
          if (seen.is === 'failed') {
            this.job = null
            throw new ComfyFailed(seen.code, seen.message)
          }
          if (seen.is === 'done') {
            this.job = null
            made = { output: firstOf(seen.outputs), promptId: job.promptId }
            continue
          }
          if (seen.is !== 'unknown') await this.tell(seen)
        }
      } catch (error) {
        if (!(error instanceof ComfyFailed && error.code === 'unreachable')) throw error
        // Nothing of ours is over there yet, so there is nothing to wait for.
        if (this.submissions === 0) throw error
        this.outage = error.message
        await this.tell({ is: 'waiting', message: error.message })
      }
      await pause(wait, undefined, { signal: this.stop })
    }
  }

  /** Takes back what may still wait or run there. False when that is not known to have worked. */
  async abandon(): Promise<boolean> {
    if (!this.job) return true
    return withdraw(this.base, this.job.promptId, AbortSignal.timeout(5000)).then(
      () => true,
      () => false,
    )
  }

  private async submit(): Promise<void> {
    const promptId = crypto.randomUUID()
    const next = { promptId, seed: this.seed, submission: this.submissions + 1 }
    const graph = graphFor(this.wish, this.seed, `masthead-${promptId}`)
    await this.tell({ is: 'submitting', ...next })
    this.stop.throwIfAborted()
    this.job = next
    let taken: Submitted
    try {
      taken = await submit(this.base, graph, this.clientId, promptId, this.stop)
    } catch (error) {
      const arrived =
        this.stop.aborted || (error instanceof ComfyFailed && error.code === 'unreachable' && error.sent)
      if (arrived) this.submissions = next.submission
      else this.job = null
      throw error
    }
    this.submissions = next.submission
    this.job = { ...next, promptId: taken.promptId }
    // Taken in part would mean waiting for a picture that never comes; the rest of it is withdrawn.
    if (taken.leftOut.length > 0) throw new ComfyFailed('refused', taken.leftOut.join(' '))
    await this.tell({ is: 'submitted', ...this.job })
  }

  private async lost(): Promise<void> {
    this.job = null
    if (this.submissions > maxResubmissions) {
      const words = `ComfyUI lost the drawing ${this.submissions} times, as if it restarted each time. Look at its log, then generate again.`
      throw new ComfyFailed('lost', words)
    }
    await this.tell({
      is: 'waiting',
      message: 'ComfyUI was restarted and lost the drawing; it is submitted again.',
    })
  }

  private async bring(made: { output: Output; promptId: string }): Promise<Generated> {
    const bytes = await fetchPicture(this.base, made.output, this.stop)
    return { bytes, promptId: made.promptId, seed: this.seed }
  }

  private async tell(progress: GenerateProgress): Promise<void> {
    await this.options.onProgress?.(progress)
  }
}

function firstOf(outputs: Output[]): Output {
  const found = outputs.find(output => output.type === 'output') ?? outputs[0]
  if (!found) throw new ComfyFailed('no_picture', 'ComfyUI finished without a picture. Generate it again.')
  return found
}
