import type { Finding, JobForecast } from '../../src/forecast/schema.ts'
import type { Html } from '../html.ts'
import { Block, Row, Rows } from '../ui/index.tsx'
import { ForecastMark } from './mark.tsx'

/** Where a finding's cure is done, in a word. */
function cureLink(base: string, path: string | null, here: string | null): Html | null {
  if (path === null || path === here) return null
  const words = path.startsWith('/accounts')
    ? 'Open the account'
    : path.startsWith('/content')
      ? 'Open the post'
      : 'Open the job'
  return <a href={`${base}${path}`}>{words}</a>
}

/** Reasons and cures. @param here the path that the reader is on already */
export function Findings({
  base,
  findings,
  here = null,
}: {
  base: string
  findings: readonly Finding[]
  here?: string | null
}): Html {
  return (
    <ul class="findings">
      {findings.map(({ level, reason, cure, path }) => (
        <li>
          <ForecastMark level={level}>{reason}</ForecastMark>
          <p dir="auto">
            {cure} {cureLink(base, path, here)}
          </p>
        </li>
      ))}
    </ul>
  )
}

/** The forecast on a job's own page; nothing where it has not looked. */
export function JobForecastBlock({
  base,
  forecast,
}: {
  base: string
  forecast: JobForecast | null
}): Html | null {
  if (!forecast) return null
  return (
    <Block title="Forecast" more={{ href: `${base}/forecast`, label: 'The next seven days' }}>
      {forecast.findings.length > 0 ? (
        <Findings base={base} findings={forecast.findings} here={`/publish-jobs/${forecast.jobId}`} />
      ) : (
        <Rows>
          <Row
            title={<ForecastMark level="green" />}
            meta="Rehearsed without sending: account, approval, words and pictures."
          />
        </Rows>
      )}
    </Block>
  )
}
