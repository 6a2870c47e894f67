/**
 * A ComfyUI server of ours for the tests: validates graphs, queues them, runs one at a time, keeps history in memory
 * only and makes real PNG files. Behaviour as measured from the real program, 0.3.64.
 */

import { asItem, Executor } from './comfyui-executor.ts'
import { type NodeClass, nodeClasses, objectInfo } from './comfyui-nodes.ts'
import { type Graph, validate } from './comfyui-validate.ts'
import { type Faults, type Received, serve } from './serve.ts'

export interface ComfyuiOptions {
  checkpoints?: string[]
  /** How long each job runs, default 0. */
  jobMs?: number
}

export interface Comfyui {
  url: string
  host: string
  /** How long each job that starts from now on runs. */
  jobMs: number
  /** Jobs wait in the queue until `release`. */
  hold(): void
  release(): void
  /** The next job ends in `execution_error` with this message. */
  failNextJob(message: string): void
  /** As kill -9 and a new start: queue and history are gone, numbers begin at 0; files that were written stay. */
  restart(): void
  /** Every job that was queued, over all restarts. */
  submitted: { at: Date; id: string; graph: Graph }[]
  faults: Faults
  requests: Received[]
  down: boolean
  stop(): Promise<void>
}

const empty = (status = 200) => new Response(null, { status })

