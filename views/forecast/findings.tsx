import type { Finding, JobForecast } from '../../src/forecast/schema.ts'
import type { Html } from '../html.ts'
import { Block, Row, Rows } from '../ui/index.tsx'
import { ForecastMark } from './mark.tsx'

/** What a link to a cure is called, by where it leads. */
const places = {
  accounts: 'Open the account',
  content: 'Open the post',
  'publish-jobs': 'Open the job',
  brakes: 'Open the brakes',
} as const

/** Where a finding's cure is done. @param here the path that the reader is on already */
function cureLink(base: string, path: string | null, here: string | null): Html | null {
  const place = path?.split('/')[1]
  if (path === null || path === here || !place || !Object.hasOwn(places, place)) return null
  return <a href={`${base}${path}`}>{places[place as keyof typeof places]}</a>
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
