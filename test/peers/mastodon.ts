/**
 * A Mastodon server of ours for the tests, because no package holds a real one: it speaks the documented protocol
 * (https://docs.joinmastodon.org/methods/) and behaves badly on request. Checked with the public `masto` client.
 */
import {
  accountEntity,
  instanceEntity,
  type MastodonAccount,
  type Status,
  statusEntity,
} from './mastodon-entities.ts'
import { isReady, type Media, mediaEntity, readUpload, refuseMedia } from './mastodon-media.ts'
import { countCharacters } from './mastodon-text.ts'
import { error, Tokens } from './mastodon-tokens.ts'
import { type Faults, fields, type Received, type Served, serve } from './serve.ts'

/** One accepted status, noted at the moment of acceptance, whatever the caller was told. */
export interface AcceptedStatus {
  at: Date
  id: string
  accountId: string
  text: string
  /** The id of the status that it answers. */
  inReplyTo: string | null
  mediaIds: string[]
  idempotencyKey: string | null
}

export interface MastodonOptions {
  maxCharacters?: number
  maxMedia?: number
  /** Uploads answer 202, and GET /api/v1/media/:id answers 206 this many times first. Default 0: 200 at once. */
  mediaPolls?: number
  /** false behaves like the compatible servers that ignore Idempotency-Key. */
  idempotency?: boolean
  /** What it says it is, default 4.5.0; compatible servers name themselves, as in `2.7.2 (compatible; Pleroma 2.9.0)`. */
  version?: string
  /** Requests per window and token, default 300 in 5 minutes as documented. */
  rateLimit?: number
  windowMs?: number
}

export interface Mastodon {
  url: string
  /** Host and port as `OUTBOUND_ALLOW` wants them. */
  host: string
  addAccount(username: string): MastodonAccount & { token: string }
  /** A new token for an account, as when a person connects again. */
  renew(accountId: string): string
  /** From now on the token answers 401, as after a person removed the app. */
  revoke(token: string): void
  /** Every call of the token answers 403, as when a moderator froze the login. */
  disable(token: string): void
  /** The independent witness: every status this server took in. */
  accepted: AcceptedStatus[]
  /** What readers see now, oldest first. */
  statuses(accountId: string): Status[]
  setCounts(statusId: string, counts: Partial<Status['counts']>): void
  media(id: string): Media | undefined
  faults: Faults
  requests: Received[]
  /** While true, nothing answers at all. */
  down: boolean
  stop(): Promise<void>
}

const idempotencyMs = 3_600_000

