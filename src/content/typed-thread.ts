/** The parts of a thread in the composer's form: reading them, and what its buttons do to them. */
import { isId } from '../lib/id.ts'
import { limits, type Part, type Words } from './schema.ts'
import type { Typed } from './typed.ts'

/** The pictures of all parts, in their order, each once: the form shows them together. */
export const poolOf = ({ media, thread }: Pick<Words, 'media' | 'thread'>): string[] => [
  ...new Set([media, ...thread.map(part => part.media)].flat()),
]

/** Which parts show which picture, for those that the first part does not show, or not alone. */
export function placesOf(words: Pick<Words, 'media' | 'thread'>): Record<string, string> {
  const parts = [words.media, ...words.thread.map(part => part.media)]
  const places = poolOf(words).map(id => [
    id,
    parts.flatMap((ids, at) => (ids.includes(id) ? at + 1 : [])).join(),
  ])
  return besidesFirst(Object.fromEntries(places))
}

export const besidesFirst = (places: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(places).filter(([, parts]) => /^\d{1,2}(,\d{1,2})*$/.test(parts) && parts !== '1'),
  )

/** The pictures of one part; what belongs to a part that is gone belongs to the first. */
export function partMedia(
  { media, places, parts }: Pick<Typed, 'media' | 'places' | 'parts'>,
  part: number,
): string[] {
  return media.filter(id => {
    const there = numbers(places[id]).filter(place => place <= parts.length + 1)
    return there.length > 0 ? there.includes(part) : part === 1
  })
}

const numbers = (places = '1'): number[] => places.split(',').map(Number)

/** The texts of `part.2`, `part.3` and so on, as they were sent. */
export function partsOf(given: Record<string, unknown>): string[] {
  return gathered(given, number => `part.${number}`)
}

/** An account's own parts; null where the form says that it gets the same as everywhere. */
export function ownPartsOf(given: Record<string, unknown>, accountId: string): Part[] | null {
  if (given[`ownThread.${accountId}`] === undefined) return null
  return gathered(given, number => `ownPart.${accountId}.${number}`).map((text, at) => ({
    text,
    media: last(given[`ownMedia.${accountId}.${at + 2}`])
      .split(' ')
      .filter(isId),
  }))
}

function gathered(given: Record<string, unknown>, name: (number: number) => string): string[] {
  const texts: string[] = []
  for (let number = 2; number <= limits.thread + 1 && Object.hasOwn(given, name(number)); number++)
    texts.push(last(given[name(number)]))
  return texts
}

const last = (value: unknown): string => {
  const text = [value].flat().at(-1)
  return typeof text === 'string' ? text : ''
}

/**
 * What a button of the form does: `add`, `remove:3`, `earlier:3`, and for one account `own:<id>` (parts of its own),
 * `first-only:<id>`, `same:<id>`, `add:<id>`, `remove:<id>:3`. Anything else changes nothing.
 */
export function changeParts(typed: Typed, wish: string): Typed {
  const [what = '', of = '', which] = wish.split(':')
  const own = typed.own[of]
  if (own)
    return {
      ...typed,
      own: { ...typed.own, [of]: { ...own, thread: ownThread(typed, own.thread, what, Number(which)) } },
    }
  const part = Number(of)
  if (what === 'add' && typed.parts.length < limits.thread) return { ...typed, parts: [...typed.parts, ''] }
  if (!Number.isInteger(part) || part < 2 || part > typed.parts.length + 1) return typed
  if (what === 'remove') return removed(typed, part)
  return what === 'earlier' ? swapped(typed, part) : typed
}

function ownThread(typed: Typed, now: Part[] | null, what: string, part: number): Part[] | null {
  switch (what) {
    case 'own':
      return typed.parts.map((text, at) => ({ text, media: partMedia(typed, at + 2) }))
    case 'first-only':
      return []
    case 'same':
      return null
    case 'add':
      return now && now.length < limits.thread ? [...now, { text: '', media: [] }] : now
    case 'remove':
      return now?.filter((_, at) => at + 2 !== part) ?? null
    default:
      return now
  }
}

function removed(typed: Typed, part: number): Typed {
  const parts = typed.parts.filter((_, at) => at + 2 !== part)
  return {
    ...typed,
    parts,
    places: moved(typed, place => (place === part ? null : place > part ? place - 1 : place)),
  }
}

/** A part changes places with the one before it, with its pictures. */
function swapped(typed: Typed, part: number): Typed {
  const texts = [typed.text, ...typed.parts]
  texts.splice(part - 2, 2, texts[part - 1] ?? '', texts[part - 2] ?? '')
  const [text = '', ...parts] = texts
  const places = moved(typed, place => (place === part ? part - 1 : place === part - 1 ? part : place))
  return { ...typed, text, parts, places }
}

/** The places of all pictures after a change; null takes a picture out of that part. */
function moved(typed: Typed, to: (place: number) => number | null): Record<string, string> {
  return besidesFirst(
    Object.fromEntries(
      typed.media.map(id => {
        const places = numbers(typed.places[id]).flatMap(place => to(place) ?? [])
        return [id, places.sort((a, b) => a - b).join()]
      }),
    ),
  )
}

/** The id of the place on the page that a button of `changeParts` was about. */
export function changedPlace(wish: string): string {
  const [what = '', of = ''] = wish.split(':')
  if (isId(of)) return `f-words-${of}`
  if (what === 'add') return 'thread-end'
  return what === 'earlier' && Number(of) > 2 ? `part-${Number(of) - 1}` : 'thread'
}
