import type { Forecast } from '../../src/forecast/schema.ts'
import { ForecastCounts } from '../forecast/mark.tsx'
import type { Html } from '../html.ts'
import { Block, Time } from '../ui/index.tsx'

/** How the next seven days look, in a line; nothing before the first forecast. */
export function ForecastSummary({
  base,
  zone,
  head,
}: {
  base: string
  zone: string
  head: Omit<Forecast, 'jobs'> | null
}): Html | null {
  if (!head || head.counts.red + head.counts.amber + head.counts.green === 0) return null
  return (
    <Block
      title="Forecast"
      more={{ href: `${base}/forecast`, label: 'Reasons and cures' }}
      note={
        <>
          The next seven days, looked at <Time at={head.madeAt} zone={zone} />.
        </>
      }
    >
      <ForecastCounts counts={head.counts} />
    </Block>
  )
}
