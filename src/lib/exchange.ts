/** One HTTP exchange with a peer whose addresses were checked: what was sent is known, and the answer is bounded. */
import http from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import zlib from 'node:zlib'

export interface Address {
  address: string
  family: number
}

export interface Answer {
  status: number
  headers: Headers
  body: Uint8Array
  text(): string
  /** The parsed body; throws a SyntaxError when it is not JSON. */
  json(): unknown
}

export type OutboundKind =
  | 'address'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'reset'
  | 'too_large'
  | 'aborted'

/** A call that brought no usable answer. The message names the host only: no path, no query, nothing the peer sent. */
export class OutboundError extends Error {
  constructor(
    readonly kind: OutboundKind,
    message: string,
    /** False only when it is certain that no byte of the request reached the peer. */
    readonly sent: boolean,
    /** The status line, when it had arrived before the trouble began. */
    readonly status: number | null = null,
  ) {
    super(message)
    this.name = 'OutboundError'
  }
}

export interface Exchange {
  url: URL
  host: string
  port: string
  addresses: Address[]
  ca: string | undefined
  method: string
  headers: Record<string, string>
  bytes: Uint8Array | null
  connectMs: number
  maxBytes: number
  stop: AbortSignal
  refusal: (sent: boolean, status: number | null) => OutboundError
}

/** One request on one new connection, and its whole answer; rejects with an OutboundError only. */
export function exchange(x: Exchange): Promise<Answer> {
  return new Promise((done, fail) => {
    let sent = false
    let status: number | null = null
    const secure = x.url.protocol === 'https:'
    const request = (secure ? https : http).request({
      host: x.host,
      port: x.port,
      path: x.url.pathname + x.url.search,
      method: x.method,
      // A connection of its own for each call: a kept one may be dead, and then nobody knows whether the request arrived.
      agent: false,
      lookup: checked(x.addresses),
      headers: {
        ...x.headers,
        host: x.url.host,
        connection: 'close',
        'accept-encoding': 'gzip',
        ...(x.bytes ? { 'content-length': String(x.bytes.length) } : {}),
      },
      ...(secure && !isIP(x.host) ? { servername: x.host } : {}),
      ...(x.ca ? { ca: x.ca } : {}),
    })
    const connecting = setTimeout(
      () =>
        end(
          new OutboundError(
            'connect',
            `${x.host} could not be reached within the time for connecting.`,
            false,
          ),
        ),
      x.connectMs,
    )
    const halt = () => end(x.refusal(sent, status))
    x.stop.addEventListener('abort', halt, { once: true })
    const end = (outcome: Answer | OutboundError) => {
      clearTimeout(connecting)
      x.stop.removeEventListener('abort', halt)
      if (outcome instanceof OutboundError) fail(outcome)
      else done(outcome)
      request.destroy()
    }
    request.on('socket', socket => {
      // The request is written only after the connection (and the peer's certificate) stands: until here nothing was sent.
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        clearTimeout(connecting)
        sent = true
        request.end(x.bytes ?? undefined)
      })
    })
    request.on('error', error => end(explain(error, x.host, sent, status)))
    request.on('response', response => {
      status = response.statusCode ?? 0
      const cut = () =>
        end(new OutboundError('reset', `${x.host} broke off in the middle of its answer.`, true, status))
      response.on('error', cut)
      response.on('aborted', cut)
      const tooLarge = () =>
        end(
          new OutboundError(
            'too_large',
            `${x.host} answered with more than ${x.maxBytes} bytes.`,
            true,
            status,
          ),
        )
      collect(unpacked(response), x.maxBytes, tooLarge).then(
        body => body && end(answer(response, body)),
        () => end(new OutboundError('reset', `The answer of ${x.host} could not be unpacked.`, true, status)),
      )
    })
  })
}

/** Hands the connection the addresses that were checked, whatever it asks for. */
function checked(addresses: Address[]): LookupFunction {
  return (_host, options, reply) => {
    const first = addresses[0]
    if (options.all) reply(null, addresses)
    else if (first) reply(null, first.address, first.family)
    else reply(new Error('no address'), '', 4)
  }
}

function unpacked(response: http.IncomingMessage): Readable {
  const encoding = response.headers['content-encoding']?.trim().toLowerCase()
  const unpack =
    encoding === 'gzip' || encoding === 'x-gzip'
      ? zlib.createGunzip()
      : encoding === 'deflate'
        ? zlib.createInflate()
        : encoding === 'br'
          ? zlib.createBrotliDecompress()
          : null
  return unpack ? response.pipe(unpack) : response
}

/** All bytes; stops and tells `tooLarge` as soon as there are more: a small packed answer must not become a big one in memory. */
async function collect(stream: Readable, maxBytes: number, tooLarge: () => void): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of stream) {
    size += part.length
    if (size > maxBytes) {
      // Told first: leaving the loop tears the connection down, which would look like a peer that broke off.
      tooLarge()
      return null
    }
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function answer(response: http.IncomingMessage, body: Uint8Array): Answer {
  const headers = new Headers()
  for (const [name, value] of Object.entries(response.headers)) {
    for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value])
      headers.append(name, one)
  }
  const text = () => new TextDecoder().decode(body)
  return { status: response.statusCode ?? 0, headers, body, text, json: () => JSON.parse(text()) }
}

function explain(
  error: NodeJS.ErrnoException,
  host: string,
  sent: boolean,
  status: number | null,
): OutboundError {
  if (sent)
    return new OutboundError('reset', `${host} broke off before its answer was complete.`, true, status)
  const code = error.code ?? ''
  if (/^E(CONN|HOST|NET|TIMEDOUT|PIPE|ADDR|ACCES|PERM)/.test(code)) {
    return new OutboundError('connect', `${host} could not be reached (${code}).`, false)
  }
  if (/CERT|SIGNATURE|ISSUER/.test(code) && !/ALERT/.test(code)) {
    return new OutboundError('tls', `The certificate of ${host} was not accepted (${code}).`, false)
  }
  // Nobody's certificate was looked at yet: it speaks no TLS, or only versions that are not safe any more.
  if (/SSL|TLS/.test(code)) {
    return new OutboundError(
      'tls',
      `${host} does not offer an encrypted connection of today (${code}).`,
      false,
    )
  }
  return new OutboundError('connect', `${host} could not be reached.`, false)
}
