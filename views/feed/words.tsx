import type { Part } from '../../src/feed/words.ts'
import { type Html, safeUrl } from '../html.ts'

/** Words with their links as links, shown without `https://`; nobody typed that for readers. */
export function Words({ parts }: { parts: readonly Part[] }): Html {
  return (
    <>
      {parts.map(({ text, href }) =>
        href === undefined ? (
          text
        ) : (
          <a href={safeUrl(href)} rel="noopener nofollow ugc">
            {text.replace(/^https?:\/\//i, '')}
          </a>
        ),
      )}
    </>
  )
}
