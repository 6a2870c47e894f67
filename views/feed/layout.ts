import type { FeedAddresses } from '../../src/feed/addresses.ts'
import type { FeedHead } from '../../src/feed/find.ts'
import type { FeedLayoutProps } from '../layout.tsx'

/** What every page of a feed has around it. */
export function layoutOf(
  head: FeedHead,
  at: FeedAddresses,
): Pick<FeedLayoutProps, 'workspace' | 'home' | 'feeds' | 'now'> {
  return {
    workspace: { name: head.name, zone: head.zone },
    home: at.home,
    feeds: { rss: at.rss, atom: at.atom, json: at.json },
    now: new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: head.zone }).format(head.now),
  }
}
