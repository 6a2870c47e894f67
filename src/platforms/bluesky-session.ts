/**
 * One signed-in conversation with a Bluesky server. The session is kept and refreshed, never opened anew per post:
 * sign-ins are limited to 30 in 5 minutes per account (https://docs.bsky.app/docs/advanced-guides/rate-limits).
 */
import type { Answer, OutboundInit } from '../lib/fetch.ts'
import { jsonObject, objectAt, Stop, textAt, webAddress } from './answers.ts'
import type { CallKind } from './catalogue/entry.ts'
import { outcomeFor, told } from './catalogue/tell.ts'
import type { Account, Credential, Json, Tools } from './platform.ts'

type Secrets = Record<string, Json>
type Call = Omit<OutboundInit, 'signal'> & { query?: Record<string, string> }

export interface Session {
  /** Calls as this account; refreshes once when the server says that the token has aged. Answers 200 or any other status. */
  call(method: string, init?: Call): Promise<Answer>
  /** Calls without a token. */
  ask(method: string, init?: Call): Promise<Answer>
  /** Every secret this conversation has used, to be kept out of words. */
  secrets(): unknown[]
}

/** What a sign-in found. `pds` is where the account's data lives: for bsky.social accounts a different server. */
export interface SignedIn {
  did: string
  handle: string
  pds: string
  secret: Secrets
}

export function xrpc(tools: Tools, server: string, method: string, init: Call = {}): Promise<Answer> {
  const { query, ...rest } = init
  const url = new URL(`/xrpc/${method}`, server)
  for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, value)
  return tools.fetch(url, { ...rest, signal: tools.signal })
}

/** JSON body of a procedure call. */
export function json(body: Json): Pick<Call, 'method' | 'headers' | 'body'> {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** Signs in with an app password; stops with `reconnect` when it is refused, `retry` when the server is in trouble. */
export async function signIn(
  tools: Tools,
  service: string,
  identifier: string,
  password: string,
): Promise<SignedIn> {
  const answer = await xrpc(
    tools,
    service,
    'com.atproto.server.createSession',
    json({ identifier, password }),
  )
  const body = jsonObject(answer)
  if (answer.status !== 200) throw refusedSignIn(answer, [password])
  const did = textAt(body, 'did')
  const handle = textAt(body, 'handle')
  const accessJwt = textAt(body, 'accessJwt')
  const refreshJwt = textAt(body, 'refreshJwt')
  if (!did || !handle || !accessJwt || !refreshJwt) throw trouble(answer)
  if (body?.active === false) throw inactive(textAt(body, 'status') ?? 'deactivated')
  return {
    did,
    handle,
    pds: pdsOf(objectAt(body, 'didDoc')) ?? service,
    secret: { password, accessJwt, refreshJwt },
  }
}

/** The session of a connected account. */
export function session(account: Account, tools: Tools, credential: Credential): Session {
  const service = String(account.settings.service ?? '')
  const pds = String(account.settings.pds ?? service)
  if (webAddress(service) === null || webAddress(pds) === null) {
    throw new Stop(outcomeFor('bluesky', 'settings_missing'))
  }
  let secrets = credential.current
  const used = new Set(Object.values(secrets))
  const ask: Session['ask'] = (method, init) => xrpc(tools, pds, method, init)
  const signed = (method: string, init: Call = {}) =>
    ask(method, { ...init, headers: { ...init.headers, authorization: `Bearer ${secrets.accessJwt}` } })
  return {
    ask,
    secrets: () => [...used],
    async call(method, init) {
      const first = await signed(method, init)
      if (!aged(first)) return first
      const failed = secrets.accessJwt
      secrets = await credential.renew(current =>
        // Somebody else may have renewed it while we waited for our turn.
        current.accessJwt !== failed
          ? Promise.resolve(current)
          : renewed(tools, service, account.remoteId, current),
      )
      for (const secret of Object.values(secrets)) used.add(secret)
      const second = await signed(method, init)
      if (aged(second) || second.status === 401) throw refusedSignIn(second, [...used])
      return second
    },
  }
}

async function renewed(tools: Tools, service: string, did: string, current: Secrets): Promise<Secrets> {
  const answer = await xrpc(tools, service, 'com.atproto.server.refreshSession', {
    method: 'POST',
    headers: { authorization: `Bearer ${current.refreshJwt}` },
  })
  const body = jsonObject(answer)
  const accessJwt = textAt(body, 'accessJwt')
  const refreshJwt = textAt(body, 'refreshJwt')
  if (answer.status === 200) {
    if (!accessJwt || !refreshJwt) throw trouble(answer)
    if (body?.active === false) throw inactive(textAt(body, 'status') ?? 'deactivated')
    return { ...current, accessJwt, refreshJwt }
  }
  if (answer.status === 429 || answer.status >= 500) throw trouble(answer, Object.values(current))
  const error = textAt(body, 'error')
  if (error === 'AccountTakedown' || error === 'AccountDeactivated') throw inactive(error)
  // The refresh token is spent or revoked; the app password decides whether the connection still holds.
  const { password } = current
  if (typeof password !== 'string') throw refusedSignIn(answer, Object.values(current))
  const fresh = await signIn(tools, service, did, password)
  if (fresh.did !== did) throw refusedSignIn(answer, Object.values(current))
  return { ...current, ...fresh.secret }
}

/** True when the server means: this access token is no longer good. */
function aged(answer: Answer): boolean {
  if (answer.status !== 400 && answer.status !== 401) return false
  const error = textAt(jsonObject(answer), 'error')
  return (
    error === 'ExpiredToken' ||
    error === 'InvalidToken' ||
    (answer.status === 401 && error !== 'AccountTakedown')
  )
}

/** Words for an answer that is not the one asked for. */
export const trouble = (answer: Answer, secrets: readonly unknown[] = [], to?: CallKind): Stop =>
  told('bluesky', answer, { secrets, ...(to ? { to } : {}) })

const refusedSignIn = (answer: Answer, secrets: readonly unknown[]): Stop =>
  trouble(answer, secrets, 'sign_in')

function inactive(status: string): Stop {
  const message = `The Bluesky account is not active (${status.slice(0, 40)}).`
  return new Stop(outcomeFor('bluesky', 'account_inactive', { message }))
}

/** The server named in the account's identity document, when it is a proper https address. */
function pdsOf(document: Record<string, Json> | null): string | null {
  const services = Array.isArray(document?.service) ? document.service : []
  for (const one of services) {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) continue
    if (String(one.id).endsWith('#atproto_pds') && typeof one.serviceEndpoint === 'string') {
      const url = webAddress(one.serviceEndpoint)
      if (url?.startsWith('https://')) return new URL(url).origin
    }
  }
  return null
}
