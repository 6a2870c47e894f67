import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { type ListQuery, type Page, pageOf, readCursor } from '../lib/cursor.ts'
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

/** The saved versions of a piece, newest first. @throws NotFound, Malformed `bad_cursor` */
export async function listVersions(
  scope: Scope,
  contentId: string,
  { limit, cursor }: ListQuery,
): Promise<Page<Version>> {
  const piece = await readPiece(scope, contentId)
  const [before = null] = readCursor(cursor, [numberKey]) ?? []
  // One more than the page and one more than that: the last of the page is told against the one before it.
  const rows = await scope.sql`
    select v.id, v.number, v.text, v.media, v.variants, v.created_at, u.id as user_id, u.name
    from content_versions v left join users u on u.id = v.created_by
    where v.content_id = ${piece.id} and (${before}::int is null or v.number < ${before}::int)
    order by v.number desc limit ${limit + 1}`
  const all = rows.map(toVersion)
  const told = all.map((version, at) => ({ ...version, changes: changesOf(version, all[at + 1]) }))
  return pageOf(told, limit, last => [String(last.number)])
}

/** One version and the one before it. @throws NotFound */
export async function readVersion(
  scope: Scope,
  contentId: string,
  number: number,
): Promise<{ version: Version; before: Version | null; passages: Passage[] }> {
  const piece = await readPiece(scope, contentId)
  const rows = await scope.sql`
    select v.id, v.number, v.text, v.media, v.variants, v.created_at, u.id as user_id, u.name
    from content_versions v left join users u on u.id = v.created_by
    where v.content_id = ${piece.id} and v.number in (${number}, ${number - 1}) order by v.number desc`
  const [version, before] = rows.map(toVersion)
  if (version?.number !== number) throw new NotFound()
  return {
    version: { ...version, changes: changesOf(version, before) },
    before: before ?? null,
    passages: compareWords(before?.text ?? '', version.text),
  }
}

/** What one version changed against the one before, in a line. */
export function changesOf(after: Words & { number: number }, before: Words | undefined): string {
  if (after.number === 1 || !before) return 'First version'
  const parts = [countedWords(compareWords(before.text, after.text))]
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
