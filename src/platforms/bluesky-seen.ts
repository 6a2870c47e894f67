/** Reading a published Bluesky record back. */
import { isObject, jsonObject, objectAt, textAt } from './answers.ts'
import { type Session, trouble } from './bluesky-session.ts'
import type { Json, Looking, Published, Seen } from './platform.ts'

const address = /^at:\/\/([^/]+)\/([^/]+)\/([^/]+)$/

/** The record as its server keeps it; null when there is none. @throws Stop when the answer tells nothing */
export async function readRecord(
  session: Session,
  published: Published,
  { steps }: Looking,
): Promise<Seen | null> {
  const [, repo = '', collection = '', rkey = ''] = address.exec(published.remoteId) ?? []
  const answer = await session.ask('com.atproto.repo.getRecord', { query: { repo, collection, rkey } })
  const body = jsonObject(answer)
  if (answer.status === 400 && textAt(body, 'error') === 'RecordNotFound') return null
  const value = objectAt(body, 'value')
  if (answer.status !== 200 || !value) throw trouble(answer, session.secrets())
  const embedded = objectAt(value, 'embed')?.images
  const images = Array.isArray(embedded) ? embedded.filter(isObject) : []
  return {
    text: typeof value.text === 'string' ? value.text : '',
    images: images.map((image, at) => {
      const sent = published.images[at]
      const link = linkOf(image.image)
      const uploaded = sent && steps[`picture-${at + 1}-${sent.id}`]
      const ours = isObject(uploaded) ? linkOf(uploaded.image) : null
      return {
        alt: typeof image.alt === 'string' ? image.alt : '',
        picture:
          link === null || !sent
            ? 'other'
            : link === blobLink(sent.sha256)
              ? 'sent'
              : link === ours
                ? 'reencoded'
                : 'other',
      }
    }),
    notes: [],
  }
}

/** The name of a blob in a reference: `{"$type": "blob", "ref": {"$link": "bafkrei…"}}`. */
function linkOf(blob: Json | undefined): string | null {
  return isObject(blob) ? textAt(objectAt(blob, 'ref'), '$link') : null
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/**
 * The name that a server gives these bytes: a CID of version 1, raw, SHA-256, in lower-case base32.
 * Sources: https://atproto.com/specs/data-model#link-and-cid-formats, https://github.com/multiformats/cid
 */
export function blobLink(sha256: string): string {
  const bytes = Buffer.concat([Buffer.from([0x01, 0x55, 0x12, 0x20]), Buffer.from(sha256, 'hex')])
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  const letters = bits.match(/.{1,5}/g) ?? []
  return `b${letters.map(five => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)]).join('')}`
}
