import type { FeedPicture } from './find.ts'

const endings: Record<FeedPicture['type'], string> = {
  'image/jpeg': '.jpeg',
  'image/png': '.png',
  'image/webp': '.webp',
}

/** Every public address of one feed, under `origin` ('' for paths of the page itself). */
export function addressesOf(origin: string, slug: string) {
  const home = `${origin}/feed/${slug}`
  return {
    home,
    rss: `${home}/rss.xml`,
    atom: `${home}/atom.xml`,
    json: `${home}/feed.json`,
    post: (id: string) => `${home}/posts/${id}`,
    /** With its type as an ending, by which feed readers tell what it is. */
    picture: ({ id, type }: Pick<FeedPicture, 'id' | 'type'>) => `${home}/media/${id}${endings[type]}`,
    thumbnail: ({ id }: Pick<FeedPicture, 'id'>) => `${home}/media/${id}?size=thumbnail`,
    page: (cursor: string) => `${home}?cursor=${encodeURIComponent(cursor)}`,
  }
}
export type FeedAddresses = ReturnType<typeof addressesOf>
