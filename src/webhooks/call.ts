import { type Outbound, OutboundError } from '../lib/fetch.ts'
import { waitOf } from '../platforms/answers.ts'
import { deliver } from '../platforms/webhook-delivery.ts'

/** For one call, from the name to the last byte of the answer; inside the delivery's lease. */
export const callMs = 20_000

/** One try, as it is kept with its delivery: never a word of what the receiver sent. */
export interface Try {
  /** ISO 8601. */
  at: string
  ms: number
  /** null when there was no answer. */
  status: number | null
  /** What became of it, in a sentence. */
  words: string
}

export interface Answered extends Try {
  is: 'delivered' | 'gone' | 'failed'
  /** How long the receiver asks us to wait. */
  waitMs?: number | undefined
}

/**
 * Sends a signed message once. It never throws: whatever goes wrong is an answer in words.
 * @param secrets those that sign at this moment
 * @param id the same at every try
 */
export async function callReceiver(
  fetch: Outbound,
  to: { url: string; secrets: readonly string[]; id: string; body: string },
): Promise<Answered> {
  const started = performance.now()
  const at = new Date().toISOString()
  const told = (is: Answered['is'], status: number | null, words: string): Answered => ({
    is,
    at,
    ms: Math.round(performance.now() - started),
    status,
    words,
  })
  try {
    const { status, headers } = await deliver(to.url, to.secrets, to.id, to.body, {
      fetch,
      signal: AbortSignal.timeout(callMs),
    })
    if (status >= 200 && status < 300) return told('delivered', status, `The receiver took it (${status}).`)
    if (status === 410) return told('gone', status, 'The receiver wants nothing more at this address (410).')
    if (status >= 300 && status < 400)
      return told(
        'failed',
        status,
        `The receiver answered with a redirect (${status}), and redirects are not followed: give the address it leads to.`,
      )
    return {
      ...told('failed', status, `The receiver answered ${status}.`),
      ...(status === 429 || status === 503 ? { waitMs: waitOf(headers) } : {}),
    }
  } catch (error) {
    return told('failed', null, inWords(error))
  }
}

function inWords(error: unknown): string {
  if (error instanceof OutboundError)
    return error.kind === 'aborted'
      ? `The receiver did not answer completely within ${callMs / 1000} s.`
      : error.message
  return 'The call could not be made. Look at the address of the webhook.'
}
