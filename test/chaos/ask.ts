/** A client of the API as it should be: it asks on, with one key, until it is answered for good. */
import type { Processes } from './processes.ts'

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: the rig reads any answer's fields
  body: any
}

export interface Asking {
  body?: object
  /** The Idempotency-Key. */
  key?: string
  /** Which process is asked first. */
  first?: number
}

const mostTries = 200
const answerMs = 8_000

/** @returns asks, and throws when no process has answered for good in about a minute */
export const createAsk =
  ({ all }: Processes) =>
  async (
    tenant: { key: string },
    method: string,
    path: string,
    { body, key, first = Math.floor(Math.random() * 4) }: Asking = {},
  ): Promise<Answer> => {
    const headers = {
      authorization: `Bearer ${tenant.key}`,
      ...(body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }),
      ...(key ? { 'idempotency-key': key } : {}),
    }
    let last = ''
    for (let tries = 0; tries < mostTries; tries++) {
      const process = all[(first + tries) % all.length]
      try {
        if (!process || process.child.exitCode !== null || process.child.signalCode !== null)
          throw new Error('it is not there')
        const answer = await fetch(`${process.address}/api/v1${path}`, {
          method,
          headers,
          ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
          signal: AbortSignal.timeout(answerMs),
        })
        const text = await answer.text()
        const still = answer.status === 409 && /still running/.test(text)
        if (answer.status < 500 && !still) return { status: answer.status, body: JSON.parse(text || 'null') }
        last = `${answer.status} ${text.slice(0, 200)}`
      } catch (error) {
        last = String(error)
      }
      // Once round all of them, and then a pause.
      if (tries % all.length === all.length - 1) await Bun.sleep(300)
    }
    throw new Error(`${method} ${path} was never answered: ${last}`)
  }
