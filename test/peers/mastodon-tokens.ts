/** Who may call our Mastodon server, and how often. Sentences: mastodon/mastodon, doorkeeper.en.yml; limits: docs.joinmastodon.org/api/rate-limits/ */
import type { MastodonAccount } from './mastodon-entities.ts'
import type { Received } from './serve.ts'

type State = 'good' | 'revoked' | 'disabled'
interface Token {
  account: MastodonAccount
  state: State
  window: { startedAt: number; used: number }
}

const answers: Record<Exclude<State, 'good'>, [status: number, message: string]> = {
  revoked: [401, 'The access token was revoked'],
  disabled: [403, 'Your login is currently disabled'],
}

export const error = (status: number, message: string) => Response.json({ error: message }, { status })

export class Tokens {
  #tokens = new Map<string, Token>()

  constructor(
    readonly rateLimit: number,
    readonly windowMs: number,
  ) {}

  give(account: MastodonAccount): string {
    const token = crypto.randomUUID()
    this.#tokens.set(token, { account, state: 'good', window: { startedAt: Date.now(), used: 0 } })
    return token
  }

  set(token: string, state: State): void {
    const known = this.#tokens.get(token)
    if (!known) throw new Error('this server never gave out that token')
    known.state = state
  }

  #of(request: Received): Token | undefined {
    return this.#tokens.get(/^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? '')
  }

  /** Counts the call, and answers the account it may act for or the refusal. */
  admit(request: Received): MastodonAccount | Response {
    const token = this.#of(request)
    if (!token) return error(401, 'The access token is invalid')
    if (Date.now() - token.window.startedAt >= this.windowMs)
      token.window = { startedAt: Date.now(), used: 0 }
    token.window.used += 1
    if (token.state !== 'good') return error(...answers[token.state])
    return token.window.used > this.rateLimit ? error(429, 'Too many requests') : token.account
  }

  /** Adds the rate limit headers, whose reset is an ISO time, not seconds. */
  withHeaders(request: Received, response: Response): Response {
    const window = this.#of(request)?.window
    if (!window) return response
    response.headers.set('X-RateLimit-Limit', `${this.rateLimit}`)
    response.headers.set('X-RateLimit-Remaining', `${Math.max(0, this.rateLimit - window.used)}`)
    response.headers.set('X-RateLimit-Reset', new Date(window.startedAt + this.windowMs).toISOString())
    return response
  }
}
