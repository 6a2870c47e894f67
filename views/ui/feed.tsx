import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Rich } from './preview.tsx'
import { Time } from './time.tsx'

export interface FeedImage {
  src: string
  alt: string
  width?: number | undefined
  height?: number | undefined
}

/** One published post on the public page of a workspace. `lead` sets it as the first story of the front. */
export function FeedStory({
  id,
  href,
  text,
  images,
  at,
  zone,
  tags = [],
  lead = false,
  single = false,
}: {
  id?: string | undefined
  href: string
  text: string
  images: readonly FeedImage[]
  at: string | Date
  zone: string
  tags?: readonly string[] | undefined
  lead?: boolean | undefined
  single?: boolean | undefined
}): Html {
  const { headline, rest } = split(text)
  const heading: Child = single ? (
    <h1 dir="auto">{headline}</h1>
  ) : (
    <h2 dir="auto">
      <a href={href}>{headline}</a>
    </h2>
  )
  const picture = images[0]
  return (
    <article
      class={['story', lead && 'story-lead', single && 'story-single', !picture && 'story-words']}
      id={id}
    >
      {picture && (
        <div class={`story-shots shots shots-${Math.min(images.length, 4)}`}>
          {images.slice(0, 4).map(({ src, alt, width, height }) => (
            <img src={src} alt={alt} width={width} height={height} loading={lead ? 'eager' : 'lazy'} />
          ))}
        </div>
      )}
      <div class="story-words-box">
        <p class="story-when caps">
          <Time at={at} zone={zone} shape="moment" />
        </p>
        {headline && heading}
        {rest && (
          <p class="story-text" dir="auto">
            <Rich text={rest} links />
          </p>
        )}
        {tags.length > 0 && (
          <p class="story-tags" dir="auto">
            {tags.map(tag => (
              <span>{tag}</span>
            ))}
          </p>
        )}
      </div>
    </article>
  )
}

/** The first sentence or line of a post, when it is short enough to stand as a headline; the rest is the story. */
function split(text: string): { headline: string; rest: string } {
  const clean = text.trim()
  const first = /^(?:.{1,110}?[.!?…](?=\s|$)|.{1,110}(?=\n|$))/u.exec(clean)?.[0] ?? ''
  if (!first) return { headline: `${[...clean].slice(0, 80).join('')}…`, rest: clean }
  return { headline: first.replace(/\.$/, ''), rest: clean.slice(first.length).trim() }
}
