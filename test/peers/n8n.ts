/**
 * The Webhook node of n8n as a server of ours: answers as its source does
 * (https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/) and keeps every call with its raw body,
 * so that a test can verify signatures as a flow would.
 */
import { type Faults, type Received, serve } from './serve.ts'

/** When and with what the node answers; `fails` is a workflow that ends in an error. */
export type Respond =
  | { mode: 'onReceived' }
  | {
      mode: 'lastNode'
      items?: unknown[]
      entries?: 'first' | 'all' | 'none'
      fails?: boolean
      takesMs?: number
    }
  | {
      mode: 'responseNode'
      status?: number
      body?: unknown
      headers?: Record<string, string>
      fails?: boolean
      takesMs?: number
    }

export type Authentication =
  | { type: 'basic'; user: string; password: string }
  | { type: 'header'; name: string; value: string }

export interface Webhook {
  method?: string
  respond?: Respond
  authentication?: Authentication
}

export interface Run {
  at: Date
  path: string
  method: string
  headers: Headers
  query: URLSearchParams
  raw: Uint8Array
  /** The body as the flow sees it: JSON when it says so, else text. */
  body: unknown
  status: 'success' | 'error'
}

export interface N8n {
  url: string
  host: string
  /** Activates a workflow whose webhook has this path: it answers below /webhook/. */
  activate(path: string, webhook?: Webhook): void
  deactivate(path: string): void
  /** The executions list: every call that started a workflow. */
  runs: Run[]
  faults: Faults
  requests: Received[]
  down: boolean
  stop(): Promise<void>
}

const hint =
  'The workflow must be active for a production URL to run successfully. You can activate the workflow using the toggle in the ' +
  "top-right of the editor. Note that unlike test URL calls, production URL calls aren't shown on the canvas (only in the executions list)"

function admit(request: Received, wanted: Authentication | undefined): Response | null {
  if (!wanted) return null
  if (wanted.type === 'basic') {
    const expected = `Basic ${btoa(`${wanted.user}:${wanted.password}`)}`
    if (request.headers.get('authorization') === expected) return null
    return new Response('Authorization is required!', {
      status: 401,
      headers: { 'WWW-Authenticate': 'Basic realm="Webhook"' },
    })
  }
  if (request.headers.get(wanted.name) === wanted.value) return null
  return new Response('Authorization data is wrong!', { status: 403 })
}

function bodyOf(request: Received): unknown {
  const text = new TextDecoder().decode(request.raw)
  return request.headers.get('content-type')?.includes('json') && text ? JSON.parse(text) : text
}

const isJson = (request: Received) => {
  try {
    bodyOf(request)
    return true
  } catch {
    return false
  }
}

async function respondWith(respond: Respond): Promise<Response> {
  if (respond.mode === 'onReceived') return Response.json({ message: 'Workflow was started' })
  if (respond.takesMs) await Bun.sleep(respond.takesMs)
  if (respond.fails) return Response.json({ message: 'Error in workflow' }, { status: 500 })
  if (respond.mode === 'responseNode') {
    const { status = 200, headers = {} } = respond
    return respond.body === undefined
      ? new Response(null, { status, headers })
      : Response.json(respond.body, { status, headers })
  }
  const items = respond.items ?? [{}]
  if (respond.entries === 'none') return new Response(null)
  return Response.json(respond.entries === 'all' ? items : (items[0] ?? {}))
}

/** Starts the server on a free port of 127.0.0.1. Hanging, cutting and other network faults: `faults`. */
export async function startN8n(): Promise<N8n> {
  const webhooks = new Map<string, Webhook>()
  const runs: Run[] = []

  const served = await serve(async request => {
    const { method, path } = request
    if (path === '/healthz' || path === '/healthz/readiness') return Response.json({ status: 'ok' })
    const name = /^\/webhook\/(.+)$/.exec(path)?.[1]
    if (name === undefined) return new Response(`Cannot ${method} ${path}`, { status: 404 })
    const webhook = webhooks.get(name)
    if (!webhook) {
      const message = `The requested webhook "${method} ${name}" is not registered.`
      return Response.json({ code: 404, message, hint }, { status: 404 })
    }
    const wanted = webhook.method ?? 'POST'
    if (wanted !== method) {
      const message = `This webhook is not registered for ${method} requests. Did you mean to make a ${wanted} request?`
      return Response.json({ code: 404, message }, { status: 404 })
    }
    const refused = admit(request, webhook.authentication)
    if (refused) return refused
    if (!isJson(request))
      return Response.json({ code: 400, message: 'Failed to parse request body' }, { status: 400 })
    const respond = webhook.respond ?? { mode: 'onReceived' }
    const fails = respond.mode !== 'onReceived' && respond.fails
    const { at, headers, query, raw } = request
    runs.push({
      at,
      path: name,
      method,
      headers,
      query,
      raw,
      body: bodyOf(request),
      status: fails ? 'error' : 'success',
    })
    return respondWith(respond)
  })

  return {
    url: served.url,
    host: new URL(served.url).host,
    activate: (path, webhook = {}) => void webhooks.set(path, webhook),
    deactivate: path => void webhooks.delete(path),
    runs,
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
