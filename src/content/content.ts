import type { Scope } from '../db/scope.ts'
import { Conflict, Invalid, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { isId, newId } from '../lib/id.ts'
import { allow } from '../permissions.ts'
import { type Content, readContent, readPiece } from './find.ts'
import {
  type ContentChange,
  type ContentState,
  hasOwn,
  type NewContent,
  type Part,
  picturesOf,
  type Variant,
  type Words,
} from './schema.ts'

/**
 * Begins a piece of content with its first version.
 * @throws Invalid naming the field: nothing to say, or a picture or account that is not here
 */
export async function createContent(scope: Scope, given: NewContent): Promise<Content> {
  return create(scope, given, {})
}

/** A new draft with the same words, pictures and tags. @throws NotFound */
export async function duplicateContent(scope: Scope, id: string): Promise<Content> {
  allow(scope, 'content.write')
  const piece = await readPiece(scope, id)
  // Whatever has left the workspace since does not come along.
  const words = await stillHere(scope, piece)
  return create(scope, { ...words, tags: piece.tags }, { copyOf: id })
}

async function create(scope: Scope, given: NewContent, about: Record<string, unknown>): Promise<Content> {
  allow(scope, 'content.write')
  const words = merged({ text: '', media: [], thread: [], firstComment: '', variants: [] }, given)
  refuseEmpty(words)
  await refuseForeign(scope, words)
  const id = newId()
  const versionId = newId()
  await scope.sql`
    insert into content (id, version_id, tags, created_by)
    values (${id}, ${versionId}, ${distinct(given.tags ?? [])}::text[], ${scope.actor.userId})`
  await writeVersion(scope, id, versionId, 1, words)
  await record(scope, 'content.created', id, { versionId, ...about })
  return readContent(scope, id)
}

/**
 * Saves a change as the next version. Saving the same words again makes no version; tags belong to no version.
 * Approved content becomes a draft again, because its approval was for other words.
 * @throws NotFound, Invalid naming the field, Conflict when archived or when `version` is not the current one
 */
export async function saveContent(scope: Scope, id: string, change: ContentChange): Promise<Content> {
  allow(scope, 'content.write')
  const state = await lock(scope, id)
  if (state === 'archived') throw new Conflict('This is archived. Restore it first, then change it.')
  const now = await readPiece(scope, id)
  if (change.version !== undefined && change.version !== now.version)
    throw new Conflict(
      `${now.savedBy?.name ?? 'Somebody'} saved version ${now.version} since you opened version ${change.version}. Look at what changed, then save yours on top of it.`,
    )
  const words = merged(now, change)
  const tags = change.tags ? distinct(change.tags) : now.tags
  const newWords = !sameWords(words, now)
  if (!newWords && sameList(tags, now.tags)) return readContent(scope, id)
  let versionId = now.versionId
  if (newWords) {
    refuseEmpty(words)
    await refuseForeign(scope, words, now)
    versionId = newId()
    await writeVersion(scope, id, versionId, now.version + 1, words)
  }
  const next: ContentState = newWords && state === 'approved' ? 'draft' : state
  await scope.sql`
    update content set version_id = ${versionId}, tags = ${tags}::text[], state = ${next} where id = ${id}`
  await record(scope, 'content.updated', id, {
    versionId,
    version: newWords ? now.version + 1 : now.version,
    ...(next === state ? {} : { from: state, to: next }),
  })
  return readContent(scope, id)
}

/** Puts a piece away: it leaves the lists and what was planned of it is cancelled. @throws NotFound */
export async function archiveContent(scope: Scope, id: string): Promise<Content> {
  allow(scope, 'content.write')
  if ((await lock(scope, id)) !== 'archived') {
    await scope.sql`update content set state = 'archived' where id = ${id}`
    await record(scope, 'content.archived', id)
  }
  return readContent(scope, id)
}

/** Takes a piece out of the archive, as a draft. @throws NotFound, Conflict when it is not archived */
export async function restoreContent(scope: Scope, id: string): Promise<Content> {
  allow(scope, 'content.write')
  if ((await lock(scope, id)) !== 'archived') throw new Conflict('This is not archived.')
  await scope.sql`update content set state = 'draft' where id = ${id}`
  const piece = await readPiece(scope, id)
  await record(scope, 'content.updated', id, {
    versionId: piece.versionId,
    version: piece.version,
    from: 'archived',
    to: 'draft',
  })
  return readContent(scope, id)
}

/** Holds the row until the transaction ends, so that two saves follow each other. @throws NotFound */
export async function lock(scope: Scope, id: string): Promise<ContentState> {
  const [row] = isId(id) ? await scope.sql`select state from content where id = ${id} for no key update` : []
  if (!row) throw new NotFound()
  return row.state as ContentState
}

async function writeVersion(scope: Scope, contentId: string, id: string, number: number, words: Words) {
  const json = (value: Part[] | Variant[]) => scope.sql.json(value as never)
  await scope.sql`
    insert into content_versions (id, content_id, number, text, media, thread, first_comment, variants, created_by)
    values (${id}, ${contentId}, ${number}, ${words.text}, ${words.media}::uuid[], ${json(words.thread)},
      ${words.firstComment}, ${json(words.variants)}, ${scope.actor.userId})`
}

const lower = (ids: readonly string[]): string[] => ids.map(id => id.toLowerCase())
const distinct = (tags: readonly string[]): string[] => [...new Set(tags)]
const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, at) => item === b[at])

