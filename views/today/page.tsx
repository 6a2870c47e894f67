import type { BrakeChoices } from '../../src/brakes/find.ts'
import { dateIn, longDay, shortDay } from '../../src/calendar/days.ts'
import type { Departure, Today } from '../../src/calendar/today.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { JobRow } from '../../src/publishing/rows.ts'
import { BrakeFields } from '../brakes/form.tsx'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { JobMark, yearBeside } from '../publishing/rows.tsx'
import { drawnState, firstWords, lateWords, plural, span, stuck } from '../publishing/words.ts'
import {
  Block,
  Columns,
  Dialog,
  DialogLink,
  EmptyState,
  Line,
  LinkButton,
  ListHeading,
  Notice,
  Plate,
  PlatformMark,
  Row,
  Rows,
  Strip,
  Time,
  zoneName,
} from '../ui/index.tsx'
import { FirstSteps } from './first-steps.tsx'
import { ForecastLine } from './forecast.tsx'
import { NeedsYou } from './needs.tsx'

export interface TodayPageProps {
  frame: Frame
  today: Today
  maySchedule: boolean
  mayConnect: boolean
  /** What a brake could be put on; null for roles that may use none. */
  brakeChoices: BrakeChoices | null
}

/** The workspace's front page: what went out, what is next, and what asks for this person. */
export function TodayPage({ frame, today, maySchedule, mayConnect, brakeChoices }: TodayPageProps): Html {
  const { workspace } = frame
  const base = `/w/${workspace.slug}`
  return (
    <Layout {...frame} title="Today" live={['publish_job', 'content', 'account', 'comment', 'forecast']}>
      <Plate
        name={workspace.name}
        tools={
          brakeChoices && (
            <DialogLink href={`${base}/brakes#new`} dialog="brake" icon="pause">
              Brake
            </DialogLink>
          )
        }
      >
        {ear(today, workspace.zone)}
      </Plate>
      {brakeChoices && <BrakeDialog base={base} choices={brakeChoices} />}
      {today.overdue.count > 0 && <Overdue base={base} overdue={today.overdue} />}
      <Columns asideFirst aside={<NeedsYou base={base} needs={today.needs} zone={workspace.zone} />}>
        {today.firstSteps ? (
          <FirstSteps
            base={base}
            steps={today.firstSteps}
            maySchedule={maySchedule}
            mayConnect={mayConnect}
          />
        ) : (
          <>
            <NextOut frame={frame} today={today} />
            <WeekAhead base={base} today={today} zone={workspace.zone} />
          </>
        )}
      </Columns>
    </Layout>
  )
}

/** What the button that holds opens; without scripts it leads to the page with the same form. */
function BrakeDialog({ base, choices }: { base: string; choices: BrakeChoices }): Html {
  return (
    <Dialog id="brake" title="Hold what is planned">
      <BrakeFields base={base} choices={choices} rejected={null} id="dialog" />
      <p class="brake-foot">
        <a href={`${base}/brakes`}>All brakes, on and off</a>
      </p>
    </Dialog>
  )
}

/** What should have gone out by now and has not. */
function Overdue({ base, overdue }: { base: string; overdue: Today['overdue'] }): Html {
  const one = overdue.count === 1
  return (
    <Notice
      kind="warn"
      title={one ? 'One post is late' : `${overdue.count} posts are late`}
      actions={
        <LinkButton href={`${base}/publish-jobs?state=scheduled`} size="small">
          Look at {one ? 'it' : 'them'}
        </LinkButton>
      }
    >
      {one ? 'By' : 'The oldest by'} {span(overdue.seconds)}. What is late goes out by itself, one after
      another on each account; what is too late asks first.
    </Notice>
  )
}

function NextOut({ frame, today }: { frame: Frame; today: Today }): Html {
  const { workspace } = frame
  const base = `/w/${workspace.slug}`
  return (
    <Block title="Next out" more={{ href: `${base}/calendar`, label: 'Calendar' }}>
      {today.next.length > 0 ? (
        byDate(today.next, workspace.zone).map(({ date, departures }, index) => (
          <>
            {/* Today needs no heading, unless something of an earlier day stands above it. */}
            {(date !== today.ahead[0]?.date || index > 0) && (
              <ListHeading note={yearBeside(date, today.ahead[0]?.date ?? '')}>{longDay(date)}</ListHeading>
            )}
            <Rows label={longDay(date)}>
              {departures.map(departure => (
                <DepartureLine base={base} departure={departure} zone={workspace.zone} />
              ))}
            </Rows>
          </>
        ))
      ) : (
        <EmptyState
          icon="clock"
          title="Nothing is planned"
          action={
            frame.canWrite && (
              <LinkButton href={`${base}/content/new`} icon="plus">
                New post
              </LinkButton>
            )
          }
        >
          Whatever you schedule appears here, the next one first.
        </EmptyState>
      )}
    </Block>
  )
}

