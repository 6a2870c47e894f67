import { holds, type TimeWindow, windowOf } from '../approvals/window.ts'
import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import type { Threaded } from '../platforms/parts.ts'
import type { PostImage } from '../platforms/platform.ts'

/** A version as one account sends it: its variant where it has one, else the words and pictures for everywhere. */
export interface PostDraft extends Threaded<DraftImage> {
  /** When it may go out, as the approval that holds for the version says; null: at any time. */
  window: TimeWindow | null
}

interface Wanted {
  versionId: string
  accountId: string
  /** The job whose first comment is wanted, not the post itself. */
  firstCommentOf?: string | null
}

/** `removed` stands only where a picture was taken out of the library since the version was saved. */
export type DraftImage = Omit<PostImage, 'url' | 'read'> & { removed?: true }

interface Variant {
  accountId: string
  text?: string | null
  media?: string[] | null
  thread?: Part[] | null
  firstComment?: string | null
}

interface Part {
  text: string
  media: string[]
}

/** In place of an account's id: the words and pictures for everywhere. */
export const everywhere = ''

/** @throws NotFound when the version is not there */
export async function postDraft(scope: Scope, wanted: Wanted): Promise<PostDraft> {
  const [draft] = await postDrafts(scope, [wanted])
  if (!draft) throw new NotFound()
  return draft
}

/** Several at once, in the given order; null where the version is not there. */
export async function postDrafts(scope: Scope, wanted: readonly Wanted[]): Promise<(PostDraft | null)[]> {
  const ids = [...new Set(wanted.map(({ versionId }) => versionId))]
  const { sql } = scope
  const versions = new Map(
    (
      await sql`
        select v.id, v.text, v.media, v.thread, v.first_comment, v.variants, approved.publish_from, approved.publish_until
        from content_versions v left join lateral (
          select a.publish_from, a.publish_until from approvals a
          where a.version_id = v.id and ${holds(sql)} order by a.id desc limit 1) approved on true
        where v.id = any(${ids}::uuid[])`
    ).map(row => [row.id as string, row]),
  )
  const drafts = wanted.map(({ versionId, accountId }) => {
    const version = versions.get(versionId)
    if (!version) return null
    const variant = (version.variants as Variant[]).find(one => one.accountId === accountId)
    const firstComment = variant?.firstComment ?? (version.first_comment as string)
    return {
      text: variant?.text ?? (version.text as string),
      media: variant?.media ?? (version.media as string[]),
      thread: variant?.thread ?? (version.thread as Part[]),
      firstComment,
      window: windowOf(version),
    }
  })
  const shown = drafts.flatMap(draft => (draft ? [draft, ...draft.thread] : []))
  const images = await imagesOf(scope, [...new Set(shown.flatMap(({ media }) => media))])
  const filled = ({ text, media }: Part) => ({
    text,
    images: media.flatMap(id => images.get(id.toLowerCase()) ?? []),
  })
  return drafts.map((draft, at) => {
    if (!draft) return null
    const { firstComment, window } = draft
    const post = { ...filled(draft), thread: draft.thread.map(filled), firstComment, window }
    return wanted[at]?.firstCommentOf ? commentOf(post) : post
  })
}

/** The first comment of a post, as the post that it is itself. */
export function commentOf({ firstComment, window }: Pick<PostDraft, 'firstComment' | 'window'>): PostDraft {
  return { text: firstComment, images: [], thread: [], firstComment: '', window }
}

async function imagesOf(scope: Scope, ids: readonly string[]): Promise<Map<string, DraftImage>> {
  if (ids.length === 0) return new Map()
  const rows = await scope.sql`
    select id, type, width, height, bytes, sha256, alt, removed_at is not null as removed
    from media where id = any(${[...ids]}::uuid[])`
  return new Map(
    rows.map(row => [
      row.id as string,
      {
        id: row.id as string,
        type: row.type as string,
        width: row.width as number,
        height: row.height as number,
        bytes: row.bytes as number,
        sha256: row.sha256 as string,
        alt: row.alt as string,
        ...(row.removed ? { removed: true as const } : {}),
      },
    ]),
  )
}
