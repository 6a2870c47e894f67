import { type Html, raw } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'

/** The whole document: head, styles, scripts. Every page of the product is made here, and nowhere else. */
export function Document({
  title,
  children,
  head,
  body,
  lang = 'en',
}: {
  title: string
  children?: Child
  head?: Child
  body: string
  lang?: string | undefined
}): Html {
  return (
    <>
      {raw('<!doctype html>')}
      <html lang={lang}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>{title}</title>
          <meta name="color-scheme" content="light dark" />
          <meta
            name="htmx-config"
            content='{"noSwap":[204,304,"5xx"],"includeIndicatorCSS":false,"morphIgnore":["data-htmx-powered","open"]}'
          />
          <link rel="icon" href="/public/favicon.svg" type="image/svg+xml" />
          <link
            rel="preload"
            href="/public/fonts/newsreader.woff2"
            as="font"
            type="font/woff2"
            crossorigin="anonymous"
          />
          <link
            rel="preload"
            href="/public/fonts/inter.woff2"
            as="font"
            type="font/woff2"
            crossorigin="anonymous"
          />
          <link rel="stylesheet" href="/public/css/index.css" />
          {head}
        </head>
        <body class={body}>{children}</body>
      </html>
    </>
  )
}

/** htmx blocks in the head, so that it sees the whole page when it starts; our own script is a module and waits. */
export const scripts = (
  <>
    <script src="/public/htmx.js" />
    <script src="/public/site.js" type="module" />
  </>
)

/** The part of htmx that listens to event streams: after htmx itself, and blocking as it does. */
export const streamScript = <script src="/public/hx-sse.js" />
