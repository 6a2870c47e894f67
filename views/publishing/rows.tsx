import type { JobRow } from '../../src/publishing/rows.ts'
import type { Html } from '../html.ts'
import { Line, PlatformMark, Row, StateMark, Time } from '../ui/index.tsx'
import { drawnState, firstWords, whenWords } from './words.ts'

/** How a job stands, in the place of a line's mark. */
export function JobMark({ job }: { job: JobRow }): Html {
  return <StateMark state={drawnState(job)}>{whenWords(job)}</StateMark>
}

/** A job as a line of a list. `shape` is how much of its moment stands in front: `time` under a day's heading. */
export function JobLine({
  base,
  job,
  zone,
  shape = 'moment',
}: {
  base: string
  job: JobRow
  zone: string
  shape?: 'time' | 'moment' | undefined
}): Html {
  const told = job.state === 'failed' || job.state === 'unconfirmed' ? job.error?.message : null
  return (
    <Row
      href={`${base}/publish-jobs/${job.id}`}
      lead={<Time at={job.runAt} zone={zone} shape={shape} />}
      title={firstWords(job.text) || 'No words'}
      meta={<Line parts={[<PlatformMark platform={job.account.platform} name={job.account.name} />, told]} />}
      mark={<JobMark job={job} />}
    />
  )
}