/** The words after a change. A variant that says nothing of its own is none. */
export function merged(now: Words, change: Omit<NewContent, 'tags'>): Words {
  const variants = (change.variants ?? now.variants).map(variant => ({
    accountId: variant.accountId.toLowerCase(),
    text: variant.text ?? null,
    media: variant.media ? lower(variant.media) : null,
    thread: variant.thread ? variant.thread.map(partOf) : null,
    firstComment: variant.firstComment == null ? null : blankless(variant.firstComment),
  }))
  return {
    text: change.text ?? now.text,
    media: change.media ? lower(change.media) : now.media,
    thread: change.thread ? change.thread.map(partOf) : now.thread,
    firstComment: blankless(change.firstComment ?? now.firstComment),
    variants: variants.filter(hasOwn),
  }
}

const partOf = ({
  text = '',
  media = [],
}: {
  text?: string | undefined
  media?: string[] | undefined
}): Part => ({
  text,
  media: lower(media),
})
const blankless = (text: string): string => (text.trim() === '' ? '' : text)

/** Whether two states of a piece say the same everywhere; the order of variants says nothing. */
export function sameWords(a: Words, b: Words): boolean {
  return told(a) === told(b)
}

function told({ text, media, thread, firstComment, variants }: Words): string {
  const said = (part: Part) => [part.text, part.media]
  const own = variants.map(variant =>
    JSON.stringify([
      variant.accountId,
      variant.text,
      variant.media,
      variant.thread?.map(said) ?? null,
      variant.firstComment,
    ]),
  )
  return JSON.stringify([text, media, thread.map(said), firstComment, own.sort()])
}

function refuseEmpty(words: Words): void {
  if (words.text.trim() === '' && words.media.length === 0)
    throw new Invalid('There is nothing to say yet: write some words or add a picture.', [
      { path: 'text', message: 'Write some words or add a picture' },
    ])
  const bare = words.variants.findIndex(
    ({ text, media }) => (text ?? words.text).trim() === '' && (media ?? words.media).length === 0,
  )
  if (bare >= 0)
    throw new Invalid('One account would get neither words nor a picture.', [
      { path: `variants.${bare}`, message: 'needs words or a picture' },
    ])
}

/** Pictures and accounts must be this tenant's. Those of `kept`, the version before, may have left since. */
async function refuseForeign(scope: Scope, words: Words, kept?: Words): Promise<void> {
  const known = new Set(kept ? picturesOf(kept) : [])
  const knownAccounts = new Set(kept?.variants.map(({ accountId }) => accountId))
  const pictures = [
    ...named('', words),
    ...words.variants.flatMap((variant, at) => named(`variants.${at}.`, variant)),
  ].filter(({ id }) => !known.has(id))
  const accounts = words.variants
    .map(({ accountId }, at) => ({ path: `variants.${at}.accountId`, id: accountId }))
    .filter(({ id }) => !knownAccounts.has(id))
  const here = await present(scope, ids(pictures), ids(accounts))
  const errors = [
    ...pictures
      .filter(({ id }) => !here.has(id))
      .map(({ path }) => ({ path, message: 'is not a picture of this workspace' })),
    ...accounts
      .filter(({ id }) => !here.has(id))
      .map(({ path }) => ({ path, message: 'is not an account of this workspace' })),
  ]
  const [first] = errors
  if (first) throw new Invalid(`The field "${first.path}" ${first.message}.`, errors)
}

/** The pictures of a state or of a variant, each with the path of its field. */
function named(
  before: string,
  { media, thread }: { media: string[] | null; thread: Part[] | null },
): { path: string; id: string }[] {
  const all = (path: string, ids: readonly string[]) =>
    ids.map((id, at) => ({ path: `${path}media.${at}`, id }))
  return [
    ...all(before, media ?? []),
    ...(thread ?? []).flatMap((part, at) => all(`${before}thread.${at}.`, part.media)),
  ]
}

const ids = (named: readonly { id: string }[]): string[] => named.map(({ id }) => id)

async function present(scope: Scope, media: string[], accounts: string[]): Promise<Set<string>> {
  if (media.length + accounts.length === 0) return new Set()
  const rows = await scope.sql`
    select id from media where id = any(${media.filter(isId)}::uuid[]) and removed_at is null
    union all
    select id from social_accounts where id = any(${accounts.filter(isId)}::uuid[]) and removed_at is null`
  return new Set(rows.map(row => row.id as string))
}

async function stillHere(scope: Scope, words: Words): Promise<Words> {
  const here = await present(
    scope,
    picturesOf(words),
    words.variants.map(({ accountId }) => accountId),
  )
  const only = (media: readonly string[]) => media.filter(id => here.has(id))
  // A part that consisted of a picture only goes with it.
  const parts = (thread: readonly Part[]) =>
    thread
      .map(({ text, media }) => ({ text, media: only(media) }))
      .filter(({ text, media }) => text.trim() !== '' || media.length > 0)
  return {
    text: words.text,
    media: only(words.media),
    thread: parts(words.thread),
    firstComment: words.firstComment,
    variants: words.variants
      .filter(({ accountId }) => here.has(accountId))
      .map(
        (variant): Variant => ({
          ...variant,
          media: variant.media && only(variant.media),
          thread: variant.thread && parts(variant.thread),
        }),
      ),
  }
}
