import { dateIn, longDay } from '../../src/calendar/days.ts'
import type { JobRow } from '../../src/publishing/rows.ts'
import type { Html } from '../html.ts'
import { Icon, Line, ListHeading, PlatformMark, Row, Rows, StateMark, Time } from '../ui/index.tsx'
import { drawnState, firstWords, lateWords, whenWords } from './words.ts'

/** How a job stands, at the end of its line; being late is told by shape, word and colour of its own. */
export function JobMark({ job }: { job: JobRow }): Html {
  const told = whenWords(job)
  const words = told && <Parts words={told} />
  if (job.state !== 'scheduled' || !lateWords(job))
    return <StateMark state={drawnState(job)}>{words}</StateMark>
  return (
    <span class="mark failed">
      <Icon name="clock-alert" />
      <span>
        <span class="unseen">Scheduled: </span>
        {words}
      </span>
    </span>
  )
}

/** `waits for approval, late by 5 min`: each part on a line of its own at the end of a wide row. */
function Parts({ words }: { words: string }): Html {
  const parts = words.split(', ')
  return (
    <>
      {parts.map((part, at) => (
        <span class="mark-part">{at < parts.length - 1 ? `${part}, ` : part}</span>
      ))}
    </>
  )
}

/** A job as a line below its day's heading. */
function JobLine({ base, job, zone }: { base: string; job: JobRow; zone: string }): Html {
  const told = job.state === 'failed' || job.state === 'unconfirmed' ? job.error?.message : null
  return (
    <Row
      href={`${base}/publish-jobs/${job.id}`}
      lead={<Time at={job.runAt} zone={zone} shape="time" />}
      title={firstWords(job.text) || 'No words'}
      meta={<Line parts={[<PlatformMark platform={job.account.platform} name={job.account.name} />, told]} />}
      mark={<JobMark job={job} />}
    />
  )
}

/** The year beside a day's name, where it is not the one of `today`. */
export const yearBeside = (date: string, today: string): string | undefined =>
  date.slice(0, 4) === today.slice(0, 4) ? undefined : date.slice(0, 4)

/** Jobs in their order, under a heading for each day of the zone. `today` is a date there. */
export function JobsByDay({
  base,
  jobs,
  zone,
  today,
}: {
  base: string
  jobs: readonly JobRow[]
  zone: string
  today: string
}): Html {
  const days: { date: string; jobs: JobRow[] }[] = []
  for (const job of jobs) {
    const date = dateIn(job.runAt, zone)
    const last = days.at(-1)
    if (last?.date === date) last.jobs.push(job)
    else days.push({ date, jobs: [job] })
  }
  return (
    <>
      {days.map(day => (
        <>
          <ListHeading note={day.date === today ? 'today' : yearBeside(day.date, today)}>
            {longDay(day.date)}
          </ListHeading>
          <Rows label={longDay(day.date)}>
            {day.jobs.map(job => (
              <JobLine base={base} job={job} zone={zone} />
            ))}
          </Rows>
        </>
      ))}
    </>
  )
}
