import type { FeedAddresses } from '../../src/feed/addresses.ts'
import type { FeedHead, FeedPost } from '../../src/feed/find.ts'
import type { Html } from '../html.ts'
import { EmptyState, LinkButton } from '../ui/index.tsx'
import { FeedLayout, layoutOf } from './layout.tsx'
import { Story } from './story.tsx'

/** One published post under its own address. */
export function PostPage({ head, post, at }: { head: FeedHead; post: FeedPost; at: FeedAddresses }): Html {
  const words = post.parts.map(({ text }) => text).join('')
  return (
    <FeedLayout
      {...layoutOf(head, at)}
      title={`${post.headline || 'Picture'} · ${head.name}`}
      description={
        [...words.replace(/\s+/g, ' ')].slice(0, 200).join('') || post.pictures[0]?.alt || head.name
      }
      canonical={at.post(post.id)}
      picture={post.pictures[0] && at.picture(post.pictures[0])}
    >
      <Story post={post} at={at} zone={head.zone} single />
    </FeedLayout>
  )
}

/** A post that is not on this feed, or not any more. */
export function MissingPage({ head, at }: { head: FeedHead; at: FeedAddresses }): Html {
  return (
    <FeedLayout
      {...layoutOf(head, at)}
      title={`Not here · ${head.name}`}
      description="There is no such post."
    >
      <EmptyState
        icon="newspaper"
        title="There is no such post"
        action={<LinkButton href={at.home}>To the newest posts</LinkButton>}
      >
        The address is wrong, or the post was never published here.
      </EmptyState>
    </FeedLayout>
  )
}
