import type { Arrival } from '../../src/accounts/find.ts'
import type { Html } from '../html.ts'
import { Block, EmptyState, Line, LinkButton, Row, Rows, Time } from '../ui/index.tsx'

/** What reached the rehearsal network, newest first. */
export function Arrivals({
  arrivals,
  zone,
  base,
}: {
  arrivals: readonly Arrival[]
  zone: string
  /** `/w/<slug>` */
  base: string
}): Html {
  return (
    <Block title="What arrived" id="arrived">
      {arrivals.length === 0 ? (
        <EmptyState
          icon="inbox"
          title="Nothing has arrived yet"
          action={
            <LinkButton href={`${base}/content/new`} variant="main" icon="plus">
              Write a post
            </LinkButton>
          }
        >
          Schedule a post to this account, and it is shown here as the network would have it.
        </EmptyState>
      ) : (
        <Rows label="Posts that arrived">
          {arrivals.map(({ id, text, images, arrivedAt }) => (
            <Row
              id={`arrived-${id}`}
              lead={
                images[0] ? (
                  <img
                    src={`${base}/media/${images[0].id}/file?size=thumbnail`}
                    alt={images[0].alt}
                    loading="lazy"
                  />
                ) : (
                  <span class="row-tile" aria-hidden="true" />
                )
              }
              title={text || 'Without words'}
              meta={
                <Line
                  parts={[
                    <Time at={arrivedAt} zone={zone} />,
                    images.length > 0 && (images.length === 1 ? '1 picture' : `${images.length} pictures`),
                  ]}
                />
              }
            />
          ))}
        </Rows>
      )}
    </Block>
  )
}
