/**
 * The floor under our own servers: HTTP on a free port of 127.0.0.1, a journal of every request, and faults on
 * request. On Node's HTTP server because, unlike `Bun.serve`, it lets a test cut a connection without an answer.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'

export interface Received {
  method: string
  path: string
  query: URLSearchParams
  /** Lower-case names. */
  headers: Headers
  /** Exactly the bytes that came over the wire. */
  raw: Uint8Array
  at: Date
}

/**
 * What goes wrong with one call. `when` says whether the server did its work first: `after` is the case nobody can
 * see from outside, where the post is out and the answer is not.
 */
export type Fault = { when?: 'before' | 'after' } & (
  | { is: 'status'; status: number; body?: unknown; headers?: Record<string, string> }
  /** 429 with the time at which the window opens again. */
  | { is: 'throttled'; resetAt: Date }
  /** The connection is cut without an answer. */
  | { is: 'drop' }
  /** The head of a 200 and half a body, then the connection is cut. */
  | { is: 'cut' }
  /** No answer until the caller gives up or the server stops. */
  | { is: 'hang' }
  /** No answer either; who called is told, by the port that it calls from. */
  | { is: 'strike'; strike(port: number): void }
  /** A 200 whose body comes one byte a second and has no end. */
  | { is: 'trickle' }
  /** A 200 with a body of so many bytes: as they are, or packed so that few go over the line. */
  | { is: 'flood'; bytes: number; packed?: true }
  /** Everything works, `ms` later. */
  | { is: 'slow'; ms: number }
)

/** Planned faults, used up in the order they were planned. */
export class Faults {
  #planned: { call: string; fault: Fault; left: number }[] = []
  /** Looks at a request before what is planned; null: it meets nothing of its own. */
  choose: ((request: Received) => Fault | null) | null = null

  /** The next `times` calls of `call` meet `fault`. `call` is `POST /api/v1/statuses`, `POST *`, or `*` for every call. */
  next(call: string, fault: Fault, times = 1): void {
    this.#planned.push({ call, fault, left: times })
  }

  clear(): void {
    this.#planned = []
  }

  take(method: string, path: string): Fault | null {
    const found = this.#planned.find(
      ({ call, left }) =>
        left > 0 && (call === '*' || call === `${method} *` || call === `${method} ${path}`),
    )
    if (!found) return null
    found.left -= 1
    return found.fault
  }
}

export interface Served {
  url: string
  requests: Received[]
  faults: Faults
  /** True while nothing answers: connections are cut as if no program were there. */
  down: boolean
  stop(): Promise<void>
}

export type Handler = (request: Received) => Response | Promise<Response>

const json = (value: unknown, status: number, headers: Record<string, string> = {}) =>
  Response.json(value, { status, headers })

/** Serves `handler` until `stop`; a handler that throws answers 500 and the error is printed. */
export async function serve(handler: Handler): Promise<Served> {
  const faults = new Faults()
  const requests: Received[] = []
  const server = createServer((message, reply) => {
    answer(message, reply).catch(error => {
      console.error(error)
      if (!reply.headersSent) reply.writeHead(500)
      reply.end()
    })
  })

  async function answer(message: IncomingMessage, reply: ServerResponse) {
    if (served.down) return void message.socket.destroy()
    const request = await receive(message)
    requests.push(request)
    const fault = faults.choose?.(request) ?? faults.take(request.method, request.path)
    const broken = fault && fault.is !== 'slow'
    if (fault?.is === 'slow' && fault.when !== 'after') await Bun.sleep(fault.ms)
    if (broken && fault.when !== 'after') return fail(fault, message, reply)
    const response = await handler(request)
    if (broken) return fail(fault, message, reply)
    if (fault?.is === 'slow' && fault.when === 'after') await Bun.sleep(fault.ms)
    await send(response, reply)
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('the server has no address')
  const served: Served = {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    faults,
    down: false,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return served
}

async function receive(message: IncomingMessage): Promise<Received> {
  const at = new Date()
  const chunks: Uint8Array[] = []
  for await (const chunk of message) chunks.push(chunk as Uint8Array)
  const url = new URL(message.url ?? '/', 'http://127.0.0.1')
  const headers = new Headers()
  for (const [name, value] of Object.entries(message.headersDistinct))
    headers.set(name, (value ?? []).join(', '))
  return {
    method: message.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers,
    raw: Buffer.concat(chunks),
    at,
  }
}

async function send(response: Response, reply: ServerResponse) {
  const body = await response.bytes()
  reply.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    'content-length': body.byteLength,
  })
  reply.end(body)
}

