import type { PlatformId } from '../../src/platforms/platform.ts'
import { type Html, safeUrl } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Avatar } from './bits.tsx'
import { Icon } from './icon.tsx'
import { platforms } from './platform.tsx'

export interface PreviewImage {
  src: string
  alt: string
  width?: number | undefined
  height?: number | undefined
}

const special = /(https?:\/\/[^\s]+|(?<![\p{L}\p{N}_/])[#@][\p{L}\p{N}_][\p{L}\p{N}_.@-]*)/gu

/** The punctuation of a sentence that ends in a link is not part of the link. */
const tail = /[.,;:!?…'"”’)\]]+$/u

/**
 * Text of a post with its links, hashtags and mentions tinted, as the networks show it; links are shown without
 * `https://`. With `links` they can be followed (the public feed).
 */
export function Rich({ text, links = false }: { text: string; links?: boolean | undefined }): Html {
  return (
    <>
      {text.split(special).map((part, index) => {
        if (index % 2 === 0) return part
        const after = tail.exec(part)?.[0] ?? ''
        const marked = part.slice(0, part.length - after.length)
        const shown = marked.replace(/^https?:\/\//, '')
        const link = links && shown !== marked
        return [
          link ? (
            <a class="tinted" href={safeUrl(marked)} rel="nofollow noopener">
              {shown}
            </a>
          ) : (
            <span class="tinted">{shown}</span>
          ),
          after,
        ]
      })}
    </>
  )
}

/** Up to four pictures of a post, side by side. */
export function Pictures({ images }: { images: readonly PreviewImage[] }): Html | null {
  if (images.length === 0) return null
  return (
    <div class={`shots shots-${Math.min(images.length, 4)}`}>
      {images.slice(0, 4).map(({ src, alt, width, height }) => (
        <img src={src} alt={alt} width={width} height={height} loading="lazy" />
      ))}
    </div>
  )
}

/**
 * A post as its network would show it. `account` is who posts; `count` a `<Counter>` or nothing; `when` a `<Time>`;
 * `payload` is what a webhook would receive. `title` for the feed, which shows an article.
 */
export function Preview({
  platform,
  account,
  text,
  images = [],
  when,
  count,
  payload,
  id,
}: {
  platform: PlatformId
  account: { name: string; handle: string; avatar?: string | undefined }
  text: string
  images?: readonly PreviewImage[] | undefined
  when?: Child
  count?: Child
  payload?: string | undefined
  id?: string | undefined
}): Html {
  const { name, icon } = platforms[platform]
  return (
    <article class={`preview preview-${platform}`} id={id} aria-label={`As ${name} shows it`}>
      <p class="preview-where">
        <Icon name={icon} /> <span>{name}</span> {count}
      </p>
      <header>
        <Avatar name={account.name} src={account.avatar} />
        <div class="preview-who">
          <b dir="auto">{account.name}</b>
          <small dir="ltr">{account.handle}</small>
        </div>
        {when && <small class="preview-when">{when}</small>}
      </header>
      {platform === 'webhook' && payload ? (
        <pre class="preview-payload" dir="ltr" tabindex="0">
          {payload}
        </pre>
      ) : (
        <p class="preview-text" dir="auto">
          {text ? <Rich text={text} /> : <span class="faint">No words yet</span>}
        </p>
      )}
      <Pictures images={images} />
      {(platform === 'bluesky' || platform === 'mastodon') && (
        <footer aria-hidden="true">
          <Icon name="reply" />
          <Icon name="repeat-2" />
          <Icon name={platform === 'bluesky' ? 'heart' : 'star'} />
          <Icon name={platform === 'bluesky' ? 'ellipsis' : 'bookmark'} />
        </footer>
      )}
    </article>
  )
}
