/** ComfyUI's queue and history: submit, look, withdraw. Both live in its memory only; after a restart it knows nothing. */
import { z } from 'zod'
import { type Output, outputFile } from './comfyui-files.ts'
import { type Graph, nodeTroubles, plainWords } from './comfyui-graphs.ts'
import { ComfyFailed, exchange, parse, unexpected } from './comfyui-wire.ts'

export type Look =
  /** `ahead`: jobs that run or wait before it. */
  | { is: 'queued'; ahead: number }
  | { is: 'running' }
  | { is: 'done'; outputs: Output[] }
  | { is: 'failed'; code: 'failed' | 'interrupted'; message: string }
  /** Neither waiting, running nor in the history: the server was restarted. Submit again with the same seed. */
  | { is: 'unknown' }

export interface Submitted {
  /** ComfyUI's own word for the id; older versions do not take ours. */
  promptId: string
  /** Sentences about nodes that will not run: ComfyUI takes partly valid graphs with 200. */
  leftOut: string[]
}

const accepted = z.object({ prompt_id: z.string().min(1), node_errors: z.unknown() })
const rejected = z.object({
  error: z.object({ type: z.string(), message: z.string().catch(''), details: z.string().catch('') }),
  node_errors: z.unknown(),
})

/** Queues a graph. `promptId` must be a lowercase UUID (newer versions insist). Nothing is idempotent: the same id twice runs twice. */
export async function submit(
  base: URL,
  graph: Graph,
  clientId: string,
  promptId: string,
  signal?: AbortSignal,
): Promise<Submitted> {
  const body = JSON.stringify({ prompt: graph, client_id: clientId, prompt_id: promptId })
  const answer = await exchange(base, 'prompt', { method: 'POST', body, signal })
  if (answer.status === 200) {
    const read = parse(base, accepted, answer)
    return {
      promptId: read.prompt_id,
      leftOut: nodeTroubles(read.node_errors).map(trouble => trouble.message),
    }
  }
  if (answer.status !== 400) throw unexpected(base, answer.status)
  const { error, node_errors } = parse(base, rejected, answer)
  // Up to 0.3 an unknown class is an `invalid_prompt`, later a `missing_node_type`.
  if (
    error.type === 'missing_node_type' ||
    (error.type === 'invalid_prompt' && /does not exist/.test(error.message))
  ) {
    const words = plainWords(`${error.message} ${error.details}`)
    throw new ComfyFailed(
      'missing_node',
      `ComfyUI lacks a node of the graph: ${words} Update ComfyUI or install that node there.`,
    )
  }
  const troubles = nodeTroubles(node_errors)
  const words = troubles.map(trouble => trouble.message).join(' ')
  const missing = troubles.some(trouble => trouble.kind === 'missing_model')
  throw new ComfyFailed(
    missing ? 'missing_model' : 'refused',
    words || `ComfyUI refuses the graph: ${plainWords(`${error.message} ${error.details}`)}`,
  )
}

const queueItem = z.tuple([z.number(), z.string()], z.unknown())
const queueAnswer = z.object({ queue_running: z.array(queueItem), queue_pending: z.array(queueItem) })
const historyEntry = z.object({
  outputs: z.record(
    z.string(),
    z.object({ images: z.array(outputFile).optional().catch(undefined) }).catch({}),
  ),
  status: z
    .object({ status_str: z.string(), messages: z.array(z.tuple([z.string(), z.unknown()])).catch([]) })
    .nullish(),
})

/** Where a job is. The history answers `{}` for waiting, running and unknown alike, so the queue is asked too. */
export async function look(base: URL, promptId: string, signal?: AbortSignal): Promise<Look> {
  const before = await history(base, promptId, signal)
  if (before) return before
  const answer = await exchange(base, 'queue', { signal })
  if (answer.status !== 200) throw unexpected(base, answer.status)
  const queue = parse(base, queueAnswer, answer)
  if (queue.queue_running.some(([, id]) => id === promptId)) return { is: 'running' }
  const own = queue.queue_pending.find(([, id]) => id === promptId)
  if (own) {
    const earlier = queue.queue_pending.filter(([number]) => number < own[0]).length
    return { is: 'queued', ahead: earlier + queue.queue_running.length }
  }
  // It may have ended between the two questions; only a history that is still silent makes it unknown.
  return (await history(base, promptId, signal)) ?? { is: 'unknown' }
}

async function history(base: URL, promptId: string, signal?: AbortSignal): Promise<Look | null> {
  const answer = await exchange(base, `history/${encodeURIComponent(promptId)}`, { signal })
  if (answer.status !== 200) throw unexpected(base, answer.status)
  const entry = parse(base, z.record(z.string(), historyEntry), answer)[promptId]
  if (!entry) return null
  if (entry.status?.status_str !== 'error') {
    return { is: 'done', outputs: Object.values(entry.outputs).flatMap(node => node.images ?? []) }
  }
  const about = new Map(entry.status.messages)
  if (about.has('execution_interrupted')) {
    return {
      is: 'failed',
      code: 'interrupted',
      message: 'The drawing was interrupted in ComfyUI. Start it again.',
    }
  }
  const cause = z
    .object({
      node_type: z.string().catch('?'),
      exception_message: z.string().catch(''),
      exception_type: z.string().catch(''),
    })
    .catch({ node_type: '?', exception_message: '', exception_type: '' })
    .parse(about.get('execution_error'))
  if (/OutOfMemory/i.test(cause.exception_type)) {
    return { is: 'failed', code: 'failed', message: 'ComfyUI ran out of memory. Ask for a smaller picture.' }
  }
  const why = plainWords(cause.exception_message || cause.exception_type)
  return {
    is: 'failed',
    code: 'failed',
    message: `ComfyUI failed at the node ${cause.node_type}: ${why || 'no reason given'}`,
  }
}

/** Takes a job back, waiting or running. Older versions stop whatever runs when interrupted, so ours is looked up first. */
export async function withdraw(base: URL, promptId: string, signal?: AbortSignal): Promise<void> {
  await exchange(base, 'queue', { method: 'POST', body: JSON.stringify({ delete: [promptId] }), signal })
  if ((await look(base, promptId, signal)).is !== 'running') return
  await exchange(base, 'interrupt', { method: 'POST', body: JSON.stringify({ prompt_id: promptId }), signal })
}
