/**
 * Starts n8n workflows by their webhook. The address of n8n is the operator's setting and may point inside, so this is
 * a plain fetch; what a workspace chooses is only the path behind `/webhook/`.
 */
import { createHmac } from 'node:crypto'
import type { Json } from '../platforms/platform.ts'
import { readAtMost } from './answer.ts'
import { maxAnswerBytes, messageIn, readAnswer } from './n8n-answer.ts'

export type PlainFetch = (address: URL, options: BunFetchRequestInit) => Promise<Response>

export interface WebhookCall {
  /** n8n's own address; a path in it (`https://flows.example.com/n8n/`) is kept. */
  base: URL
  /** What stands behind `/webhook/` in the Webhook node's production URL. */
  path: string
  body: Json
  /** Standard Webhooks secret, `whsec_` and base64 of 24 to 64 bytes. */
  secret: string
  /** Stays the same over every repeat of one call, so that the receiver can drop repeats. */
  id: string
  /** The moment of this try; receivers refuse it when it is more than five minutes off. */
  now: Date
  /** For the whole exchange, answer included. */
  timeoutMs: number
  fetch?: PlainFetch
}

export type WebhookAnswer =
  /** 2xx. `body`: the JSON, or the first 4 KiB of anything else as text; never holds what PostgreSQL cannot keep. */
  | { is: 'answered'; status: number; body: Json }
  /** n8n runs, but no active workflow listens at that path for POST. */
  | { is: 'not_registered'; message: string }
  | { is: 'failed'; status: number; message: string }
  /** No whole answer. `sent: false` only when the call certainly did not reach n8n. */
  | { is: 'unreachable'; message: string; sent: boolean }

/** The path cannot be called; the message says what to change. */
export class WebhookPathRefused extends Error {
  override name = 'WebhookPathRefused'
}

/** The address of a webhook path at this n8n. Throws `WebhookPathRefused` for all that is not a plain path below `/webhook/`. */
export function webhookAddress(base: URL, path: string): URL {
  const plain = path.startsWith('/') ? path.slice(1) : path
  if (/^[a-z][a-z0-9+.-]*:/i.test(plain) || plain.startsWith('/')) {
    throw new WebhookPathRefused(
      'Give only the part of the Webhook node’s production URL that follows “/webhook/”, not the whole address.',
    )
  }
  const segments = plain.split('/')
  const sound = segments.every(segment => /^[A-Za-z0-9._~-]+$/.test(segment) && !/^\.+$/.test(segment))
  if (!sound || plain.length > 200) {
    throw new WebhookPathRefused(
      'A webhook path holds letters, digits, “-”, “_”, “.” and “~”, in parts separated by single “/”, 200 characters at most.',
    )
  }
  const address = new URL(base)
  address.pathname = `${base.pathname.replace(/\/+$/, '')}/webhook/${plain}`
  address.search = ''
  address.hash = ''
  return address
}

/**
 * The three headers of a signed webhook.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureHeaders(
  secret: string,
  id: string,
  now: Date,
  payload: string,
): Record<string, string> {
  const key = /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret)
    ? Buffer.from(secret.slice(6), 'base64')
    : Buffer.alloc(0)
  if (key.length < 24 || key.length > 64) {
    throw new Error('The signing secret must be “whsec_” and the base64 of 24 to 64 bytes; make a new one.')
  }
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${payload}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}

/** Calls one production webhook by a signed POST. Throws only for a path or secret that cannot be used at all. */
export async function callWebhook(call: WebhookCall): Promise<WebhookAnswer> {
  const address = webhookAddress(call.base, call.path)
  const payload = JSON.stringify(call.body)
  const signed = signatureHeaders(call.secret, call.id, call.now, payload)
  const send = call.fetch ?? fetch
  let status: number | null = null
  try {
    const response = await send(address, {
      method: 'POST',
      headers: {
        ...signed,
        'content-type': 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'Masthead',
      },
      body: payload,
      redirect: 'manual',
      signal: AbortSignal.timeout(call.timeoutMs),
      // A connection of its own: one that n8n has just closed would fail after our bytes went out, and nobody could tell.
      keepalive: false,
      // An answer packed to burst stays packed.
      decompress: false,
    })
    status = response.status
    const answer = readAnswer(await readAtMost(response, maxAnswerBytes))
    if (response.ok) return { is: 'answered', status, body: answer }
    return explain(call.path, status, answer)
  } catch (error) {
    return outOfReach(call, error, status)
  }
}

/** n8n's words for both cases : https://github.com/n8n-io/n8n `webhook-not-found.error.ts`. */
function explain(path: string, status: number, answer: Json): WebhookAnswer {
  const words = messageIn(answer)
  if (status === 404 && /is not registered/.test(words ?? '')) {
    const message = /not registered for POST/.test(words ?? '')
      ? `n8n knows the webhook “${path}”, but not for POST. Set the Webhook node’s HTTP method to POST and publish the workflow again.`
      : `n8n has no active workflow at the webhook path “${path}”. Activate (publish) the workflow, and compare the path with the node’s production URL; its test URL does not count.`
    return { is: 'not_registered', message }
  }
  const said = words ? ` n8n says: “${words}”` : ''
  return { is: 'failed', status, message: `${adviceFor(status)}${said}` }
}

function adviceFor(status: number): string {
  if (status >= 300 && status < 400) {
    return `n8n answered with a redirect (${status}), which is not followed. Set N8N_URL to the address n8n finally has.`
  }
  if (status === 401 || status === 403) {
    return `n8n refused the call (${status}): the Webhook node asks for authentication. Set it to None and check our signature in the flow instead.`
  }
  if (status === 404)
    return 'n8n, or what stands at its address, answered 404. Check N8N_URL and the flow’s own response.'
  if (status === 413) return 'The call is too large for n8n (413). Raise N8N_PAYLOAD_SIZE_MAX there.'
  if (status === 429) return 'n8n is asked too often (429). Try again later.'
  if (status === 500)
    return 'The workflow failed in n8n (500). Open its executions there to see at which node.'
  if (status >= 502 && status <= 504)
    return `n8n is starting or overloaded (${status}). Try again in a minute.`
  return `n8n answered ${status}. Open the workflow’s executions in n8n to see why.`
}

/** Codes with which no byte of ours was sent (measured with Bun 1.4.5: refused, unknown name; the rest as Node names them). */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ConnectionRefused',
])

function outOfReach(call: WebhookCall, error: unknown, status: number | null): WebhookAnswer {
  const { name, code } = error as { name?: unknown; code?: unknown }
  const at = call.base.host
  const late = name === 'TimeoutError'
  if (status !== null) {
    const how = late ? `did not finish within ${call.timeoutMs / 1000} s` : 'broke off'
    const message = `n8n at ${at} began to answer (${status}) and ${how}. The workflow has probably started; look at its executions.`
    return { is: 'unreachable', message, sent: true }
  }
  if (late) {
    const message = `n8n at ${at} did not answer within ${call.timeoutMs / 1000} s. The workflow may have started; let it respond immediately, or look at its executions.`
    return { is: 'unreachable', message, sent: true }
  }
  if (typeof code === 'string' && (neverSent.has(code) || /CERT|SIGNED|TLS/.test(code))) {
    const message = `n8n at ${at} cannot be reached (${code}). Check that it runs and that N8N_URL is right.`
    return { is: 'unreachable', message, sent: false }
  }
  const message = `The connection to n8n at ${at} broke before it answered (${String(code ?? name)}). The workflow may have started; look at its executions.`
  return { is: 'unreachable', message, sent: true }
}
