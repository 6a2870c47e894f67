/** One exchange with ComfyUI, and what can go wrong with it in words. */
import type { z } from 'zod'
import { readAtMost } from './answer.ts'

/** The queue holds every waiting graph whole, and a failed node's inputs can be long texts. */
const maxAnswerBytes = 32 * 1024 * 1024
/** For one exchange; ComfyUI answers in milliseconds unless a node blocks its Python. */
const exchangeMs = 20_000

export type ComfyTrouble =
  | 'unreachable'
  | 'not_comfyui'
  | 'missing_node'
  | 'missing_model'
  | 'refused'
  | 'failed'
  | 'interrupted'
  | 'no_picture'
  | 'too_large'
  | 'lost'
  | 'late'
  | 'cancelled'

/** ComfyUI did not do it; the message says why and what to change, without anything of its machine. */
export class ComfyFailed extends Error {
  override name = 'ComfyFailed'
  constructor(
    readonly code: ComfyTrouble,
    message: string,
    /** With `unreachable`: false only when the call certainly did not arrive. */
    readonly sent = true,
  ) {
    super(message)
  }
}

export interface Ask {
  method?: 'POST'
  body?: string
  signal?: AbortSignal | undefined
  maxBytes?: number
}

export interface Answer {
  status: number
  bytes: Uint8Array
}

/** Asks for `path` below `base` and reads the answer up to its limit. Throws `ComfyFailed`, or the reason of `signal`. */
export async function exchange(base: URL, path: string, ask: Ask): Promise<Answer> {
  const root = new URL(base)
  if (!root.pathname.endsWith('/')) root.pathname += '/'
  const limit = AbortSignal.timeout(exchangeMs)
  try {
    const response = await fetch(new URL(path, root), {
      method: ask.method ?? 'GET',
      ...(ask.body === undefined ? {} : { body: ask.body, headers: { 'content-type': 'application/json' } }),
      redirect: 'manual',
      signal: ask.signal ? AbortSignal.any([ask.signal, limit]) : limit,
      keepalive: false,
    })
    return { status: response.status, bytes: await bounded(response, ask.maxBytes ?? maxAnswerBytes) }
  } catch (error) {
    if (error instanceof ComfyFailed) throw error
    if (ask.signal?.aborted) throw ask.signal.reason
    throw outOfReach(base, error)
  }
}

async function bounded(response: Response, most: number): Promise<Uint8Array> {
  const { bytes, whole } = await readAtMost(response, most)
  if (whole) return bytes
  throw new ComfyFailed(
    'too_large',
    `ComfyUI’s answer is larger than ${most / 1024 / 1024} MiB. Ask for a smaller picture.`,
  )
}

/** The answer as `shape`. Throws `ComfyFailed` when it is no JSON of that shape. */
export function parse<T>(base: URL, shape: z.ZodType<T>, answer: Answer): T {
  try {
    return shape.parse(JSON.parse(new TextDecoder().decode(answer.bytes)))
  } catch (cause) {
    const failed = new ComfyFailed(
      'not_comfyui',
      `What answers at ${base.host} does not speak as ComfyUI does. Check COMFYUI_URL.`,
    )
    failed.cause = cause
    throw failed
  }
}

function outOfReach(base: URL, error: unknown): ComfyFailed {
  const { name, code } = error as { name?: unknown; code?: unknown }
  if (name === 'TimeoutError') {
    return new ComfyFailed(
      'unreachable',
      `ComfyUI at ${base.host} did not answer within ${exchangeMs / 1000} s. Check that it runs.`,
    )
  }
  const sent = code !== 'ECONNREFUSED' && code !== 'ENOTFOUND'
  const words = `ComfyUI at ${base.host} cannot be reached (${String(code ?? name)}). Check that it runs and that COMFYUI_URL is right.`
  return new ComfyFailed('unreachable', words, sent)
}

/** A status that no route of ComfyUI gives here. */
export function unexpected(base: URL, status: number): ComfyFailed {
  if (status === 401 || status === 403) {
    return new ComfyFailed(
      'refused',
      `ComfyUI at ${base.host} refused the call (${status}). Let this server in, at ComfyUI or at the proxy before it.`,
    )
  }
  if (status >= 502 && status <= 504) {
    return new ComfyFailed(
      'unreachable',
      `ComfyUI at ${base.host} is not up behind its proxy (${status}). Try again in a minute.`,
    )
  }
  return new ComfyFailed(
    'not_comfyui',
    `What answers at ${base.host} gave ${status}, which ComfyUI does not. Check COMFYUI_URL.`,
  )
}
