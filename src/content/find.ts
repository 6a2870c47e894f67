import { z } from 'zod'
import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, ListQuery, type Page, pageOf, readCursor, timeKey } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import { type ContentState, contentStates, type Part, type Variant, variantOf, type Words } from './schema.ts'

/** A piece of content as the API answers it. `version` is the number of the current version. */
export interface Content extends Words {
  id: string
  state: ContentState
  version: number
  tags: string[]
  createdAt: string
  updatedAt: string
}

export interface Person {
  id: string
  name: string
}

/** The same with what a page shows around it. */
export interface Piece extends Content {
  versionId: string
  /** Who began it and who saved the current version; null for the system and for logins that are gone. */
  createdBy: Person | null
  savedBy: Person | null
  savedAt: string
}

export const ContentQuery = ListQuery.extend({
  state: z.enum(contentStates, { error: `must be one of ${contentStates.join(', ')}` }).optional(),
  tag: z.string({ error: 'must be one tag' }).optional(),
  q: z.string({ error: 'must be one text' }).max(200, { error: 'has at most 200 characters' }).optional(),
})
export type ContentQuery = z.infer<typeof ContentQuery>

/** What lists may be narrowed to beside the states: what is planned or published is read from the jobs. */
export type Narrowed = Omit<ContentQuery, 'state'> & {
  state?: ContentState | 'planned' | 'published' | undefined
}

const literally = (text: string) => text.replace(/[\\%_]/g, '\\$&')

/**
 * Content, last changed first; what is archived only when asked for.
 * @throws Malformed `bad_cursor`
 */
export async function listContent(scope: Scope, query: Narrowed): Promise<Page<Piece>> {
  const [beforeTime = null, beforeId = null] = readCursor(query.cursor, [timeKey, idKey]) ?? []
  const state = query.state ?? null
  const search = query.q?.trim() ? `%${literally(query.q.trim())}%` : null
  const tag = query.tag?.trim().toLowerCase() || null
  const rows = await scope.sql`
    select c.id, c.state, c.tags, c.created_at, c.updated_at, c.updated_at::text as updated_text, c.version_id,
      v.number, v.text, v.media, v.thread, v.first_comment, v.variants, v.created_at as saved_at,
      made.id as made_id, made.name as made_name, saved.id as saved_id, saved.name as saved_name
    from content c join content_versions v on v.id = c.version_id
      left join users made on made.id = c.created_by left join users saved on saved.id = v.created_by
    where case
        when ${state}::text is null then c.state <> 'archived'
        when ${state}::text = 'planned' then c.state <> 'archived' and exists (
          select 1 from publish_jobs j where j.content_id = c.id and j.state in ('scheduled', 'publishing', 'held'))
        when ${state}::text = 'published' then exists (
          select 1 from publish_jobs j where j.content_id = c.id and j.state = 'published')
        else c.state = ${state}::text end
      and (${tag}::text is null or c.tags @> array[${tag}::text])
      and (${search}::text is null or v.text ilike ${search}::text
        or exists (select 1 from unnest(c.tags) tag where tag ilike ${search}::text)
        or v.first_comment ilike ${search}::text
        or exists (select 1 from jsonb_array_elements(v.thread || v.variants || jsonb_path_query_array(v.variants, '$[*].thread[*]')) own
          where own->>'text' ilike ${search}::text or own->>'firstComment' ilike ${search}::text))
      and (${beforeTime}::text is null or (c.updated_at, c.id) < (${beforeTime}::text::timestamptz, ${beforeId}::uuid))
    order by c.updated_at desc, c.id desc limit ${query.limit + 1}`
  const page = pageOf([...rows], query.limit, last => [last.updated_text as string, last.id as string])
  return { items: page.items.map(toPiece), next: page.next }
}

/** @throws NotFound for an id that is unknown, malformed or another tenant's */
export async function readPiece(scope: Scope, id: string): Promise<Piece> {
  const [row] = isId(id)
    ? await scope.sql`
        select c.id, c.state, c.tags, c.created_at, c.updated_at, c.version_id,
          v.number, v.text, v.media, v.thread, v.first_comment, v.variants, v.created_at as saved_at,
          made.id as made_id, made.name as made_name, saved.id as saved_id, saved.name as saved_name
        from content c join content_versions v on v.id = c.version_id
          left join users made on made.id = c.created_by left join users saved on saved.id = v.created_by
        where c.id = ${id}`
    : []
  if (!row) throw new NotFound()
  return toPiece(row)
}

/** @throws NotFound */
export const readContent = async (scope: Scope, id: string): Promise<Content> =>
  shown(await readPiece(scope, id))

/** What the API tells of a piece. */
export const shown = (piece: Piece): Content => ({
  id: piece.id,
  text: piece.text,
  state: piece.state,
  version: piece.version,
  media: piece.media,
  thread: piece.thread,
  firstComment: piece.firstComment,
  variants: piece.variants,
  tags: piece.tags,
  createdAt: piece.createdAt,
  updatedAt: piece.updatedAt,
})

/** The tags in use, the most used first. */
export async function listTags(scope: Scope, limit = 30): Promise<string[]> {
  const rows = await scope.sql`
    select tag from content c, unnest(c.tags) tag where c.state <> 'archived'
    group by tag order by count(*) desc, tag limit ${limit}`
  return rows.map(row => row.tag as string)
}

export const person = (id: unknown, name: unknown): Person | null =>
  typeof id === 'string' ? { id, name: name as string } : null

function toPiece(row: Record<string, unknown>): Piece {
  return {
    id: row.id as string,
    text: row.text as string,
    state: row.state as ContentState,
    version: row.number as number,
    media: row.media as string[],
    thread: row.thread as Part[],
    firstComment: row.first_comment as string,
    variants: (row.variants as Variant[]).map(variantOf),
    tags: row.tags as string[],
    createdAt: (row.created_at as Date).toISOString(),
    updatedAt: (row.updated_at as Date).toISOString(),
    versionId: row.version_id as string,
    createdBy: person(row.made_id, row.made_name),
    savedBy: person(row.saved_id, row.saved_name),
    savedAt: (row.saved_at as Date).toISOString(),
  }
}