/** Starts the server on a free port of 127.0.0.1. */
export async function startMastodon(options: MastodonOptions = {}): Promise<Mastodon> {
  const { maxCharacters = 500, maxMedia = 4, mediaPolls = 0, idempotency = true, rateLimit = 300 } = options
  const { version = '4.5.0', windowMs = 300_000 } = options
  const tokens = new Tokens(rateLimit, windowMs)
  const accounts = new Map<string, MastodonAccount>()
  const statuses = new Map<string, Status>()
  const media = new Map<string, Media>()
  const keys = new Map<string, { statusId: string; at: number }>()
  const accepted: AcceptedStatus[] = []
  let sequence = 0
  // Ids grow with time, as Mastodon's do: 48 bits of milliseconds, 16 bits to tell two in one millisecond apart.
  const newId = () => ((BigInt(Date.now()) << 16n) + BigInt(++sequence % 65_536)).toString()
  const served: Served = await serve(async request => tokens.withHeaders(request, await route(request)))
  const site = served.url
  const show = (status: Status) => Response.json(statusEntity(status, site))

  async function route(request: Received): Promise<Response> {
    const { method, path } = request
    if (method === 'GET' && path === '/api/v2/instance')
      return Response.json(instanceEntity(site, maxCharacters, maxMedia, version))
    const file = /^\/system\/media_attachments\/(\d+)$/.exec(path)?.[1]
    if (file) return mediaFile(file)

    // Public statuses can be read without any token; a bad token is refused even there.
    const isPublicRead = method === 'GET' && /^\/api\/v1\/(statuses|accounts)\/\d+/.test(path)
    const anonymous = isPublicRead && !request.headers.has('authorization')
    const account = anonymous ? null : tokens.admit(request)
    if (account instanceof Response) return account
    if (account) {
      if (method === 'GET' && path === '/api/v1/apps/verify_credentials') {
        return Response.json({
          id: '1',
          name: 'Masthead',
          website: null,
          scopes: ['read', 'write'],
          redirect_uris: [],
        })
      }
      if (method === 'GET' && path === '/api/v1/accounts/verify_credentials') {
        return Response.json(accountEntity(account, site, ownStatuses(account.id).length))
      }
      if (method === 'POST' && path === '/api/v2/media') return upload(request, account)
      if (method === 'POST' && path === '/api/v1/statuses') return post(request, account)
      const mediaId = /^\/api\/v1\/media\/(\d+)$/.exec(path)?.[1]
      if (method === 'GET' && mediaId) return pollMedia(mediaId, account)
    }
    const listOf = /^\/api\/v1\/accounts\/(\d+)\/statuses$/.exec(path)?.[1]
    if (method === 'GET' && listOf && accounts.has(listOf)) return list(listOf, request.query)
    const one = statuses.get(/^\/api\/v1\/statuses\/(\d+)$/.exec(path)?.[1] ?? '')
    if (one && method === 'GET') return show(one)
    if (one && method === 'DELETE' && one.account.id === account?.id) {
      statuses.delete(one.id)
      return show(one)
    }
    return error(404, 'Record not found')
  }

  async function upload(request: Received, account: MastodonAccount): Promise<Response> {
    const read = await readUpload(request)
    if (typeof read === 'string') return error(422, read)
    const kept: Media = { ...read, id: newId(), accountId: account.id, pollsUntilReady: mediaPolls }
    media.set(kept.id, kept)
    return Response.json(mediaEntity(kept, site), { status: isReady(kept) ? 200 : 202 })
  }

  function pollMedia(id: string, account: MastodonAccount): Response {
    const found = media.get(id)
    // Once attached, an upload is no longer found here.
    if (found?.accountId !== account.id || found.statusId) return error(404, 'Record not found')
    const status = isReady(found) ? 200 : 206
    found.pollsUntilReady -= 1
    return Response.json(mediaEntity(found, site), { status })
  }

  function mediaFile(id: string): Response {
    const found = media.get(id)
    return found
      ? new Response(found.bytes, { headers: { 'content-type': found.mime } })
      : error(404, 'Record not found')
  }

  async function post(request: Received, account: MastodonAccount): Promise<Response> {
    const key = request.headers.get('idempotency-key')
    const known = key && idempotency ? keys.get(`${account.id} ${key}`) : undefined
    const first = known && Date.now() - known.at < idempotencyMs ? statuses.get(known.statusId) : undefined
    if (first) return show(first)

    const body = await fields(request)
    const text = typeof body.status === 'string' ? body.status : ''
    const spoiler = typeof body.spoiler_text === 'string' ? body.spoiler_text : ''
    const visibility = typeof body.visibility === 'string' ? body.visibility : 'public'
    const ids = Array.isArray(body.media_ids) ? body.media_ids.map(String) : []
    const found = ids.flatMap(id => {
      const item = media.get(id)
      return item && item.accountId === account.id && !item.statusId ? [item] : []
    })
    const refusal = refuseMedia(ids, found, maxMedia)
    if (refusal) return error(422, refusal)
    if (!text.trim() && found.length === 0) return error(422, "Validation failed: Text can't be blank")
    if (!['public', 'unlisted', 'private', 'direct'].includes(visibility)) {
      return error(422, 'Validation failed: Visibility is not included in the list')
    }
    if (countCharacters(text, spoiler) > maxCharacters) {
      return error(422, `Validation failed: Text character limit of ${maxCharacters} exceeded`)
    }

    const status: Status = {
      id: newId(),
      account,
      createdAt: new Date(),
      text,
      spoiler,
      visibility,
      language: typeof body.language === 'string' ? body.language : 'en',
      inReplyTo: typeof body.in_reply_to_id === 'string' ? body.in_reply_to_id : null,
      media: found,
      counts: { replies: 0, reblogs: 0, favourites: 0, quotes: 0 },
    }
    for (const item of found) item.statusId = status.id
    statuses.set(status.id, status)
    if (key) keys.set(`${account.id} ${key}`, { statusId: status.id, at: Date.now() })
    accepted.push({
      at: status.createdAt,
      id: status.id,
      accountId: account.id,
      text,
      inReplyTo: status.inReplyTo,
      mediaIds: ids,
      idempotencyKey: key,
    })
    return show(status)
  }

  const ownStatuses = (accountId: string) =>
    [...statuses.values()].filter(status => status.account.id === accountId)

  function list(accountId: string, query: URLSearchParams): Response {
    const limit = Math.min(Number(query.get('limit') ?? 20) || 20, 40)
    const [below, above] = [query.get('max_id'), query.get('since_id') ?? query.get('min_id')]
    const page = ownStatuses(accountId)
      .filter(({ id }) => (!below || BigInt(id) < BigInt(below)) && (!above || BigInt(id) > BigInt(above)))
      .filter(({ visibility }) => visibility === 'public' || visibility === 'unlisted')
      .reverse()
      .slice(0, limit)
    const last = page.at(-1)
    const link = last
      ? { Link: `<${site}/api/v1/accounts/${accountId}/statuses?max_id=${last.id}>; rel="next"` }
      : {}
    return Response.json(
      page.map(status => statusEntity(status, site)),
      { headers: link },
    )
  }

  return {
    url: site,
    host: new URL(site).host,
    addAccount(username) {
      const account: MastodonAccount = { id: newId(), username, displayName: username, createdAt: new Date() }
      accounts.set(account.id, account)
      return { ...account, token: tokens.give(account) }
    },
    renew(accountId) {
      const account = accounts.get(accountId)
      if (!account) throw new Error(`there is no account ${accountId}`)
      return tokens.give(account)
    },
    revoke: token => tokens.set(token, 'revoked'),
    disable: token => tokens.set(token, 'disabled'),
    accepted,
    statuses: ownStatuses,
    setCounts(statusId, counts) {
      const status = statuses.get(statusId)
      if (!status) throw new Error(`there is no status ${statusId}`)
      Object.assign(status.counts, counts)
    },
    media: id => media.get(id),
    faults: served.faults,
    requests: served.requests,
    get down() {
      return served.down
    },
    set down(value) {
      served.down = value
    },
    stop: served.stop,
  }
}
