/** What a platform's answer to a send tells of the limit it counts against. */
import type { Answer } from '../lib/fetch.ts'
import { leftOf, waitOf } from './answers.ts'

/** No more is taken for a while: from this account, or from anybody here who calls that server. */
export interface Rest {
  of: 'account' | 'server'
  host: string
  forMs: number
}

/**
 * Limits that count the calls of an address, not of an account. Mastodon: 7,500 in 5 minutes
 * (https://docs.joinmastodon.org/api/rate-limits/). Bluesky: 3,000 in 5 minutes
 * (https://docs.bsky.app/docs/advanced-guides/rate-limits).
 */
const perAddress = (headers: Headers): boolean =>
  headers.get('x-ratelimit-limit')?.trim() === '7500' ||
  /^3000;\s*w=300\b/.test(headers.get('ratelimit-policy')?.trim() ?? '')

/** Whether the limit is used up by this answer's call, or was before; null when it is not, or does not tell until when. */
export function restOf(
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
  url: string | URL,
): Rest | null {
  const now = Date.now()
  const left = leftOf(headers, now)
  const forMs =
    status === 429 ? waitOf(headers, now) : left?.calls === 0 ? left.until.getTime() - now : undefined
  if (forMs === undefined) return null
  return { of: perAddress(headers) ? 'server' : 'account', host: new URL(url).host, forMs }
}

/** The server that an account's posts are sent to, where its settings name one. */
export function serverOf(settings: Record<string, unknown>): string | null {
  const address = settings.pds ?? settings.instance ?? settings.service
  return typeof address === 'string' && URL.canParse(address) ? new URL(address).host : null
}
