import { z } from 'zod'
import { type FieldError, Invalid } from '../errors.ts'
import { fieldErrors } from '../http/form.ts'
import { isId } from '../lib/id.ts'
import { once, Repeat, repeatOf } from '../recurrences/form.ts'
import { merged, sameWords } from './content.ts'
import type { Piece } from './find.ts'
import { hasOwn, NewContent, type Variant } from './schema.ts'
import { besidesFirst, ownPartsOf, partMedia, partsOf, placesOf, poolOf } from './typed-thread.ts'

const Part = z.object({ text: z.string(), media: z.array(z.string()) })
const Own = z.object({
  /** '' for the same as everywhere. */
  text: z.string(),
  /** null for the same as everywhere. */
  media: z.array(z.string()).nullable(),
  /** The account's own parts after the first; null for the same as everywhere. */
  thread: z.array(Part).nullable().default(null),
  /** '' for the same as everywhere. */
  comment: z.string().default(''),
  /** No first comment for this account, whatever is said everywhere. */
  quiet: z.boolean().default(false),
})

/** What stands in the composer's form, whether or not it could be saved; also what a private draft keeps. */
export const Typed = z.object({
  /** The version it was written on; null for a new post. */
  version: z.number().nullable(),
  text: z.string(),
  /** The pictures of all parts. */
  media: z.array(z.string()),
  /** The texts of the parts after the first. */
  parts: z.array(z.string()).default([]),
  /** Picture id → the parts that show it, such as `2` or `1,3`; the first where nothing is said. */
  places: z.record(z.string(), z.string()).default({}),
  /** The first comment for everywhere. */
  comment: z.string().default(''),
  /** Divided by commas. */
  tags: z.string(),
  /** Account id → its own words ('' for the same) and pictures (null for the same). */
  own: z.record(z.string(), Own),
  /** Picture id → alt text. */
  alts: z.record(z.string(), z.string()),
  accounts: z.array(z.string()),
  local: z.string(),
  zone: z.string(),
  fold: z.enum(['', 'first', 'second']),
  repeat: Repeat.default(once),
})
export type Typed = z.infer<typeof Typed>

export const blank = (zone: string, local = ''): Typed => ({
  version: null,
  text: '',
  media: [],
  parts: [],
  places: {},
  comment: '',
  tags: '',
  own: {},
  alts: {},
  accounts: [],
  local,
  zone,
  fold: '',
  repeat: once,
})

export function typedFrom(piece: Piece, zone: string): Typed {
  return {
    ...blank(zone),
    version: piece.version,
    text: piece.text,
    media: poolOf(piece),
    parts: piece.thread.map(part => part.text),
    places: placesOf(piece),
    comment: piece.firstComment,
    tags: piece.tags.join(', '),
    own: Object.fromEntries(
      piece.variants.map(({ accountId, text, media, thread, firstComment }) => [
        accountId,
        { text: text ?? '', media, thread, comment: firstComment ?? '', quiet: firstComment === '' },
      ]),
    ),
  }
}

/** Reads the composer's form as it was sent, without judging it. */
export function typedOf(body: unknown, zone: string): Typed {
  const given = (body ?? {}) as Record<string, unknown>
  const many = (name: string): string[] =>
    [Object.hasOwn(given, name) ? given[name] : []]
      .flat()
      .filter((value): value is string => typeof value === 'string' && value !== '')
  const one = (name: string): string => many(name).at(-1) ?? ''
  const under = (prefix: string): string[] =>
    Object.keys(given)
      .filter(name => name.startsWith(prefix))
      .map(name => name.slice(prefix.length))
      .filter(isId)
  const media = [...new Set(many('media'))]
  const offered = one('_offered').split(' ').filter(Boolean)
  const fold = one('fold')
  const places = Object.fromEntries(under('place.').map(id => [id, one(`place.${id}`)]))
  return {
    version: /^\d{1,9}$/.test(one('version')) ? Number(one('version')) : null,
    text: one('text'),
    media,
    parts: partsOf(given),
    places: besidesFirst(places),
    comment: one('comment'),
    tags: one('tags'),
    own: Object.fromEntries(
      under('words.').map(id => {
        const chosen = many(`pictures.${id}`)
        const all =
          !Object.hasOwn(given, `pictures.${id}`) || offered.every(picture => chosen.includes(picture))
        return [
          id,
          {
            text: one(`words.${id}`),
            media: all ? null : media.filter(one => chosen.includes(one)),
            thread: ownPartsOf(given, id),
            comment: one(`comment.${id}`),
            quiet: one(`quiet.${id}`) !== '',
          },
        ]
      }),
    ),
    alts: Object.fromEntries(under('alt.').map(id => [id, one(`alt.${id}`)])),
    accounts: [...new Set(many('accounts'))],
    local: one('local'),
    zone: one('zone') || zone,
    fold: fold === 'first' || fold === 'second' ? fold : '',
    repeat: repeatOf(body),
  }
}

