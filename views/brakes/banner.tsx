import type { OpenBrake } from '../../src/brakes/find.ts'
import type { Html } from '../html.ts'
import { Icon } from '../ui/icon.tsx'
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
        <p class="brake-line">
          <Icon name="pause" />
          <span class="brake-words">
            <strong>
              {titleOf(brakes)}
              {first.until && brakes.length === 1 && (
                <>
                  {' '}
                  until <Time at={first.until} zone={zone} />
                </>
              )}
              :
            </strong>{' '}
            <span dir="auto">{first.reason}</span>
          </span>
          <a href={`${base}/brakes`}>{brakes.length === 1 ? 'The brake' : 'The brakes'}</a>
        </p>
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
