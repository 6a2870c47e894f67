import type { JobRow } from '../../src/publishing/rows.ts'
import type { Html } from '../html.ts'
import { whenWords } from '../publishing/words.ts'
import { Block, PlatformMark, Row, Rows, StateMark, Time } from '../ui/index.tsx'
import { accountName } from './words.ts'

/** Of each rule so many moments to come are listed, and nothing that was called off; its own page has the others. */
const mostOfRule = 2

function withoutFar(jobs: readonly JobRow[]): JobRow[] {
  const seen = new Map<string, Set<number>>()
  return jobs.filter(({ recurrenceId, state, runAt }) => {
    if (recurrenceId !== null && state === 'cancelled') return false
    if (recurrenceId === null || (state !== 'scheduled' && state !== 'held')) return true
    const moments = seen.get(recurrenceId) ?? new Set()
    seen.set(recurrenceId, moments.add(runAt.getTime()))
    return moments.size <= mostOfRule
  })
}

/** Where one piece goes or went, with the moment in the zone it was planned in. */
export function JobsOfPiece({
  base,
  zone,
  jobs,
}: {
  base: string
  zone: string
  jobs: readonly JobRow[]
}): Html | null {
  const listed = withoutFar(jobs)
  if (listed.length === 0) return null
  const all = [...new Map(jobs.map(({ account }) => [account.id, account])).values()]
  return (
    <Block title="Where it goes" id="jobs" more={{ href: `${base}/calendar`, label: 'Calendar' }}>
      <Rows label="Publish jobs">
        {listed.map(job => (
          <Row
            href={`${base}/publish-jobs/${job.id}`}
            title={<PlatformMark platform={job.account.platform} name={accountName(job.account, all)} />}
            meta={
              <>
                <Time at={job.runAt} zone={job.zone} />
                {job.zone !== zone && (
                  <>
                    {' · '}
                    <Time at={job.runAt} zone={zone} shape="time" />
                  </>
                )}
                {job.error && (job.state === 'failed' || job.state === 'unconfirmed') && (
                  <> · {job.error.message}</>
                )}
              </>
            }
            mark={<StateMark state={job.state}>{whenWords(job)}</StateMark>}
          />
        ))}
      </Rows>
    </Block>
  )
}
