import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import type { PostImage } from '../platforms/platform.ts'

/** A version as one account sends it: its variant where it has one, else the words and pictures for everywhere. */
export interface PostDraft {
  text: string
  images: Omit<PostImage, 'url' | 'read'>[]
}

interface Variant {
  accountId: string
  text?: string | null
  media?: string[] | null
}

/** @throws NotFound when the version is not there */
export async function postDraft(scope: Scope, versionId: string, accountId: string): Promise<PostDraft> {
  const [version] =
    await scope.sql`select text, media, variants from content_versions where id = ${versionId}`
  if (!version) throw new NotFound()
  const variant = (version.variants as Variant[]).find(one => one.accountId === accountId)
  const text = variant?.text ?? (version.text as string)
  const ids = variant?.media ?? (version.media as string[])
  const rows =
    ids.length === 0
      ? []
      : await scope.sql`
          select m.id, m.type, m.width, m.height, m.bytes, m.alt
          from unnest(${ids}::uuid[]) with ordinality as wanted (id, place) join media m on m.id = wanted.id
          order by wanted.place`
  const images = rows.map(row => ({
    id: row.id as string,
    type: row.type as string,
    width: row.width as number,
    height: row.height as number,
    bytes: row.bytes as number,
    alt: row.alt as string,
  }))
  return { text, images }
}