/** Starts the server on a free port of 127.0.0.1. */
export async function startComfyui(options: ComfyuiOptions = {}): Promise<Comfyui> {
  const classes: Record<string, NodeClass> = nodeClasses(
    options.checkpoints ?? ['sd_xl_base_1.0.safetensors'],
  )
  const submitted: Comfyui['submitted'] = []
  const executor = new Executor()
  executor.jobMs = options.jobMs ?? 0

  function submit(request: Received): Response {
    let body: Record<string, unknown>
    try {
      body = JSON.parse(new TextDecoder().decode(request.raw)) as Record<string, unknown>
    } catch {
      return new Response('500 Internal Server Error\n\nServer got itself in trouble', { status: 500 })
    }
    const number =
      typeof body.number === 'number'
        ? body.number
        : body.front
          ? -executor.memory.number
          : executor.memory.number
    executor.memory.number += 1
    if (body.prompt === undefined) {
      const words = 'No prompt provided'
      const error = { type: 'no_prompt', message: words, details: words, extra_info: {} }
      return Response.json({ error, node_errors: {} }, { status: 400 })
    }
    const verdict = validate(body.prompt, classes)
    if (verdict.error)
      return Response.json({ error: verdict.error, node_errors: verdict.nodeErrors }, { status: 400 })
    const id = typeof body.prompt_id === 'string' ? body.prompt_id : crypto.randomUUID()
    const extra = {
      ...(body.extra_data as object | undefined),
      ...(body.client_id ? { client_id: body.client_id } : {}),
    }
    const graph = body.prompt as Graph
    executor.add({ number, id, graph, extra, outputs: verdict.outputs })
    submitted.push({ at: request.at, id, graph })
    return Response.json({ prompt_id: id, number, node_errors: verdict.nodeErrors })
  }

  function control(request: Received, path: string): Response {
    const body = (request.raw.byteLength > 0 ? JSON.parse(new TextDecoder().decode(request.raw)) : {}) as {
      clear?: boolean
      delete?: string[]
      prompt_id?: string
    }
    if (path === '/queue') {
      executor.memory.pending = body.clear
        ? []
        : executor.memory.pending.filter(job => !body.delete?.includes(job.id))
    } else if (path === '/history') {
      for (const id of body.clear ? [...executor.memory.history.keys()] : (body.delete ?? []))
        executor.memory.history.delete(id)
    } else if (
      executor.memory.running &&
      (!body.prompt_id || body.prompt_id === executor.memory.running.job.id)
    ) {
      executor.memory.running.interrupted = true
    }
    return empty()
  }

  function view(query: URLSearchParams): Response {
    const name = query.get('filename')
    const type = query.get('type') ?? 'output'
    const subfolder = query.get('subfolder') ?? ''
    if (!name) return empty(404)
    if (name.startsWith('/') || name.includes('..') || !['output', 'input', 'temp'].includes(type))
      return empty(400)
    if (subfolder.startsWith('/') || subfolder.split('/').includes('..')) return empty(403)
    const bytes = executor.files.get(`${type}/${subfolder ? `${subfolder}/` : ''}${name}`)
    if (!bytes) return empty(404)
    return new Response(bytes, {
      headers: {
        'content-type': 'image/png',
        'content-disposition': `filename="${name}"`,
        etag: `"${Bun.hash(bytes)}"`,
      },
    })
  }

  const served = await serve(request => {
    const { method, query, headers } = request
    const path = request.path.replace(/^\/api(?=\/)/, '')
    const origin = headers.get('origin')
    if (origin && new URL(origin).host !== headers.get('host')) return empty(403)
    if (method === 'POST') {
      if (path === '/prompt') return submit(request)
      if (path === '/queue' || path === '/interrupt' || path === '/history') return control(request, path)
      return new Response('405: Method Not Allowed', { status: 405 })
    }
    if (path === '/prompt') {
      return Response.json({
        exec_info: { queue_remaining: executor.memory.pending.length + (executor.memory.running ? 1 : 0) },
      })
    }
    if (path === '/queue') {
      const queue_running = executor.memory.running ? [asItem(executor.memory.running.job)] : []
      return Response.json({ queue_running, queue_pending: executor.memory.pending.map(asItem) })
    }
    if (path === '/history') {
      const max = Number(query.get('max_items') ?? Number.POSITIVE_INFINITY)
      const entries = [...executor.memory.history]
      return Response.json(Object.fromEntries(entries.slice(Math.max(0, entries.length - max))))
    }
    const known = /^\/history\/([^/]+)$/.exec(path)?.[1]
    if (known !== undefined) {
      // Unknown, waiting and running look the same here: an empty object with 200.
      const entry = executor.memory.history.get(decodeURIComponent(known))
      return Response.json(entry ? { [decodeURIComponent(known)]: entry } : {})
    }
    if (path === '/view') return view(query)
    const wanted = /^\/object_info(?:\/([^/]+))?$/.exec(path)
    if (wanted) {
      const some = Object.entries(classes).filter(
        ([name]) => !wanted[1] || name === decodeURIComponent(wanted[1]),
      )
      return Response.json(Object.fromEntries(some.map(([name, node]) => [name, objectInfo(name, node)])))
    }
    if (path === '/system_stats') return Response.json(systemStats)
    if (path === '/features')
      return Response.json({ supports_preview_metadata: true, max_upload_size: 104_857_600 })
    return new Response('404: Not Found', { status: 404 })
  })

  return {
    url: served.url,
    host: new URL(served.url).host,
    get jobMs() {
      return executor.jobMs
    },
    set jobMs(value) {
      executor.jobMs = value
    },
    hold: () => {
      executor.held = true
    },
    release: () => {
      executor.held = false
      void executor.run()
    },
    failNextJob: message => {
      executor.failure = message
    },
    restart: () => {
      executor.restart()
    },
    submitted,
    faults: served.faults,
    requests: served.requests,
    get down() {
      return served.down
    },
    set down(value) {
      served.down = value
    },
    stop: served.stop,
  }
}

const systemStats = {
  system: {
    os: 'posix',
    ram_total: 16_000_000_000,
    ram_free: 8_000_000_000,
    comfyui_version: '0.3.64',
    required_frontend_version: '1.27.10',
    python_version: '3.11.2',
    pytorch_version: '2.5.1+cpu',
    embedded_python: false,
    argv: ['main.py'],
  },
  devices: [
    {
      name: 'cpu',
      type: 'cpu',
      index: null,
      vram_total: 16_000_000_000,
      vram_free: 8_000_000_000,
      torch_vram_total: 0,
      torch_vram_free: 0,
    },
  ],
}
