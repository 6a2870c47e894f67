/** Looking through an account's own statuses for one post. */
import { graphemes } from '../lib/text.ts'
import { isObject, Stop, textAt, webAddress } from './answers.ts'
import { outcomeFor } from './catalogue/tell.ts'
import { type Caller, call, trouble } from './mastodon-server.ts'
import type { Account, Json, Outcome, Post } from './platform.ts'

/** Clocks of two servers may differ by this much. */
const skewMs = 60_000
const pages = 5

/**
 * The status that is this post, or null after looking through everything since `since`. Matches the plain text, the
 * number of pictures, what it answers, the time and, where the server tells it, the app the token belongs to. Stops (with an outcome)
 * when it could not look far enough.
 */
export async function findStatus(
  caller: Caller,
  account: Account,
  post: Post,
  since: number,
): Promise<(Outcome & { is: 'published' }) | null> {
  const wanted = plain(post.text)
  const id = encodeURIComponent(account.remoteId)
  let before = ''
  for (let page = 0; page < pages; page++) {
    const answer = await call(
      caller,
      `/api/v1/accounts/${id}/statuses?limit=40&exclude_reblogs=true${before}`,
    )
    const list = answer.status === 200 ? listOf(answer.text()) : null
    if (list === null) throw trouble(answer, [caller.token])
    let oldest = Number.POSITIVE_INFINITY
    for (const status of list) {
      const created = Date.parse(textAt(status, 'created_at') ?? '')
      // A pinned or old status may come first: only the last of the list says how far back we have seen.
      oldest = created
      if (created >= since - skewMs && matches(status, wanted, post, account)) return published(status)
    }
    const last = textAt(list.at(-1), 'id')
    if (list.length === 0 || last === null || oldest < since - skewMs) return null
    before = `&max_id=${encodeURIComponent(last)}`
  }
  throw new Stop(outcomeFor('mastodon', 'cannot_look'))
}

/** A status as an outcome; null when it has no id, which proves nothing. */
export function published(status: Record<string, Json> | null): (Outcome & { is: 'published' }) | null {
  const remoteId = textAt(status, 'id')
  if (remoteId === null) return null
  return { is: 'published', remoteId, remoteUrl: webAddress(status?.url) ?? webAddress(status?.uri) }
}

function matches(status: Record<string, Json>, wanted: string, post: Post, account: Account): boolean {
  const pictures = Array.isArray(status.media_attachments) ? status.media_attachments.length : 0
  if (pictures !== post.images.length) return false
  // Two parts of a thread may say the same; no two of them answer the same status.
  if (textAt(status, 'in_reply_to_id') !== (post.answers?.parent ?? null)) return false
  const app = isObject(status.application) ? textAt(status.application, 'name') : null
  const ours = account.settings.application
  if (app !== null && typeof ours === 'string' && app !== ours) return false
  return plain(fromHtml(textAt(status, 'content') ?? '')) === wanted
}

function listOf(text: string): Record<string, Json>[] | null {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && list.every(isObject) ? list : null
  } catch {
    return null
  }
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** Mastodon's HTML as the text it was made from. */
export function fromHtml(html: string): string {
  return html
    .replace(/<\/p>\s*(?=<p)/gi, '\n\n')
    .replace(/<br\s*\/?>|<\/p>/gi, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi, (whole, decimal, hex, named) => {
      const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : null
      if (code !== null) return code <= 0x10ffff ? String.fromCodePoint(code) : whole
      return entities[String(named).toLowerCase()] ?? whole
    })
}

/** Two texts are the same when these are: mentions without server, white space collapsed, one normal form. */
export function plain(text: string): string {
  const flat = text
    .normalize('NFC')
    .replace(/(^|[^/\w])@([a-z0-9_]+)@[a-z0-9.-]+[a-z0-9]+/gi, '$1@$2')
    .replace(/\s+/g, ' ')
    .trim()
  return graphemes(flat) === 0 ? '' : flat
}