function WeekAhead({ base, today, zone }: { base: string; today: Today; zone: string }): Html {
  return (
    <Block title="The week ahead">
      <Strip
        label="The week ahead"
        days={today.ahead.map(({ date, jobs }, index) => ({
          label: shortDay(date),
          href: `${base}/calendar?view=list&month=${date.slice(0, 7)}&day=${date}`,
          today: index === 0,
          states: jobs.slice(0, mostDots).map(drawnState),
          note: dayNote(jobs),
        }))}
      />
      <ForecastLine base={base} zone={zone} head={today.forecast} />
    </Block>
  )
}

const mostDots = 18

/** The two lines at the end of the masthead. */
function ear({ week, next }: Today, zone: string): string {
  const out =
    week.out === 0
      ? 'Nothing went out this week yet'
      : `${week.out} went out this week, ${week.late === 0 ? 'all on time' : `${week.late} late`}`
  const [first] = next
    .map(({ jobs }) => jobs[0])
    .filter(job => job.state === 'scheduled' && job.account.works && job.inSeconds > 0)
  if (!first) return out
  const soon = first.inSeconds < 24 * 3600
  const at = first.runAt.toLocaleString('en-GB', {
    ...(soon ? {} : { weekday: 'short', day: 'numeric', month: 'short' }),
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
  })
  return `${out}\nNext: ${at} ${zoneName(zone)}, in ${span(first.inSeconds)}`
}

function DepartureLine({
  base,
  departure,
  zone,
}: {
  base: string
  departure: Departure
  zone: string
}): Html {
  const { jobs } = departure
  const [first] = jobs
  const worst =
    jobs.find(job => job.state === 'held') ?? jobs.find(job => stuck(job) || lateWords(job)) ?? first
  return (
    <Row
      href={`${base}/publish-jobs/${worst.id}`}
      lead={<Time at={first.runAt} zone={zone} shape="time" />}
      title={firstWords(first.text) || 'No words'}
      meta={
        <Line
          parts={jobs.map(({ account }) => (
            <PlatformMark platform={account.platform} name={jobs.length === 1 ? account.name : undefined} />
          ))}
        />
      }
      mark={<JobMark job={worst} />}
    />
  )
}

function byDate(departures: readonly Departure[], zone: string): { date: string; departures: Departure[] }[] {
  const days = new Map<string, Departure[]>()
  for (const departure of departures) {
    const date = dateIn(departure.jobs[0].runAt, zone)
    days.set(date, [...(days.get(date) ?? []), departure])
  }
  return [...days].map(([date, list]) => ({ date, departures: list }))
}

/** What is wrong on a day, in few words. */
function dayNote(jobs: readonly JobRow[]): { tone: 'failed' | 'unsure' | 'held'; text: string } | undefined {
  const count = (test: (job: JobRow) => boolean) => jobs.filter(test).length
  const failed = count(job => job.state === 'failed')
  const reconnect = count(job => job.heldFor === 'reconnect' || stuck(job))
  const unsure = count(job => job.state === 'unconfirmed')
  const held = count(job => job.heldFor === 'approval')
  if (failed > 0) return { tone: 'failed', text: `${failed} failed` }
  if (reconnect > 0) return { tone: 'failed', text: `${reconnect} cannot go: reconnect` }
  const missed = count(job => job.heldFor === 'late')
  if (missed > 0) return { tone: 'failed', text: `${missed} not sent` }
  const late = count(job => lateWords(job) !== null)
  if (late > 0) return { tone: 'failed', text: `${late} late` }
  if (unsure > 0) return { tone: 'unsure', text: `${unsure} unconfirmed` }
  const braked = count(job => job.heldFor === 'brake')
  if (braked > 0) return { tone: 'held', text: `${braked} held by a brake` }
  if (held > 0) return { tone: 'held', text: `${plural(held, 'waits', 'wait')} for approval` }
  return undefined
}
