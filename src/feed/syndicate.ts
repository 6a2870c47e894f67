import { Feed, type Item } from 'feed'
import { StoryContent } from '../../views/feed/content.tsx'
import { escapeText } from '../../views/jsx-runtime.ts'
import type { FeedAddresses } from './addresses.ts'
import type { FeedHead, FeedPost } from './find.ts'

export const formats = {
  'rss.xml': { type: 'application/rss+xml; charset=utf-8', write: rss },
  'atom.xml': { type: 'application/atom+xml; charset=utf-8', write: atom },
  'feed.json': { type: 'application/feed+json; charset=utf-8', write: json },
} as const
export type Format = keyof typeof formats

type Write = (head: FeedHead, posts: readonly FeedPost[], at: FeedAddresses) => string

/** What the three formats share. `self` is the address of the very file. */
function begin(head: FeedHead, posts: readonly FeedPost[], at: FeedAddresses, self: string): Feed {
  return new Feed({
    id: at.home,
    title: head.name,
    description: `What ${head.name} has published.`,
    link: at.home,
    feed: self,
    feedLinks: { rss: at.rss, atom: at.atom, json: at.json },
    updated: posts[0]?.publishedAt ?? head.since,
    generator: 'Masthead',
    author: { name: head.name, link: at.home },
  })
}

function itemOf(post: FeedPost, at: FeedAddresses): Item {
  const [picture] = post.pictures
  return {
    title: post.headline,
    link: at.post(post.id),
    date: post.publishedAt,
    published: post.publishedAt,
    content: StoryContent({ post, at }).markup,
    // The library writes attributes unescaped, so the alt text goes into the content only.
    ...(picture
      ? { enclosure: { url: at.picture(picture), type: picture.type, length: picture.bytes } }
      : {}),
  }
}

/** By what readers know a post: its address when it was published, so that a move of the server repeats nothing. */
const idOf = (post: FeedPost, at: FeedAddresses): string => {
  const { publishedAs } = post
  return publishedAs && URL.canParse(publishedAs) ? publishedAs : at.post(post.id)
}

function rss(...[head, posts, at]: Parameters<Write>): string {
  const feed = begin(head, posts, at, at.rss)
  for (const post of posts) {
    const item = itemOf(post, at)
    const id = idOf(post, at)
    // Without an id the library takes the link as guid and marks it as a permalink, which it then is.
    feed.addItem({ ...item, title: escapeText(item.title), ...(id === item.link ? {} : { id }) })
  }
  return feed.rss2()
}

function atom(...[head, posts, at]: Parameters<Write>): string {
  const feed = begin(head, posts, at, at.atom)
  for (const post of posts) {
    const item = itemOf(post, at)
    feed.addItem({ ...item, id: idOf(post, at), title: escapeText(item.title || 'Picture') })
  }
  return feed.atom1()
}

function json(...[head, posts, at]: Parameters<Write>): string {
  const feed = begin(head, posts, at, at.json)
  for (const post of posts) {
    const item = itemOf(post, at)
    const attachments = post.pictures.map(picture => ({
      url: at.picture(picture),
      mime_type: picture.type,
      ...(picture.alt ? { title: picture.alt } : {}),
      size_in_bytes: picture.bytes,
    }))
    const [picture] = post.pictures
    feed.addItem({
      ...item,
      id: idOf(post, at),
      ...(picture ? { image: at.picture(picture) } : {}),
      ...(attachments.length > 0
        ? {
            extensions: [{ name: 'attachments', objects: attachments as unknown as Record<string, unknown> }],
          }
        : {}),
    })
  }
  return feed.json1()
}
