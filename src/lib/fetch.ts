/**
 * The one outbound client for addresses that a user gives. The name is resolved once, every address it has must be
 * in the open internet, and the connection goes to an address that was checked, so a name that changes its mind between
 * the check and the call gains nothing. Redirects are answers, not instructions. Nothing is retried in here.
 */
import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { isPublicAddress } from './addresses.ts'
import { type Address, type Answer, exchange, OutboundError } from './exchange.ts'

export { type Answer, OutboundError, type OutboundKind } from './exchange.ts'

export interface OutboundInit {
  method?: string
  headers?: Record<string, string>
  body?: string | Uint8Array | FormData
  /** Everything together, in milliseconds (default 20,000). */
  timeoutMs?: number
  /** Name, connection and TLS together, in milliseconds (default 5,000). */
  connectMs?: number
  /** Cap of the answer after decompression, in bytes (default 1 MiB). */
  maxBytes?: number
  /** Accept `http:` for this call. Without it plain HTTP works for allow-listed hosts only: tokens must not cross the net in the clear. */
  plain?: boolean
  signal?: AbortSignal
}

export type Outbound = (url: string | URL, init?: OutboundInit) => Promise<Answer>

export interface OutboundOptions {
  /** `host:port` pairs that skip the address, port and https rules (OUTBOUND_ALLOW). */
  allow: readonly string[]
  /** For tests: how names become addresses. */
  resolve?: (host: string) => Promise<Address[]>
  /** For tests: additional certificate authorities, PEM. */
  ca?: string
}

const mebibyte = 1024 * 1024

/** Makes the client. Throws when an entry of `allow` is not `host:port`. */
export function createOutbound(options: OutboundOptions): Outbound {
  const allowed = new Set(options.allow.map(exemption))
  const resolve = options.resolve ?? (host => systemLookup(host, { all: true }))

  return async (input, init = {}) => {
    const url = readUrl(input)
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    const exempt = allowed.has(`${url.hostname}:${port}`)
    if (!exempt) checkRules(url, port, init.plain ?? false)
    const { bytes, type } = await readBody(init.body)

    const late = new AbortController()
    const totalMs = init.timeoutMs ?? 20_000
    const total = setTimeout(() => late.abort(), totalMs)
    const stop = init.signal ? AbortSignal.any([late.signal, init.signal]) : late.signal
    const refusal = (sent: boolean, status: number | null) =>
      init.signal?.aborted
        ? new OutboundError('aborted', `The call to ${host} was called off.`, sent, status)
        : new OutboundError(
            'timeout',
            `${host} did not answer completely within ${totalMs / 1000} s.`,
            sent,
            status,
          )
    try {
      if (stop.aborted) throw refusal(false, null)
      const connectMs = init.connectMs ?? 5_000
      const began = performance.now()
      const addresses = await addressesOf(host, exempt, resolve, connectMs, stop, refusal)
      return await exchange({
        url,
        host,
        port,
        addresses,
        ca: options.ca,
        method: init.method ?? (bytes ? 'POST' : 'GET'),
        headers: { 'user-agent': 'Masthead', accept: '*/*', ...type, ...lower(init.headers) },
        bytes,
        connectMs: Math.max(1, connectMs - (performance.now() - began)),
        maxBytes: init.maxBytes ?? mebibyte,
        stop,
        refusal,
      })
    } finally {
      clearTimeout(total)
    }
  }
}

/**
 * What can be said of an address before it is called: its form, scheme, port, and whether it names an inside address.
 * @throws OutboundError in words
 */
export function checkAddress(input: string, allow: readonly string[]): void {
  const url = readUrl(input)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  if (new Set(allow.map(exemption)).has(`${url.hostname}:${port}`)) return
  checkRules(url, port, false)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isLocalName(host) || (isIP(host) && !isPublicAddress(host))) throw inside(host)
}

function exemption(entry: string): string {
  const text = entry.trim().toLowerCase()
  if (!/^(\[[0-9a-f:.]+\]|[^\s:/]+):\d{1,5}$/.test(text)) {
    throw new Error(`OUTBOUND_ALLOW: "${entry}" is not host:port (for example 127.0.0.1:5678).`)
  }
  return text
}

function readUrl(input: string | URL): URL {
  let url: URL
  try {
    url = new URL(input)
  } catch {
    throw new OutboundError('address', 'This is not a web address.', false)
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new OutboundError('address', 'Only addresses that begin with https:// can be called.', false)
  }
  if (url.username || url.password) {
    throw new OutboundError('address', 'An address with a user name or password in it is not called.', false)
  }
  return url
}

function checkRules(url: URL, port: string, plain: boolean): void {
  if (url.protocol === 'http:' && !plain) {
    throw new OutboundError('address', `${url.hostname} must be called by https://, not http://.`, false)
  }
  if (port !== '80' && port !== '443') {
    throw new OutboundError(
      'address',
      `Port ${port} of ${url.hostname} is not called; only 443 and 80 are.`,
      false,
    )
  }
}

async function addressesOf(
  host: string,
  exempt: boolean,
  resolve: (host: string) => Promise<Address[]>,
  connectMs: number,
  stop: AbortSignal,
  refusal: (sent: boolean, status: number | null) => OutboundError,
): Promise<Address[]> {
  if (!exempt && isLocalName(host)) throw inside(host)
  const literal = isIP(host)
  const found = literal
    ? [{ address: host, family: literal }]
    : await new Promise<Address[]>((done, fail) => {
        const slow = setTimeout(
          () => fail(new OutboundError('dns', `The name ${host} could not be looked up in time.`, false)),
          connectMs,
        )
        const halt = () => fail(refusal(false, null))
        stop.addEventListener('abort', halt, { once: true })
        resolve(host)
          .then(done, () => fail(new OutboundError('dns', `The name ${host} is not known.`, false)))
          .finally(() => {
            clearTimeout(slow)
            stop.removeEventListener('abort', halt)
          })
      })
  if (found.length === 0) throw new OutboundError('dns', `The name ${host} has no address.`, false)
  // One inside address among outside ones is enough to refuse: which one is dialled is not ours to choose.
  if (!exempt && !found.every(one => isPublicAddress(one.address))) {
    throw inside(host)
  }
  return found
}

/** A name for this machine by definition (RFC 6761), whatever a resolver makes of it. */
const isLocalName = (host: string): boolean => /(^|\.)localhost\.?$/i.test(host)

function inside(host: string): OutboundError {
  return new OutboundError(
    'address',
    `${host} leads to an address inside a private network, which is not called.`,
    false,
  )
}

async function readBody(
  body: OutboundInit['body'],
): Promise<{ bytes: Uint8Array | null; type: Record<string, string> }> {
  if (body === undefined) return { bytes: null, type: {} }
  if (typeof body === 'string') return { bytes: new TextEncoder().encode(body), type: {} }
  if (body instanceof Uint8Array) return { bytes: body, type: {} }
  const encoded = new Response(body)
  const type = encoded.headers.get('content-type') ?? 'multipart/form-data'
  return { bytes: new Uint8Array(await encoded.arrayBuffer()), type: { 'content-type': type } }
}

/** Header names in lower case, without those that only this client sets. */
function lower(headers: Record<string, string> = {}): Record<string, string> {
  const own = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding'])
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => !own.has(name)),
  )
}
