/** One signed delivery, and what its answer means. */
import { createHmac } from 'node:crypto'
import { type Answer, OutboundError } from '../lib/fetch.ts'
import { jsonObject, webAddress } from './answers.ts'
import { told } from './catalogue/tell.ts'
import type { Outcome, Post, Tools } from './platform.ts'

/**
 * The three headers that let a receiver verify a message: a secret is `whsec_` + base64, `seconds` is the unix time of this
 * try, and the signature covers exactly the bytes of `body`. Several secrets, while one takes the other's place, give a
 * signature each, separated by spaces.
 */
export function signatureHeaders(
  secrets: string | readonly string[],
  id: string,
  seconds: number,
  body: string,
): Record<string, string> {
  const signatures = [secrets].flat().map(secret => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures.join(' '),
  }
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

const nothing = { body: new Uint8Array(), text: () => '', json: () => null }
const picturesOf = ({ images }: Pick<Post, 'images'>) =>
  images.map(({ url, alt, type, width, height }) => ({ url, alt, type, width, height }))

/** A 2xx counts as delivered even when the rest of the answer broke off: the status line has said it. */
export async function deliver(
  url: string,
  secrets: string | readonly string[],
  id: string,
  body: string,
  tools: Tools,
): Promise<Answer> {
  const headers = signatureHeaders(secrets, id, Math.floor(Date.now() / 1000), body)
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
    return { status: error.status, headers: new Headers(), ...nothing }
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
  return told('webhook', { ...answer, ...nothing }, { raw: { status } }).outcome
}
