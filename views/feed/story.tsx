import type { FeedAddresses } from '../../src/feed/addresses.ts'
import type { FeedPost } from '../../src/feed/find.ts'
import type { Html } from '../html.ts'
import { Time } from '../ui/index.tsx'
import { Words } from './words.tsx'

/** One post on the public page, its links as links. `lead`: the first story of the front. `single`: its own page. */
export function Story({
  post,
  at,
  zone,
  lead = false,
  single = false,
}: {
  post: FeedPost
  at: FeedAddresses
  zone: string
  lead?: boolean | undefined
  single?: boolean | undefined
}): Html {
  const { pictures, headline, rest } = post
  const href = at.post(post.id)
  const when = <Time at={post.publishedAt} zone={zone} shape="moment" />
  return (
    <article
      class={[
        'story',
        lead && 'story-lead',
        single && 'story-single',
        pictures.length === 0 && 'story-words',
      ]}
    >
      {pictures.length > 0 && (
        <div class="story-shots">
          {groups(pictures, single).map(group => (
            <div class={`shots shots-${group.length}`}>
              {group.map(picture => (
                <img
                  src={single || lead ? at.picture(picture) : at.thumbnail(picture)}
                  alt={picture.alt}
                  width={picture.width}
                  height={picture.height}
                  loading={lead || single ? 'eager' : 'lazy'}
                />
              ))}
            </div>
          ))}
        </div>
      )}
      <div class="story-words-box">
        <p class="story-when caps">{single || headline ? when : <a href={href}>{when}</a>}</p>
        {headline && <Heading post={post} href={single ? null : href} />}
        {rest.length > 0 && (
          <p class="story-text" dir="auto">
            <Words parts={rest} />
          </p>
        )}
      </div>
    </article>
  )
}

/** On the front the headline itself is the link, so what is inside it cannot be one. */
function Heading({ post, href }: { post: FeedPost; href: string | null }): Html {
  if (href === null)
    return (
      <h1 dir="auto">
        <Words parts={post.headlineParts} />
      </h1>
    )
  return (
    <h2 dir="auto">
      <a href={href}>{post.headline}</a>
    </h2>
  )
}

/** Up to four pictures stand together; on its own page a post shows all of them. */
function groups<T>(pictures: readonly T[], all: boolean): T[][] {
  const shown = all ? pictures : pictures.slice(0, 4)
  const out: T[][] = []
  for (let at = 0; at < shown.length; at += 4) out.push(shown.slice(at, at + 4))
  return out
}
