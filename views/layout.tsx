import type { OpenBrake } from '../src/brakes/find.ts'
import { BrakeBanner } from './brakes/banner.tsx'
import type { Html } from './html.ts'
import type { Child } from './jsx-runtime.ts'
import { LinkButton } from './ui/button.tsx'
import { Notice } from './ui/cards.tsx'
import { Document, scripts, streamScript } from './ui/document.tsx'
import { Icon } from './ui/icon.tsx'
import { Rail, type RailProps } from './ui/rail.tsx'

/** What just happened, told once at the top of the next page. */
export interface Flash {
  kind: 'good' | 'bad' | 'info'
  text: string
}

export interface LayoutProps extends RailProps {
  title: string
  /** Day, zone and time in words: `Saturday, 21 November · Berlin, 08:36`. */
  now: string
  flash?: Flash | null | undefined
  /** The request's path and query, for asking for the same page again. */
  address?: string | undefined
  /** When the page was read, in milliseconds since 1970. */
  since?: number | undefined
  /** The kinds of events (`publish_job`, `content`, …) after which an open page looks again by itself. Default none. */
  live?: readonly string[] | undefined
  /** The brakes that are on, told above the page. */
  brakes?: readonly OpenBrake[] | undefined
  /** Whether this person may write; decides about "New post". Default true. */
  canWrite?: boolean | undefined
  children?: Child
}

/** The day and, on a line of its own where there is little room, the place and the time. */
function Dateline({ now }: { now: string }): Html {
  const [day, ...place] = now.split(' · ')
  return (
    <p class="dateline">
      {day}
      {place.length > 0 && (
        <>
          <span class="dateline-dot"> · </span>
          <span class="dateline-place">{place.join(' · ')}</span>
        </>
      )}
    </p>
  )
}

/**
 * What a page shows, kept fresh: after each event of its kinds it asks for its own address and takes over what differs.
 * Focus, typed words, scrolling and what is unfolded stay as they are.
 */
function Fresh({ live, address, path, children }: LayoutProps & { live: readonly string[] }): Html {
  return (
    <div
      id="fresh"
      hx-get={address ?? path}
      hx-trigger={[
        'missed from:#live',
        'brake from:#live throttle:1s',
        ...live.map(kind => `${kind} from:#live throttle:1s`),
      ].join(', ')}
      hx-select="#fresh"
      hx-select-oob="#bell:outerMorph,#places:outerMorph,#brakes:outerMorph"
      hx-swap="outerMorph"
    >
      {children}
    </div>
  )
}

/** A page inside a workspace: the masthead rail (a bar at the foot of a phone), the dateline, the messages, the page. */
export function Layout(props: LayoutProps): Html {
  const { title, workspace, counts, now, flash, canWrite = true, live, children } = props
  const base = `/w/${workspace.slug}`
  return (
    <Document
      title={`${title} · ${workspace.name}`}
      head={
        <>
          {scripts}
          {live && streamScript}
        </>
      }
      body="desk"
    >
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <div class="shell" data-base={base}>
        <Rail {...props} />
        <div class="page">
          <aside class="bar" aria-label="Date and tools">
            <Dateline now={now} />
            <search class="bar-search">
              <form action={`${base}/content`} method="get">
                <Icon name="search" />
                <input
                  type="search"
                  name="q"
                  aria-label="Search content"
                  placeholder="Search"
                  maxlength={200}
                  dir="auto"
                  data-search
                />
                <kbd>/</kbd>
              </form>
            </search>
            <a
              id="bell"
              class={['btn btn-quiet btn-icon bell', counts.notifications > 0 && 'bell-on']}
              href={`${base}/notifications`}
              aria-label={
                counts.notifications ? `Notifications, ${counts.notifications} new` : 'Notifications'
              }
            >
              <Icon name="bell" />
              {counts.notifications > 0 && (
                <b class="num" aria-hidden="true">
                  {counts.notifications > 99 ? '99+' : counts.notifications}
                </b>
              )}
            </a>
            {canWrite && (
              <LinkButton href={`${base}/content/new`} variant="main" icon="plus" data-new>
                New post
              </LinkButton>
            )}
          </aside>
          <main id="main" tabindex="-1">
            <BrakeBanner base={base} brakes={props.brakes ?? []} zone={workspace.zone} />
            {flash && (
              <div class="flash">
                <Notice kind={flash.kind}>{flash.text}</Notice>
              </div>
            )}
            {live ? <Fresh {...props} live={live} /> : children}
          </main>
        </div>
      </div>
      {live && (
        <div
          id="live"
          hidden
          {...{ 'hx-sse:connect': `${base}/live?since=${props.since ?? ''}` }}
          hx-swap="none"
        />
      )}
      <div id="toasts" role="status" aria-live="polite" hx-morph-skip="" />
    </Document>
  )
}

/** A page outside a workspace: sign-in, set-up, an invitation, an error. `wide` for forms with many fields. */
export function PlainLayout({
  title,
  children,
  wide = false,
  flash,
  note,
}: {
  title: string
  children?: Child
  wide?: boolean | undefined
  flash?: Flash | null | undefined
  note?: Child
}): Html {
  return (
    <Document title={`${title} · Masthead`} head={scripts} body="plain">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <div class={['plain-page', wide && 'plain-wide']}>
        <header class="plain-plate">
          <p>Masthead</p>
        </header>
        <main id="main" tabindex="-1">
          {flash && <Notice kind={flash.kind}>{flash.text}</Notice>}
          {children}
        </main>
        <footer class="plain-foot">{note ?? 'A publishing desk for small teams'}</footer>
      </div>
      <div id="toasts" role="status" aria-live="polite" />
    </Document>
  )
}

/** What an error page says: the number small, what happened large, what to do below. Goes inside `PlainLayout`. */
export function ErrorPage({
  status,
  title,
  children,
  actions,
}: {
  status: number
  title: string
  children?: Child
  actions?: Child
}): Html {
  return (
    <div class="error-page">
      <p class="caps num">{status}</p>
      <h1>{title}</h1>
      <div class="error-words">{children}</div>
      {actions && <div class="buttons">{actions}</div>}
    </div>
  )
}
