import type { OpenBrake } from '../../src/brakes/find.ts'
import type { Html } from '../html.ts'
import { LinkButton } from '../ui/button.tsx'
import { Notice } from '../ui/cards.tsx'
import { Time } from '../ui/time.tsx'

/** On every page while a brake is on. It is there when none is, so that an open page can be told of one. */
export function BrakeBanner({
  base,
  brakes,
  zone,
}: {
  base: string
  brakes: readonly OpenBrake[]
  zone: string
}): Html {
  const [first] = brakes
  return (
    <div id="brakes" class="brakes">
      {first && (
        <Notice
          kind="warn"
          title={titleOf(brakes)}
          actions={
            <LinkButton href={`${base}/brakes`} size="small" icon="pause">
              {brakes.length === 1 ? 'The brake' : 'The brakes'}
            </LinkButton>
          }
        >
          {first.reason}
          {first.until && (
            <>
              {' '}
              (until <Time at={first.until} zone={zone} />)
            </>
          )}
        </Notice>
      )}
    </div>
  )
}

/** The first two by name, the others by number. */
function titleOf(brakes: readonly OpenBrake[]): string {
  const named = brakes.slice(0, 2).map(({ about }) => about)
  const more = brakes.length - named.length
  if (brakes.length === 1) return `A brake is on ${named[0]}`
  return more === 0
    ? `Brakes are on ${named.join(' and ')}`
    : `Brakes are on ${named.join(', ')} and ${more} more`
}
