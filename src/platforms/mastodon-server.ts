/** What a Mastodon server says about itself, and the calls that adapters of its API share. */
import type { Answer, OutboundInit } from '../lib/fetch.ts'
import { jsonObject, numberAt, objectAt, Stop, textAt } from './answers.ts'
import type { CallKind } from './catalogue/entry.ts'
import { outcomeFor, told } from './catalogue/tell.ts'
import type { Account, Json, Limits, Tools } from './platform.ts'

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
    throw new Stop(outcomeFor('mastodon', 'credential_missing'))
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
export const trouble = (answer: Answer, secrets: readonly unknown[] = [], to?: CallKind): Stop =>
  told('mastodon', answer, { secrets, ...(to ? { to } : {}) })
