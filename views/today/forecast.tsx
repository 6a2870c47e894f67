import type { Forecast } from '../../src/forecast/schema.ts'
import { ForecastCounts } from '../forecast/mark.tsx'
import type { Html } from '../html.ts'
import { Time } from '../ui/index.tsx'

/** How the next seven days look, in a line below them; nothing before the first forecast. */
export function ForecastLine({
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
    <div class="outlook">
      <ForecastCounts counts={head.counts} />
      <small>
        <a href={`${base}/forecast`}>Forecast</a> of <Time at={head.madeAt} zone={zone} />
      </small>
    </div>
  )
}
