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
          title={
            brakes.length === 1
              ? `A brake is on ${first.about}`
              : `${brakes.length} brakes are on, one on ${first.about}`
          }
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
