import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { type ListQuery, type Page, readCursor, writeCursor } from '../lib/cursor.ts'
import { compareWords, countedWords, type Passage } from './diff.ts'
import { type Person, person, readPiece } from './find.ts'
import type { Variant, Words } from './schema.ts'

export interface Version extends Words {
  id: string
  number: number
  author: Person | null
  createdAt: string
  /** What is new against the version before, in words; `First version` for the first. */
  changes: string
}

const numberKey = /^\d{1,9}$/

/** A version beside the one before it, word by word. */
export interface Compared {
  version: Version
  passages: Passage[]
}

/** The saved versions of a piece, newest first. @throws NotFound, Malformed `bad_cursor` */
export async function listVersions(
  scope: Scope,
  contentId: string,
  query: ListQuery,
): Promise<Page<Version>> {
  const { items, next } = await compareVersions(scope, contentId, query)
  return { items: items.map(({ version }) => version), next }
}

/** The same with what each changed. @throws NotFound, Malformed `bad_cursor` */
export async function compareVersions(
  scope: Scope,
  contentId: string,
  { limit, cursor }: ListQuery,
): Promise<Page<Compared>> {
  const piece = await readPiece(scope, contentId)
  const [below = null] = readCursor(cursor, [numberKey]) ?? []
  // One more than the page: the last of the page is told against the one before it.
  const rows = await scope.sql`
    select v.id, v.number, v.text, v.media, v.variants, v.created_at, u.id as user_id, u.name
    from content_versions v left join users u on u.id = v.created_by
    where v.content_id = ${piece.id} and (${below}::int is null or v.number < ${below}::int)
    order by v.number desc limit ${limit + 1}`
  const all = rows.map(toVersion)
  const compared = all.slice(0, limit).map((version, at) => compare(version, all[at + 1] ?? null))
  const last = compared.at(-1)
  const next = all.length > limit && last ? writeCursor([String(last.version.number)]) : null
  return { items: compared, next }
}

/** One version. @throws NotFound */
export async function readVersion(scope: Scope, contentId: string, number: number): Promise<Version> {
  const piece = await readPiece(scope, contentId)
  const known = number >= 1 && number <= piece.version
  const [version] = known
    ? (await compareVersions(scope, contentId, { limit: 1, cursor: writeCursor([String(number + 1)]) })).items
    : []
  if (version?.version.number !== number) throw new NotFound()
  return version.version
}

function compare(version: Version, before: Version | null): Compared {
  const passages = compareWords(before?.text ?? '', version.text)
  return { version: { ...version, changes: changesOf(version, before, passages) }, passages }
}

/** What one version changed against the one before, in a line. */
function changesOf(
  after: Words & { number: number },
  before: Words | null,
  passages: readonly Passage[],
): string {
  if (after.number === 1 || !before) return 'First version'
  const parts = [countedWords(passages)]
  const added = after.media.filter(id => !before.media.includes(id)).length
  const removed = before.media.filter(id => !after.media.includes(id)).length
  if (added) parts.push(`${pictures(added)} added`)
  if (removed) parts.push(`${pictures(removed)} removed`)
  if (!added && !removed && after.media.join() !== before.media.join())
    parts.push('pictures in another order')
  if (told(after.variants) !== told(before.variants)) parts.push('words for single accounts changed')
  return parts.filter(Boolean).join(' · ') || 'Saved again'
}

const pictures = (count: number) => `${count} ${count === 1 ? 'picture' : 'pictures'}`
const told = (variants: readonly Variant[]) =>
  variants
    .map(({ accountId, text, media }) => JSON.stringify([accountId, text, media]))
    .sort()
    .join()

const toVersion = (row: Record<string, unknown>): Version => ({
  id: row.id as string,
  number: row.number as number,
  text: row.text as string,
  media: row.media as string[],
  variants: row.variants as Variant[],
  author: person(row.user_id, row.name),
  createdAt: (row.created_at as Date).toISOString(),
  changes: '',
})
