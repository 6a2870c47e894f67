import type { Level } from '../../src/forecast/schema.ts'
import type { Html } from '../html.ts'
import { Icon } from '../ui/index.tsx'
import { weather } from './words.ts'

/** What the forecast says of a post, by shape, word and colour. */
export function ForecastMark({ level, children }: { level: Level; children?: string | undefined }): Html {
  const { words, icon, tone } = weather[level]
  return (
    <span class={`mark ${tone}`}>
      <Icon name={icon} />
      <span>
        {children && <span class="unseen">{words}: </span>}
        {children ?? words}
      </span>
    </span>
  )
}

/** How many of each level, as a line. Levels with none are left out. */
export function ForecastCounts({ counts }: { counts: Record<Level, number> }): Html {
  const told: [Level, string][] = [
    ['red', counts.red === 1 ? 'does not go out' : 'do not go out'],
    ['amber', counts.amber === 1 ? 'needs a look' : 'need a look'],
    ['green', 'clear'],
  ]
  return (
    <ul class="state-counts">
      {told
        .filter(([level]) => counts[level] > 0)
        .map(([level, words]) => (
          <li class={`mark ${weather[level].tone}`}>
            <Icon name={weather[level].icon} />
            <span>
              <span class="num">{counts[level]}</span> {words}
            </span>
          </li>
        ))}
    </ul>
  )
}
