/** The queue, the one executor and the history of our ComfyUI: all in memory, as in the real one. */
import { drawOutputs, type Output } from './comfyui-images.ts'
import type { Graph } from './comfyui-validate.ts'

export interface Job {
  number: number
  id: string
  graph: Graph
  extra: Record<string, unknown>
  outputs: string[]
}

type Message = [string, Record<string, unknown>]

interface HistoryEntry {
  prompt: unknown[]
  outputs: Record<string, Output>
  status: { status_str: 'success' | 'error'; completed: boolean; messages: Message[] }
  meta: Record<string, unknown>
}

/** A job as /queue and /history show it. */
export const asItem = (job: Job) => [job.number, job.id, job.graph, job.extra, job.outputs]

const emptyMemory = () => ({
  number: 0,
  pending: [] as Job[],
  running: null as { job: Job; interrupted: boolean } | null,
  history: new Map<string, HistoryEntry>(),
})

export class Executor {
  jobMs = 0
  held = false
  /** Message of the error in which the next job ends. */
  failure: string | null = null
  memory = emptyMemory()
  /** What is on disk: key `<type>/<subfolder>/<name>`; outlives a restart. */
  readonly files = new Map<string, Uint8Array>()

  restart(): void {
    this.memory = emptyMemory()
  }

  add(job: Job): void {
    this.memory.pending.push(job)
    void this.run()
  }

  /** Runs what waits, one job at a time. A restart swaps `memory`; a job of the old one is then forgotten. */
  async run(): Promise<void> {
    const mine = this.memory
    if (mine.running || this.held) return
    const job = mine.pending.sort((a, b) => a.number - b.number).shift()
    if (!job) return
    const running = { job, interrupted: false }
    mine.running = running
    const failure = this.failure
    this.failure = null
    const started = Date.now()
    const { jobMs } = this
    while (Date.now() < started + jobMs && !running.interrupted && this.memory === mine) await Bun.sleep(2)
    if (this.memory !== mine) return

    const good = !running.interrupted && failure === null
    const outputs = good ? await drawOutputs(job.graph, job.outputs, this.files) : {}
    const messages: Message[] = [
      ['execution_start', { prompt_id: job.id, timestamp: started }],
      ['execution_cached', { nodes: [], prompt_id: job.id, timestamp: started }],
      good
        ? ['execution_success', { prompt_id: job.id, timestamp: Date.now() }]
        : endedBadly(job, running.interrupted ? null : failure),
    ]
    const status = { status_str: good ? ('success' as const) : ('error' as const), completed: good, messages }
    mine.history.set(job.id, { prompt: asItem(job), outputs, status, meta: {} })
    mine.running = null
    void this.run()
  }
}

function endedBadly(job: Job, failure: string | null): Message {
  const node = job.outputs[0] ?? ''
  const about = {
    prompt_id: job.id,
    node_id: node,
    node_type: job.graph[node]?.class_type,
    executed: [],
    timestamp: Date.now(),
  }
  if (failure === null) return ['execution_interrupted', about]
  const details = { exception_message: `${failure}\n`, exception_type: 'RuntimeError', traceback: [] }
  return ['execution_error', { ...about, ...details, current_inputs: {}, current_outputs: [] }]
}
