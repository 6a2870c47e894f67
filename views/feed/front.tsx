import type { FeedAddresses } from '../../src/feed/addresses.ts'
import type { FeedHead, FeedPost } from '../../src/feed/find.ts'
import type { Page } from '../../src/lib/cursor.ts'
import type { Html } from '../html.ts'
import { EmptyState, Pager } from '../ui/index.tsx'
import { FeedFront, FeedLayout, layoutOf } from './layout.tsx'
import { Story } from './story.tsx'

/** The front of a workspace's feed. `first`: the newest page, which has a leading story. */
export function FrontPage({
  head,
  page,
  first,
  at,
}: {
  head: FeedHead
  page: Page<FeedPost>
  first: boolean
  at: FeedAddresses
}): Html {
  const [newest, ...others] = page.items
  const rest = first ? others : page.items
  const story = (post: FeedPost): Html => <Story post={post} at={at} zone={head.zone} />
  return (
    <FeedLayout
      {...layoutOf(head, at)}
      title={head.name}
      description={`What ${head.name} has published.`}
      canonical={at.home}
      picture={newest?.pictures[0] && at.picture(newest.pictures[0])}
      front
    >
      {newest === undefined ? (
        <EmptyState icon="newspaper" title="Nothing is published yet">
          The first post will stand here. Follow by RSS, Atom or JSON Feed, and it comes to you.
        </EmptyState>
      ) : (
        <FeedFront lead={first && <Story post={newest} at={at} zone={head.zone} lead />}>
          {rest.map(story)}
        </FeedFront>
      )}
      <Pager next={page.next && at.page(page.next)} first={first ? null : at.home} label="Earlier posts" />
    </FeedLayout>
  )
}
