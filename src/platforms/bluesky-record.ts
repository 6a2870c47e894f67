/** What goes into a Bluesky post record: key, facets, pictures. */
import { createHash } from 'node:crypto'
import { findFacets } from '../lib/text.ts'
import { jsonObject, objectAt, Stop, textAt } from './answers.ts'
import { type Session, trouble } from './bluesky-session.ts'
import { outcomeFor } from './catalogue/tell.ts'
import type { Account, Answered, Finding, Json, Outcome, Post, PostImage } from './platform.ts'
import { fitted } from './shrink.ts'

export const collection = 'app.bsky.feed.post'
const alphabet = '234567abcdefghijklmnopqrstuvwxyz'

/**
 * The record key of a job: a TID (13 characters, microseconds and a clock id) made of the planned moment and the job's own
 * id. The same job always has the same key, so the worst a repeat can do is write the same post again. The parts of a
 * thread have keys a millisecond apart, in their order.
 * Source: https://atproto.com/specs/tid
 */
export function recordKey(post: Pick<Post, 'jobId' | 'plannedAt' | 'part'>): string {
  const hash = createHash('sha256').update(post.jobId).digest()
  const millis = post.plannedAt.getTime() + post.part - 1
  const micros = BigInt(millis) * 1000n + BigInt(hash.readUInt16BE(0) % 1000)
  let rest = (micros << 10n) | BigInt(hash.readUInt16BE(2) & 0x3ff)
  let key = ''
  for (let i = 0; i < 13; i++) {
    key = alphabet.charAt(Number(rest & 31n)) + key
    rest >>= 5n
  }
  return key
}

/**
 * Facets of the text. A mentioned handle that nobody has stays plain text, as in Bluesky's own app.
 * Source: https://docs.bsky.app/docs/advanced-guides/post-richtext
 */
export async function facetsOf(
  text: string,
  session: Session,
  note: (what: string) => void,
): Promise<Json[]> {
  const facets: Json[] = []
  for (const { kind, start, end, value } of findFacets(text)) {
    let feature: Json
    if (kind === 'mention') {
      const answer = await session.ask('com.atproto.identity.resolveHandle', { query: { handle: value } })
      const did = answer.status === 200 ? textAt(jsonObject(answer), 'did') : null
      if (did === null) {
        note('A mentioned handle was not found and stays plain text.')
        continue
      }
      feature = { $type: 'app.bsky.richtext.facet#mention', did }
    } else {
      feature =
        kind === 'link'
          ? { $type: 'app.bsky.richtext.facet#link', uri: value }
          : { $type: 'app.bsky.richtext.facet#tag', tag: value }
    }
    facets.push({ index: { byteStart: start, byteEnd: end }, features: [feature] })
  }
  return facets
}

/**
 * What a reply names: the post above and the first of all, each by address and content hash, read without a token.
 * Source: https://docs.bsky.app/docs/advanced-guides/posts#replies
 * @throws Stop when one of them is gone
 */
export async function replyOf({ parent, root }: Answered, session: Session): Promise<Json> {
  const above = await strongRef(parent, session)
  return { root: root === parent ? above : await strongRef(root, session), parent: above }
}

async function strongRef(uri: string, session: Session): Promise<Json> {
  const [repo = '', , rkey = ''] = uri.replace('at://', '').split('/')
  const answer = await session.ask('com.atproto.repo.getRecord', { query: { repo, collection, rkey } })
  const body = jsonObject(answer)
  const cid = textAt(body, 'cid')
  if (answer.status === 200 && cid !== null) return { uri, cid }
  if (answer.status !== 400 || textAt(body, 'error') !== 'RecordNotFound')
    throw trouble(answer, session.secrets())
  throw new Stop(outcomeFor('bluesky', 'parent_gone'))
}

/** Uploads one picture (made to fit first) and gives its entry for the embed. Repeating it is harmless: blobs are named by their content. */
export async function uploadImage(image: PostImage, account: Account, session: Session): Promise<Json> {
  const { bytes, type, width, height } = await fitted(image, account.limits.images, 'Bluesky')
  const answer = await session.call('com.atproto.repo.uploadBlob', {
    method: 'POST',
    headers: { 'content-type': type },
    body: bytes,
  })
  const blob = objectAt(jsonObject(answer), 'blob')
  if (answer.status === 200 && blob) return { image: blob, alt: image.alt, aspectRatio: { width, height } }
  throw trouble(answer, session.secrets(), 'picture')
}

/** Reads the job's record, without a token: published, absent, or it stops because the answer tells nothing. */
export async function lookUp(session: Session, account: Account, post: Post): Promise<Finding> {
  const query = { repo: account.remoteId, collection, rkey: recordKey(post) }
  const answer = await session.ask('com.atproto.repo.getRecord', { query })
  const body = jsonObject(answer)
  if (answer.status === 200 && textAt(body, 'uri') === uriOf(account, post) && objectAt(body, 'value')) {
    return published(account, post)
  }
  if (answer.status === 400 && textAt(body, 'error') === 'RecordNotFound') return { is: 'absent' }
  throw trouble(answer, session.secrets())
}

export function published(account: Account, post: Post): Outcome & { is: 'published' } {
  const remoteUrl = `https://bsky.app/profile/${account.remoteId}/post/${recordKey(post)}`
  return { is: 'published', remoteId: uriOf(account, post), remoteUrl }
}

export function uriOf(account: Account, post: Post): string {
  return `at://${account.remoteId}/${collection}/${recordKey(post)}`
}