async function fail(fault: Fault, message: IncomingMessage, reply: ServerResponse) {
  switch (fault.is) {
    case 'status':
      return send(
        json(fault.body ?? { error: `planned ${fault.status}` }, fault.status, fault.headers),
        reply,
      )
    case 'throttled': {
      const seconds = Math.max(1, Math.ceil((fault.resetAt.getTime() - Date.now()) / 1000))
      const headers = {
        'X-RateLimit-Limit': '300',
        'X-RateLimit-Remaining': '0',
        'X-RateLimit-Reset': fault.resetAt.toISOString(),
        'Retry-After': `${seconds}`,
      }
      return send(json({ error: 'Too many requests' }, 429, headers), reply)
    }
    case 'drop':
      return void message.socket.destroy()
    case 'cut':
      reply.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      reply.write('{"half":', () => message.socket.destroy())
      return
    case 'hang':
      return
    case 'strike':
      return fault.strike(message.socket.remotePort ?? 0)
    case 'trickle':
      return trickle(reply)
    case 'flood':
      return flood(reply, fault.bytes, fault.packed ?? false)
  }
}

function trickle(reply: ServerResponse): void {
  reply.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => reply.write(' '), 1_000)
  for (const end of ['close', 'error']) reply.once(end, () => clearInterval(timer))
}

function flood(reply: ServerResponse, bytes: number, packed: boolean): void {
  const piece = Buffer.alloc(65_536, ' ')
  const body = Readable.from(
    (function* () {
      for (let sent = 0; sent < bytes; sent += piece.byteLength) yield piece
    })(),
  )
  reply.writeHead(200, {
    'content-type': 'application/json',
    ...(packed ? { 'content-encoding': 'gzip' } : {}),
  })
  // Whoever has read enough hangs up.
  const hungUp = () => {}
  if (packed) pipeline(body, createGzip(), reply, hungUp)
  else pipeline(body, reply, hungUp)
}

/** The body as fields: JSON, form or multipart; a name ending in `[]` becomes a list, as Rails reads it. */
export async function fields(request: Received): Promise<Record<string, unknown>> {
  const type = request.headers.get('content-type') ?? ''
  if (request.raw.byteLength === 0) return {}
  if (type.includes('application/json')) {
    return JSON.parse(new TextDecoder().decode(request.raw)) as Record<string, unknown>
  }
  const form = await new Response(request.raw, { headers: { 'content-type': type } }).formData()
  const result: Record<string, unknown> = {}
  for (const name of new Set(form.keys())) {
    if (name.endsWith('[]')) result[name.slice(0, -2)] = form.getAll(name)
    else result[name] = form.get(name)
  }
  return result
}

/** To another server and back: a handler that lets a test see, count and break the calls to a real program. */
export async function passOn(to: string, request: Received): Promise<Response> {
  const own = ['host', 'connection', 'content-length']
  const answer = await fetch(`${to}${request.path}?${request.query}`, {
    method: request.method,
    headers: Object.fromEntries([...request.headers].filter(([name]) => !own.includes(name))),
    ...(request.method === 'POST' ? { body: new Uint8Array(request.raw) } : {}),
  })
  const headers = new Headers({ 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
  return new Response(await answer.arrayBuffer(), { status: answer.status, headers })
}
