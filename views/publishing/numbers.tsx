import type { Reading } from '../../src/analytics/find.ts'
import type { PlatformId } from '../../src/platforms/platform.ts'
import type { Html } from '../html.ts'
import { Block, Figures, platforms, Table, Time } from '../ui/index.tsx'

const metrics = ['likes', 'reposts', 'replies', 'quotes'] as const
const names = { likes: 'Likes', reposts: 'Reposts', replies: 'Replies', quotes: 'Quotes' }
const shownRows = 6

/** The networks that tell how a post does; the others have no such numbers to ask for. */
const counting = new Set<PlatformId>(['bluesky', 'mastodon'])

/** How a post does: the latest numbers large, and how they came to be. */
export function Numbers({
  readings,
  zone,
  platform,
}: {
  readings: readonly Reading[]
  zone: string
  platform: PlatformId
}): Html | null {
  const latest = readings.at(-1)
  if (!latest)
    return counting.has(platform) ? (
      <Block title="How it does" note={`${platforms[platform].name} is asked for numbers within minutes.`} />
    ) : null
  const known = metrics.filter(metric => readings.some(({ counts }) => counts[metric] !== undefined))
  const changes = readings.filter((reading, index) => {
    const before = readings[index - 1]
    return !before || known.some(metric => before.counts[metric] !== reading.counts[metric])
  })
  return (
    <Block
      title="How it does"
      note={
        <>
          Counted <Time at={latest.at} zone={zone} />
        </>
      }
    >
      <Figures items={known.map(metric => ({ label: names[metric], value: latest.counts[metric] ?? 0 }))} />
      {changes.length > 1 && (
        <details class="raw">
          <summary>How it grew</summary>
          <Table
            caption="Numbers over time"
            columns={[{ head: 'Counted' }, ...known.map(metric => ({ head: names[metric], number: true }))]}
            rows={changes
              .slice(-shownRows)
              .reverse()
              .map(({ at, counts }) => [
                <Time at={at} zone={zone} />,
                ...known.map(metric => counts[metric] ?? ''),
              ])}
          />
        </details>
      )}
    </Block>
  )
}
