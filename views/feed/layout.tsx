import type { FeedAddresses } from '../../src/feed/addresses.ts'
import type { FeedHead } from '../../src/feed/find.ts'
import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Document } from '../ui/document.tsx'
import { Icon } from '../ui/icon.tsx'

export interface FeedLayoutProps {
  title: string
  /** One sentence for search engines and link previews. */
  description: string
  workspace: { name: string; about?: string | null | undefined; zone: string }
  /** Address of the feed's front page. */
  home: string
  feeds: { rss: string; atom: string; json: string }
  /** The day in words, as a newspaper has it under its name. */
  now: string
  /** Absolute address of this page and of a picture, for link previews. */
  canonical?: string | undefined
  picture?: string | undefined
  /** The front page sets its name as the heading; a story's page has its own. */
  front?: boolean | undefined
  children?: Child
}

/** The public page of a workspace's own feed: a small magazine, without scripts. */
export function FeedLayout({
  title,
  description,
  workspace,
  home,
  feeds,
  now,
  canonical,
  picture,
  front = false,
  children,
}: FeedLayoutProps): Html {
  const name = <a href={home}>{workspace.name}</a>
  return (
    <Document
      title={title}
      body="feed"
      head={
        <>
          <meta name="description" content={description} />
          <meta property="og:title" content={title} />
          <meta property="og:description" content={description} />
          {canonical && <link rel="canonical" href={canonical} />}
          {picture && <meta property="og:image" content={picture} />}
          <link
            rel="alternate"
            type="application/rss+xml"
            title={`${workspace.name} (RSS)`}
            href={feeds.rss}
          />
          <link
            rel="alternate"
            type="application/atom+xml"
            title={`${workspace.name} (Atom)`}
            href={feeds.atom}
          />
          <link
            rel="alternate"
            type="application/feed+json"
            title={`${workspace.name} (JSON Feed)`}
            href={feeds.json}
          />
        </>
      }
    >
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <div class="feed-page">
        <header class="feed-plate">
          {front ? (
            <h1 class="feed-name" dir="auto">
              {name}
            </h1>
          ) : (
            <p class="feed-name" dir="auto">
              {name}
            </p>
          )}
          <p class="feed-folio">
            <span>{now}</span>
            {workspace.about && <span dir="auto">{workspace.about}</span>}
            <a href={feeds.rss}>
              <Icon name="rss" /> Follow
            </a>
          </p>
        </header>
        <main id="main" tabindex="-1">
          {children}
        </main>
        <footer class="feed-foot">
          <p dir="auto">{workspace.name}</p>
          <p>
            <a href={feeds.rss}>RSS</a> <a href={feeds.atom}>Atom</a> <a href={feeds.json}>JSON Feed</a>
          </p>
        </footer>
      </div>
    </Document>
  )
}

/** The stories of a feed's front: the first large, the others in columns under it. */
export function FeedFront({ lead, children }: { lead?: Child; children?: Child }): Html {
  return (
    <div class="front">
      {lead}
      <div class="front-rest">{children}</div>
    </div>
  )
}

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