/** Tags as people type them: divided by commas or lines, a leading # forgiven. */
export const splitTags = (typed: string): string[] =>
  typed
    .split(/[,\n]/)
    .map(tag => tag.trim().replace(/^#+/, '').trim())
    .filter(Boolean)

/** What the form says, in the API's shape. `kept`: variants of accounts that the form does not show any more. */
export function givenOf(typed: Typed, kept: readonly Variant[] = []) {
  const shown = Object.entries(typed.own).map(([accountId, own]) => ({
    accountId,
    text: own.text.trim() === '' ? null : own.text,
    media: own.media,
    thread: own.thread?.filter(saysSomething) ?? null,
    firstComment: own.quiet ? '' : own.comment.trim() === '' ? null : own.comment,
  }))
  return {
    text: typed.text,
    media: partMedia(typed, 1),
    thread: typed.parts.map((text, at) => ({ text, media: partMedia(typed, at + 2) })).filter(saysSomething),
    firstComment: typed.comment,
    tags: splitTags(typed.tags),
    variants: [
      ...shown.filter(hasOwn),
      ...kept.filter(({ accountId }) => !Object.hasOwn(typed.own, accountId)),
    ],
  }
}

/** A part that was added and left empty is none. */
const saysSomething = ({ text, media }: z.infer<typeof Part>): boolean =>
  text.trim() !== '' || media.length > 0

/** @throws Invalid with the form's own field names */
export function checked(typed: Typed, kept: readonly Variant[] = []): NewContent {
  const given = givenOf(typed, kept)
  const parsed = NewContent.safeParse(given)
  if (parsed.success) return parsed.data
  throw new Invalid(
    'Not saved yet: please look at the marked fields.',
    named(fieldErrors(parsed.error), given.variants),
  )
}

/**
 * Turns the API's paths into the form's names: `variants.0.text` → `words.<account id>`, `thread.0.text` → `part.2`,
 * `tags.3` → `tags`.
 */
export function named(
  errors: readonly FieldError[],
  variants: readonly { accountId: string }[],
): FieldError[] {
  return errors.map(({ path, message }) => {
    const [, at, field = '', part] = /^variants\.(\d+)(?:\.(\w+))?(?:\.(\d+))?/.exec(path) ?? []
    if (at !== undefined) {
      const account = variants[Number(at)]?.accountId
      const name =
        field === 'thread' && part !== undefined
          ? `ownPart.${account}.${Number(part) + 2}`
          : `${ownNames[field] ?? 'words'}.${account}`
      return { path: account ? name : 'text', message: sentence(message) }
    }
    const [, later] = /^thread\.(\d+)/.exec(path) ?? []
    if (later !== undefined) return { path: `part.${Number(later) + 2}`, message: sentence(message) }
    if (path === 'firstComment') return { path: 'comment', message: sentence(message) }
    if (path === 'fold') return { path, message: 'Choose the first or the second.' }
    const [first = ''] = path.replace(/^at\./, '').split('.')
    return { path: first, message: sentence(message) }
  })
}

const ownNames: Record<string, string> = { media: 'pictures', firstComment: 'comment' }
const subject = /^(is|has|must|names|needs|does|cannot)\b/
const sentence = (message: string): string => (subject.test(message) ? `This ${message}.` : message)

/** Whether the form holds words, pictures or tags that the piece does not have yet. */
export function differs(typed: Typed, piece: Piece | null): boolean {
  const tags = [...new Set(splitTags(typed.tags).map(tag => tag.toLowerCase()))]
  const given = givenOf(typed, piece?.variants)
  if (!piece)
    return (
      typed.text.trim() !== '' ||
      typed.media.length + given.thread.length + tags.length + given.variants.length > 0 ||
      typed.comment.trim() !== ''
    )
  return !sameWords(merged(piece, given), piece) || tags.join() !== piece.tags.join()
}

/** Whether an alt text was typed that its picture does not have yet. */
export const altsDiffer = (typed: Typed, pictures: readonly { id: string; alt: string }[]): boolean =>
  pictures.some(({ id, alt }) => typed.alts[id] !== undefined && typed.alts[id].trim() !== alt)
