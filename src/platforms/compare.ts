/** What was sent beside what stands there: what is the same, what the platform explains, what is different. */
import { plain } from './mastodon-look.ts'
import type { Seen } from './platform.ts'

/** One thing that is not byte for byte as it was sent, in a sentence; `explained` is what platforms do to every post. */
export interface Finding {
  kind: 'explained' | 'different'
  words: string
}

interface Sent {
  text: string
  images: readonly { alt: string }[]
}

/** @returns nothing when it stands there exactly as it was sent */
export function compare(sent: Sent, seen: Seen): Finding[] {
  return [
    ...textFindings(sent.text, seen.text),
    ...pictureFindings(sent.images, seen.images),
    ...seen.notes.map(explained),
  ]
}

const explained = (words: string): Finding => ({ kind: 'explained', words })
const different = (words: string): Finding => ({ kind: 'different', words })

function textFindings(sent: string, seen: string): Finding[] {
  if (sent === seen) return []
  if (spaced(sent) === spaced(seen)) return [explained('Line breaks and spaces are set otherwise there.')]
  if (plain(sent) === plain(seen)) return [explained('Mentions are shown without their server there.')]
  if (sameButLinks(sent, seen)) return [explained('A link is shown shortened there.')]
  if (seen === '') return [different('There are no words there.')]
  const cut = spaced(seen).replace(/\s?(…|\.{3})$/, '')
  return spaced(sent).startsWith(cut)
    ? [different('The words are cut off there.')]
    : [different('The words there are not those that were sent.')]
}

const spaced = (text: string): string => text.normalize('NFC').replace(/\s+/g, ' ').trim()

/** A shortened link begins as the whole one does, without its scheme, and ends in an ellipsis. */
function sameButLinks(sent: string, seen: string): boolean {
  const [a, b] = [spaced(sent).split(' '), spaced(seen).split(' ')]
  return (
    a.length === b.length &&
    a.every((word, at) => {
      const other = b[at] ?? ''
      if (word === other) return true
      const bare = (link: string) => link.replace(/^https?:\/\/(www\.)?/, '')
      const begins = bare(other).replace(/(…|\.{3})$/, '')
      return /^https?:\/\//.test(word) && begins.length >= 4 && bare(word).startsWith(begins)
    })
  )
}

function pictureFindings(sent: readonly { alt: string }[], seen: Seen['images']): Finding[] {
  if (sent.length !== seen.length)
    return [
      different(
        `${sent.length} ${sent.length === 1 ? 'picture was' : 'pictures were'} sent, ${seen.length} ${seen.length === 1 ? 'is' : 'are'} there.`,
      ),
    ]
  const pictures = seen.flatMap(({ picture }, at) =>
    picture === 'other' ? [different(`Picture ${at + 1} is not the one that was sent.`)] : [],
  )
  const written = seen.filter(({ picture }) => picture === 'reencoded').length
  const alts = seen.flatMap(({ alt }, at) => altFindings(sent[at]?.alt ?? '', alt, at + 1))
  return [
    ...pictures,
    ...(written > 0
      ? [
          explained(
            `${written === 1 ? 'A picture was' : `${written} pictures were`} written anew on the way.`,
          ),
        ]
      : []),
    ...alts,
  ]
}

function altFindings(sent: string, seen: string, number: number): Finding[] {
  const [a, b] = [spaced(sent), spaced(seen)]
  if (a === b) return []
  if (b === '') return [different(`Picture ${number} has no alt text there.`)]
  const cut = b.replace(/\s?(…|\.{3})$/, '')
  if (cut !== '' && a.startsWith(cut))
    return [explained(`The alt text of picture ${number} is cut off there.`)]
  return [different(`The alt text of picture ${number} is another one there.`)]
}
