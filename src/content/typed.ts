import { z } from 'zod'
import { type FieldError, Invalid } from '../errors.ts'
import { fieldErrors } from '../http/form.ts'
import { isId } from '../lib/id.ts'
import { once, Repeat, repeatOf } from '../recurrences/form.ts'
import { merged, sameWords } from './content.ts'
import type { Piece } from './find.ts'
import { NewContent, type Variant } from './schema.ts'

const Own = z.object({ text: z.string(), media: z.array(z.string()).nullable() })

/** What stands in the composer's form, whether or not it could be saved; also what a private draft keeps. */
export const Typed = z.object({
  /** The version it was written on; null for a new post. */
  version: z.number().nullable(),
  text: z.string(),
  media: z.array(z.string()),
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
    media: piece.media,
    tags: piece.tags.join(', '),
    own: Object.fromEntries(
      piece.variants.map(({ accountId, text, media }) => [accountId, { text: text ?? '', media }]),
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
  return {
    version: /^\d{1,9}$/.test(one('version')) ? Number(one('version')) : null,
    text: one('text'),
    media,
    tags: one('tags'),
    own: Object.fromEntries(
      under('words.').map(id => {
        const chosen = many(`pictures.${id}`)
        const all =
          !Object.hasOwn(given, `pictures.${id}`) || offered.every(picture => chosen.includes(picture))
        return [
          id,
          { text: one(`words.${id}`), media: all ? null : media.filter(one => chosen.includes(one)) },
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
  const shown = Object.entries(typed.own).map(([accountId, { text, media }]) => ({
    accountId,
    text: text.trim() === '' ? null : text,
    media,
  }))
  return {
    text: typed.text,
    media: typed.media,
    tags: splitTags(typed.tags),
    variants: [
      ...shown.filter(({ text, media }) => text !== null || media !== null),
      ...kept.filter(({ accountId }) => !Object.hasOwn(typed.own, accountId)),
    ],
  }
}

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

/** Turns the API's paths into the form's names: `variants.0.text` → `words.<account id>`, `tags.3` → `tags`. */
export function named(
  errors: readonly FieldError[],
  variants: readonly { accountId: string }[],
): FieldError[] {
  return errors.map(({ path, message }) => {
    const [, at, part] = /^variants\.(\d+)(?:\.(\w+))?/.exec(path) ?? []
    if (at !== undefined) {
      const account = variants[Number(at)]?.accountId
      const name = part === 'media' ? 'pictures' : 'words'
      return { path: account ? `${name}.${account}` : 'text', message: sentence(message) }
    }
    if (path === 'fold') return { path, message: 'Choose the first or the second.' }
    const [first = ''] = path.replace(/^at\./, '').split('.')
    return { path: first, message: sentence(message) }
  })
}

const subject = /^(is|has|must|names|needs|does|cannot)\b/
const sentence = (message: string): string => (subject.test(message) ? `This ${message}.` : message)

/** Whether the form holds words, pictures or tags that the piece does not have yet. */
export function differs(typed: Typed, piece: Piece | null): boolean {
  const tags = [...new Set(splitTags(typed.tags).map(tag => tag.toLowerCase()))]
  const given = givenOf(typed, piece?.variants)
  if (!piece)
    return typed.text.trim() !== '' || typed.media.length > 0 || tags.length > 0 || given.variants.length > 0
  return !sameWords(merged(piece, given), piece) || tags.join() !== piece.tags.join()
}

/** Whether an alt text was typed that its picture does not have yet. */
export const altsDiffer = (typed: Typed, pictures: readonly { id: string; alt: string }[]): boolean =>
  pictures.some(({ id, alt }) => typed.alts[id] !== undefined && typed.alts[id].trim() !== alt)
