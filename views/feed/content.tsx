import type { FeedAddresses } from '../../src/feed/addresses.ts'
import type { FeedPost } from '../../src/feed/find.ts'
import type { Part } from '../../src/feed/words.ts'
import type { Html } from '../html.ts'
import { Words } from './words.tsx'

/** A post as feed readers get it: paragraphs, line breaks and pictures with their alt texts; plain HTML. */
export function StoryContent({ post, at }: { post: FeedPost; at: FeedAddresses }): Html {
  return (
    <>
      {paragraphs(post.parts).map(lines => (
        <p dir="auto">
          {lines.map((line, index) => (
            <>
              {index > 0 && <br />}
              <Words parts={line} />
            </>
          ))}
        </p>
      ))}
      {post.pictures.map(picture => (
        <p>
          <img src={at.picture(picture)} alt={picture.alt} width={picture.width} height={picture.height} />
        </p>
      ))}
    </>
  )
}

/** Empty lines part paragraphs, line breaks part lines; a link is never parted. */
function paragraphs(parts: readonly Part[]): Part[][][] {
  const all: Part[][][] = [[[]]]
  for (const part of parts) {
    const lines = part.href === undefined ? part.text.split(/(\n+)/) : [part.text]
    for (const line of lines) {
      if (part.href === undefined && /^\n+$/.test(line)) {
        if (line.length > 1) all.push([[]])
        else all.at(-1)?.push([])
      } else if (line !== '') {
        all
          .at(-1)
          ?.at(-1)
          ?.push({ ...part, text: line })
      }
    }
  }
  return all.filter(lines => lines.some(line => line.length > 0))
}
