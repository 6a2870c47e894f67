/** What a Mastodon server says about itself, and the calls that adapters of its API share. */
import type { Answer, OutboundInit } from '../lib/fetch.ts'
import { isObject, jsonObject, numberAt, objectAt, rawOf, retry, Stop, textAt, throttled } from './answers.ts'
import type { Account, Failure, Json, Limits, Tools } from './platform.ts'

/** Defaults of a stock server; each server's own values are read at connect. Source: https://docs.joinmastodon.org/entities/Instance/ */
export const stockLimits: Limits = {
  text: { max: 500, count: 'mastodon', linkLength: 23 },
  images: {
    max: 4,
    maxBytes: 20 * 1024 * 1024,
    shrinkToBytes: 16 * 1024 * 1024,
    shrinkToPixels: 33_177_600,
    maxAlt: 1500,
    types: ['image/jpeg', 'image/png', 'image/webp'],
  },
}

export interface Server {
  title: string
  limits: Limits
  /** Whether the server keeps `Idempotency-Key`; servers that are only compatible may ignore it. */
  keyed: boolean
}

export interface Caller {
  server: string
  token: string
  tools: Tools
}

/** Calls with the account's token. */
export function call(caller: Caller, path: string, init: Omit<OutboundInit, 'signal'> = {}): Promise<Answer> {
  const headers = { ...init.headers, authorization: `Bearer ${caller.token}` }
  return caller.tools.fetch(new URL(path, caller.server), { ...init, headers, signal: caller.tools.signal })
}

export function callerOf(account: Account, secret: Record<string, Json>, tools: Tools): Caller {
  const { instance } = account.settings
  const { token } = secret
  if (typeof instance !== 'string' || typeof token !== 'string') {
    const why = {
      code: 'credential_missing',
      message: 'The account’s server or token is missing.',
      next: 'Connect the account again.',
    }
    throw new Stop({ is: 'reconnect', why })
  }
  return { server: instance, token, tools }
}

/** Reads what the server is and takes; newer servers answer `/api/v2/instance`, older and compatible ones only v1. */
export async function readServer(server: string, tools: Tools): Promise<Server> {
  const ask = (path: string) => tools.fetch(new URL(path, server), { signal: tools.signal })
  let answer = await ask('/api/v2/instance')
  if (answer.status === 404) answer = await ask('/api/v1/instance')
  const body = jsonObject(answer)
  const version = textAt(body, 'version')
  if (answer.status !== 200 || version === null) throw trouble(answer)
  return {
    title: textAt(body, 'title') ?? new URL(server).host,
    limits: limitsOf(objectAt(body, 'configuration')),
    keyed: !/compatible/i.test(version),
  }
}

function limitsOf(configuration: Record<string, Json> | null): Limits {
  const statuses = objectAt(configuration, 'statuses')
  const media = objectAt(configuration, 'media_attachments')
  const stock = stockLimits
  const types = media?.supported_mime_types
  const taken = Array.isArray(types)
    ? stock.images.types.filter(type => types.includes(type))
    : stock.images.types
  return {
    text: {
      max: numberAt(statuses, 'max_characters') ?? stock.text.max,
      count: 'mastodon',
      linkLength: numberAt(statuses, 'characters_reserved_per_url') ?? 23,
    },
    images: {
      ...stock.images,
      max: numberAt(statuses, 'max_media_attachments') ?? stock.images.max,
      shrinkToBytes: numberAt(media, 'image_size_limit') ?? 16 * 1024 * 1024,
      shrinkToPixels: numberAt(media, 'image_matrix_limit') ?? 33_177_600,
      maxAlt: numberAt(media, 'description_limit') ?? stock.images.maxAlt,
      types: taken,
    },
  }
}

/** Words for an answer that is not the one asked for. */
export function trouble(answer: Answer, secrets: readonly unknown[] = []): Stop {
  const { status } = answer
  const raw = rawOf(answer, secrets)
  const body = jsonObject(answer)
  const because = (code: string, message: string, next: string): Failure => ({
    code,
    message,
    next,
    link: null,
    raw,
  })
  if (status === 429) return new Stop(throttled(answer, 'Mastodon', secrets))
  if (status === 401) {
    const next =
      'On your server under Preferences, Development, make a new access token and connect again with it.'
    return new Stop({
      is: 'reconnect',
      why: because('token_revoked', 'The server no longer accepts the access token.', next),
    })
  }
  if (status === 403) {
    const next =
      'Check that the token may read and write, and sign in to the server to see whether the account is limited.'
    return new Stop({
      is: 'reconnect',
      why: because('forbidden', `The server does not allow this: ${words(answer, secrets)}`, next),
    })
  }
  if (status === 404 || status === 410) {
    const next = 'Check the server’s address. If the server is gone, connect an account on another one.'
    return new Stop({
      is: 'reconnect',
      why: because('server_gone', `The server does not know this part of Mastodon (${status}).`, next),
    })
  }
  if (status === 400 || status === 422) {
    const next = 'Change the post as the server asks and publish again.'
    return new Stop({
      is: 'rejected',
      why: because('refused', `The server refused it: ${words(answer, secrets)}`, next),
    })
  }
  if (body === null) {
    const next =
      'Check that the address is that of a Mastodon server. If it is, nothing to do: it is tried again.'
    return new Stop(
      retry(
        because(
          'unexpected_answer',
          `The server answered ${status} with something that is not an answer of Mastodon.`,
          next,
        ),
      ),
    )
  }
  return new Stop(
    retry(
      because('server_error', `The server answered ${status}.`, 'Nothing to do at first: it is tried again.'),
    ),
  )
}

/** The server's own words for what was wrong. */
export function words(answer: Answer, secrets: readonly unknown[] = []): string {
  const raw = rawOf(answer, secrets)
  return (isObject(raw) ? textAt(raw, 'error') : null) ?? `status ${answer.status}`
}
