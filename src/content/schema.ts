import { z } from 'zod'

/** How much one piece of content may hold. Text is counted in characters (code points). */
export const limits = {
  text: 100_000,
  media: 20,
  variants: 20,
  tags: 20,
  tag: 40,
  comment: 10_000,
  note: 10_000,
  /** Parts after the first. */
  thread: 24,
} as const

export const contentStates = ['draft', 'in_review', 'changes_requested', 'approved', 'archived'] as const
export type ContentState = (typeof contentStates)[number]

const spelled = (count: number) => count.toLocaleString('en')
const fits = (text: string, max: number) => text.length <= max || [...text].length <= max

const text = z.string({ error: 'must be text' }).refine(given => fits(given, limits.text), {
  error: `is longer than ${spelled(limits.text)} characters: shorten it`,
})
const id = (what: string) => z.string({ error: `must be the id of ${what}` })
const media = z
  .array(id('a picture'), { error: 'must be a list of picture ids' })
  .max(limits.media, { error: `has at most ${limits.media} pictures` })
  .refine(ids => new Set(ids.map(one => one.toLowerCase())).size === ids.length, {
    error: 'names a picture twice',
  })

/** A part of a thread after the first: it needs words or a picture. */
const Part = z
  .strictObject(
    { text: text.optional(), media: media.optional() },
    { error: issue => (issue.code === 'invalid_type' ? 'must be {text, media}' : undefined) },
  )
  .refine(({ text = '', media = [] }) => text.trim() !== '' || media.length > 0, {
    error: 'needs words or a picture',
  })
const thread = z
  .array(Part, { error: 'must be a list of parts' })
  .max(limits.thread, { error: `has at most ${limits.thread} parts after the first` })

/**
 * What one account gets instead. What is null or left out is the same as everywhere; an empty thread or first comment
 * means that this account gets none.
 */
const Variant = z.strictObject(
  {
    accountId: id('an account'),
    text: text
      .refine(given => given.trim() !== '', {
        error: 'has no words: leave it out where the account gets the same as everywhere',
      })
      .nullable()
      .optional(),
    media: media.nullable().optional(),
    thread: thread.nullable().optional(),
    firstComment: text.nullable().optional(),
  },
  {
    error: issue =>
      issue.code === 'invalid_type' ? 'must be {accountId, text, media, thread, firstComment}' : undefined,
  },
)
const variants = z
  .array(Variant, { error: 'must be a list of variants' })
  .max(limits.variants, { error: `has at most ${limits.variants} variants` })
  .refine(all => new Set(all.map(one => one.accountId.toLowerCase())).size === all.length, {
    error: 'has two variants for one account',
  })

const tags = z
  .array(
    z
      .string({ error: 'must be a word' })
      .trim()
      .toLowerCase()
      .min(1, { error: 'is an empty tag' })
      .refine(tag => fits(tag, limits.tag), {
        error: `is a tag longer than ${limits.tag} characters`,
      })
      .regex(/^[^,\p{Cc}]*$/u, { error: 'is a tag with a comma or line break: make it two' }),
    { error: 'must be a list of tags' },
  )
  .max(limits.tags, { error: `has at most ${limits.tags} tags` })

export const NewContent = z.strictObject({
  text: text.optional(),
  media: media.optional(),
  /** The parts after the first, where the post goes on as a thread. */
  thread: thread.optional(),
  /** Published as an answer to the post once that is out; '' for none. */
  firstComment: text.optional(),
  variants: variants.optional(),
  tags: tags.optional(),
})
export type NewContent = z.infer<typeof NewContent>

export const ContentChange = NewContent.extend({
  /** The version this change was made from; refused when somebody saved another one since. */
  version: z.int({ error: 'must be the number of a version' }).min(1).optional(),
}).refine(
  given =>
    given.text !== undefined ||
    given.media !== undefined ||
    given.thread !== undefined ||
    given.firstComment !== undefined ||
    given.variants !== undefined ||
    given.tags !== undefined,
  { error: 'Say what to change: text, media, thread, firstComment, variants or tags' },
)
export type ContentChange = z.infer<typeof ContentChange>

export const NewComment = z.strictObject({
  text: z
    .string({ error: 'must be text' })
    .trim()
    .min(1, { error: 'Write a few words first' })
    .refine(given => fits(given, limits.comment), {
      error: `is longer than ${spelled(limits.comment)} characters`,
    }),
})
export type NewComment = z.infer<typeof NewComment>

export interface Part {
  text: string
  media: string[]
}

/** A saved variant: null means the same as everywhere. */
export interface Variant {
  accountId: string
  text: string | null
  media: string[] | null
  thread: Part[] | null
  firstComment: string | null
}

/** What a version says: its first part, the parts after it, and what follows as a comment ('' for nothing). */
export interface Said extends Part {
  thread: Part[]
  firstComment: string
}

/** What a version holds and never changes. */
export interface Words extends Said {
  variants: Variant[]
}

/** What one account gets of a version: its variant where it has one. */
export function wordsFor(words: Words, accountId: string): Said & { own: boolean } {
  const variant = words.variants.find(one => one.accountId === accountId)
  return {
    text: variant?.text ?? words.text,
    media: variant?.media ?? words.media,
    thread: variant?.thread ?? words.thread,
    firstComment: variant?.firstComment ?? words.firstComment,
    own: variant !== undefined && hasOwn(variant),
  }
}

/** Whether a variant says anything of its own. */
export const hasOwn = ({ text, media, thread, firstComment }: Omit<Variant, 'accountId'>): boolean =>
  text !== null || media !== null || thread !== null || firstComment !== null

/** Every picture that a version shows anywhere, each once. */
export function picturesOf(words: Words): string[] {
  const parts = [words, ...words.variants].flatMap(({ media, thread }) => [
    ...(media ?? []),
    ...(thread ?? []).flatMap(part => part.media),
  ])
  return [...new Set(parts)]
}

/** A variant as it was saved, by this version of the program or by one that knew no threads. */
export const variantOf = (saved: Pick<Variant, 'accountId'> & Partial<Variant>): Variant => ({
  accountId: saved.accountId,
  text: saved.text ?? null,
  media: saved.media ?? null,
  thread: saved.thread ?? null,
  firstComment: saved.firstComment ?? null,
})
