import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { type ListQuery, type Page, readCursor, writeCursor } from '../lib/cursor.ts'
import { compareWords, countedWords, type Passage } from './diff.ts'
import { type Person, person, readPiece } from './find.ts'
import { type Part, type Variant, variantOf, type Words } from './schema.ts'

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
  /** The parts after the first and the first comment, of either version, each with its name. */
  more: { name: string; passages: Passage[] }[]
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
    select v.id, v.number, v.text, v.media, v.thread, v.first_comment, v.variants, v.created_at, u.id as user_id, u.name
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
  const parts = Math.max(version.thread.length, before?.thread.length ?? 0)
  const more = Array.from({ length: parts }, (_, at) => ({
    name: `Part ${at + 2}`,
    passages: compareWords(before?.thread[at]?.text ?? '', version.thread[at]?.text ?? ''),
  }))
  if (version.firstComment || before?.firstComment)
    more.push({
      name: 'First comment',
      passages: compareWords(before?.firstComment ?? '', version.firstComment),
    })
  const all = [passages, ...more.map(one => one.passages)].flat()
  return { version: { ...version, changes: changesOf(version, before, all) }, passages, more }
}

/** What one version changed against the one before, in a line. */
function changesOf(
  after: Words & { number: number },
  before: Words | null,
  passages: readonly Passage[],
): string {
  if (after.number === 1 || !before) return 'First version'
  const parts = [countedWords(passages)]
  const longer = after.thread.length - before.thread.length
  if (longer > 0) parts.push(`${counted(longer, 'part')} added`)
  if (longer < 0) parts.push(`${counted(-longer, 'part')} removed`)
  const [now, then] = [mediaOf(after), mediaOf(before)]
  const added = now.filter(id => !then.includes(id)).length
  const removed = then.filter(id => !now.includes(id)).length
  if (added) parts.push(`${counted(added, 'picture')} added`)
  if (removed) parts.push(`${counted(removed, 'picture')} removed`)
  if (!added && !removed && longer === 0 && placesOf(after) !== placesOf(before))
    parts.push('pictures in another order')
  if (told(after.variants) !== told(before.variants)) parts.push('words for single accounts changed')
  return parts.filter(Boolean).join(' · ') || 'Saved again'
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
const mediaOf = ({ media, thread }: Words) => [media, ...thread.map(part => part.media)].flat()
const placesOf = ({ media, thread }: Words) => JSON.stringify([media, ...thread.map(part => part.media)])
const told = (variants: readonly Variant[]) =>
  variants
    .map(({ accountId, text, media, thread, firstComment }) =>
      JSON.stringify([accountId, text, media, thread, firstComment]),
    )
    .sort()
    .join()

const toVersion = (row: Record<string, unknown>): Version => ({
  id: row.id as string,
  number: row.number as number,
  text: row.text as string,
  media: row.media as string[],
  thread: row.thread as Part[],
  firstComment: row.first_comment as string,
  variants: (row.variants as Variant[]).map(variantOf),
  author: person(row.user_id, row.name),
  createdAt: (row.created_at as Date).toISOString(),
  changes: '',
})
