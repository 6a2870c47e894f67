/** One signed delivery, and what its answer means. */
import { createHmac } from 'node:crypto'
import { type Answer, OutboundError } from '../lib/fetch.ts'
import { jsonObject, retry, throttled, waitOf, webAddress } from './answers.ts'
import type { Failure, Json, Outcome, Post, Tools } from './platform.ts'

export const specification = 'https://www.standardwebhooks.com'
const slowRetryMs = 5 * 60_000

/**
 * The three headers that let a receiver verify a message: `secret` is `whsec_` + base64, `seconds` is the unix time of this
 * try, and the signature covers exactly the bytes of `body`.
 */
export function signatureHeaders(
  secret: string,
  id: string,
  seconds: number,
  body: string,
): Record<string, string> {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` }
}

/** The same bytes at every try; only `webhook-timestamp` and the signature change. */
export function bodyOf(post: Post): string {
  return JSON.stringify({
    type: 'post.published',
    timestamp: post.plannedAt.toISOString(),
    data: {
      jobId: post.jobId,
      contentId: post.contentId,
      text: post.text,
      images: picturesOf(post),
      ...(post.thread.length > 0
        ? { thread: post.thread.map(part => ({ text: part.text, images: picturesOf(part) })) }
        : {}),
      ...(post.firstComment ? { firstComment: post.firstComment } : {}),
      plannedAt: post.plannedAt.toISOString(),
    },
  })
}

const picturesOf = ({ images }: Pick<Post, 'images'>) =>
  images.map(({ url, alt, type, width, height }) => ({ url, alt, type, width, height }))

/** A 2xx counts as delivered even when the rest of the answer broke off: the status line has said it. */
export async function deliver(
  url: string,
  secret: string,
  id: string,
  body: string,
  tools: Tools,
): Promise<Answer> {
  const headers = signatureHeaders(secret, id, Math.floor(Date.now() / 1000), body)
  try {
    return await tools.fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
      signal: tools.signal,
      maxBytes: 64 * 1024,
    })
  } catch (error) {
    if (!(error instanceof OutboundError) || error.status === null) throw error
    const nothing = new Uint8Array()
    return { status: error.status, headers: new Headers(), body: nothing, text: () => '', json: () => null }
  }
}

/** What the receiver's answer means. */
export function read(answer: Answer, post: Post): Outcome {
  const { status } = answer
  if (status >= 200 && status < 300) {
    const told = jsonObject(answer)
    const id =
      typeof told?.id === 'string' || typeof told?.id === 'number' ? String(told.id).slice(0, 500) : ''
    return { is: 'published', remoteId: id || post.jobId, remoteUrl: webAddress(told?.url) }
  }
  // Only the status is kept: an answer's words could carry something from inside the receiver's network.
  const raw: Json = { status }
  const because = (code: string, message: string, next: string): Failure => ({
    code,
    message,
    next,
    link: specification,
    raw,
  })
  if (status === 410) {
    return {
      is: 'reconnect',
      why: because(
        'gone',
        'The receiver says that this address is gone for good (410).',
        'Connect the webhook again with its new address.',
      ),
    }
  }
  if (status >= 300 && status < 400) {
    return {
      is: 'reconnect',
      why: because(
        'redirect',
        `The receiver answers with a redirect (${status}), and redirects are not followed.`,
        'Connect the webhook again with the address it leads to.',
      ),
    }
  }
  if (status === 429) return throttled(answer, 'The receiver')
  if (status === 400 || status === 413 || status === 422) {
    return {
      is: 'rejected',
      why: because(
        'refused',
        `The receiver read the post and refused it (${status}).`,
        'Look into the receiver’s log, change the post or the receiver, and publish again.',
      ),
    }
  }
  const why = because(
    'receiver_error',
    `The receiver answered ${status}.`,
    'It is tried again. If it goes on, look into the receiver’s log.',
  )
  const slow = status < 500 && status !== 408 && status !== 425
  return retry(why, waitOf(answer.headers) ?? (slow ? slowRetryMs : undefined))
}
