import type { Media } from '../../src/media/find.ts'
import type { Run } from '../../src/workflows/schema.ts'
import type { Html } from '../html.ts'
import { LinkButton } from '../ui/index.tsx'
import { drawingWords } from './drawing-words.ts'
import { NextTry, Trouble } from './trouble.tsx'

/** A picture on its way, there, or not to be had. */
export function Drawing({
  base,
  zone,
  run,
  media,
}: {
  base: string
  zone: string
  run: Run
  media: Media | null
}): Html {
  const again = (words: string, variant: 'plain' | 'main'): Html => (
    <LinkButton href={`${base}/media/generate?again=${run.id}`} icon="wand-sparkles" variant={variant}>
      {words}
    </LinkButton>
  )
  if (run.state === 'succeeded' && media)
    return (
      <>
        <a href={`${base}/media/${media.id}/file`}>
          <img
            src={`${base}/media/${media.id}/file`}
            alt={media.alt}
            width={media.width}
            height={media.height}
          />
        </a>
        <p>{run.outcome}</p>
        <div class="buttons">
          <LinkButton href={`${base}/content/new?media=${media.id}`} variant="main" icon="pen-line">
            Use in a new post
          </LinkButton>
          {again('Another one', 'plain')}
          <LinkButton href={`${base}/media`} variant="quiet" icon="images">
            Media library
          </LinkButton>
        </div>
      </>
    )
  if (run.state === 'succeeded')
    return (
      <>
        <p>The picture was made, and has been taken out of the library since.</p>
        <div class="buttons">{again('Generate it again', 'main')}</div>
      </>
    )
  return (
    <>
      <Trouble run={run} />
      {run.state === 'failed' ? (
        <div class="buttons">{again('Change and try again', 'main')}</div>
      ) : (
        <>
          <p>{drawingWords(run)}</p>
          <NextTry run={run} zone={zone} />
          <p class="page-note">You may leave this page: the picture arrives in the media library.</p>
        </>
      )}
    </>
  )
}
