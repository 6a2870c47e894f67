import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import type { StoredPicture } from '../media/file.ts'
import { readStored } from '../media/find.ts'
import { feed } from '../platforms/feed.ts'
import { taken } from '../platforms/parts.ts'
import { type Part, partsOf, speakable, storyOf } from './words.ts'

/** A picture of a published post. */
export interface FeedPicture {
  id: string
  type: 'image/jpeg' | 'image/png' | 'image/webp'
  width: number
  height: number
  bytes: number
  alt: string
}

/** A post that is out on the workspace's own feed. */
export interface FeedPost {
  /** The publish job's id: the last part of its address. */
  id: string
  headline: string
  /** The headline with its links apart, and the words after it. */
  headlineParts: Part[]
  rest: Part[]
  /** The whole text with its links apart. */
  parts: Part[]
  pictures: FeedPicture[]
  publishedAt: Date
  /** The address it was published under; what readers know it by, wherever the feed is served from today. */
  publishedAs: string | null
}

export interface FeedHead {
  slug: string
  name: string
  zone: string
  /** When the workspace was made; what an empty feed counts as its last change. */
  since: Date
  now: Date
}

export async function readFeedHead(scope: Scope): Promise<FeedHead> {
  const [row] = await scope.sql`select name, zone, created_at, public.clock() as now from workspace`
  if (!row) throw new NotFound()
  return {
    slug: scope.tenant.slug,
    name: speakable(row.name as string),
    zone: row.zone as string,
    since: row.created_at as Date,
    now: row.now as Date,
  }
}

const microseconds = /^\d{1,18}$/

/** The posts that are out, newest first. @throws Malformed `bad_cursor` */
export async function listFeed(
  scope: Scope,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<Page<FeedPost>> {
  const [before = null, beforeId = null] = readCursor(cursor, [microseconds, idKey]) ?? []
  const rows = await scope.sql`
    select j.id, ${posted(scope)}
    where j.state = 'published' and (${before}::text is null or
      (coalesce(j.published_at, j.run_at), j.id) <
      (timestamptz 'epoch' + ${before}::bigint * interval '1 microsecond', ${beforeId}::uuid))
    order by coalesce(j.published_at, j.run_at) desc, j.id desc limit ${limit + 1}`
  const page = pageOf(rows, limit, last => [last.micros as string, last.id as string])
  return { items: await withPictures(scope, page.items), next: page.next }
}

/** @throws NotFound for whatever is not out on this feed */
export async function readFeedPost(scope: Scope, id: string): Promise<FeedPost> {
  const rows = isId(id)
    ? await scope.sql`select j.id, ${posted(scope)} where j.state = 'published' and j.id = ${id}`
    : []
  const [post] = await withPictures(scope, rows)
  if (!post) throw new NotFound()
  return post
}

/**
 * A picture that may be seen by anybody: one that a post on the feed shows, or that was handed to a webhook, whose
 * receiver fetches it from here.
 * @throws NotFound for every other
 */
export async function readPublicPicture(scope: Scope, id: string): Promise<StoredPicture> {
  const stored = await readStored(scope, id)
  const [shown] = await scope.sql`
    select 1 from publish_jobs j
    join social_accounts a on a.id = j.account_id
    join content_versions v on v.id = j.version_id
    left join lateral (
      select variant from jsonb_array_elements(v.variants) variant where variant->>'accountId' = a.id::text limit 1
    ) own on true
    where ((a.platform = 'feed' and j.state = 'published')
        or (a.platform = 'webhook' and j.state in ('publishing', 'published', 'unconfirmed')))
      and (case when jsonb_typeof(own.variant->'media') = 'array'
          then lower((own.variant->'media')::text)::jsonb ? ${stored.id} else ${stored.id}::uuid = any(v.media) end
        or exists (select 1 from jsonb_array_elements(${threadOf(scope)}) part
          where lower((part->'media')::text)::jsonb ? ${stored.id}))
    limit 1`
  if (!shown) throw new NotFound()
  return stored
}

/** The further parts of the job's version: those of its account's variant where it has some of its own. */
const threadOf = ({ sql }: Scope) => sql`
  case when jsonb_typeof(own.variant->'thread') = 'array' then own.variant->'thread' else v.thread end`

/** A row with all its parts as the one post that the feed makes of them. */
function whole(row: Record<string, unknown>) {
  const shown = (ids: string[]) => ids.map(id => ({ id }))
  const thread = row.thread as { text: string; media: string[] }[]
  const { text, images } = taken(
    {
      text: row.text as string,
      images: shown(row.media as string[]),
      thread: thread.map(part => ({ text: part.text, images: shown(part.media) })),
      firstComment: row.first_comment as string,
    },
    feed,
  )
  return { row, text, media: images.map(({ id }) => id) }
}

/** The words and pictures of a job as the feed's account sends them: its variant where there is one. */
const posted = (scope: Scope) => scope.sql`
  coalesce(j.published_at, j.run_at) as published_at, j.remote_url,
  (extract(epoch from coalesce(j.published_at, j.run_at)) * 1000000)::bigint::text as micros,
  coalesce(own.variant->>'text', v.text) as text,
  case when jsonb_typeof(own.variant->'media') = 'array'
    then array(select jsonb_array_elements_text(own.variant->'media'))::uuid[] else v.media end as media,
  ${threadOf(scope)} as thread, coalesce(own.variant->>'firstComment', v.first_comment) as first_comment
  from publish_jobs j
  join social_accounts a on a.id = j.account_id and a.platform = 'feed'
  join content_versions v on v.id = j.version_id
  left join lateral (
    select variant from jsonb_array_elements(v.variants) variant where variant->>'accountId' = a.id::text limit 1
  ) own on true`

async function withPictures(scope: Scope, rows: readonly Record<string, unknown>[]): Promise<FeedPost[]> {
  const posts = rows.map(whole)
  const ids = [...new Set(posts.flatMap(({ media }) => media))]
  const found = ids.length
    ? await scope.sql`select id, type, width, height, bytes, alt from media where id = any(${ids}::uuid[])`
    : []
  const pictures = new Map(found.map(row => [row.id as string, row as unknown as FeedPicture]))
  return posts.map(({ row, text: said, media }) => {
    const text = speakable(said)
    const { headline, rest } = storyOf(text)
    return {
      id: row.id as string,
      headline,
      headlineParts: partsOf(headline),
      rest: partsOf(rest),
      parts: partsOf(text.trim()),
      pictures: media.flatMap(id => {
        const picture = pictures.get(id)
        return picture ? [{ ...picture, alt: speakable(picture.alt) }] : []
      }),
      publishedAt: row.published_at as Date,
      publishedAs: row.remote_url as string | null,
    }
  })
}
