import type { Warned } from '../../src/forecast/find.ts'
import type { Forecast } from '../../src/forecast/schema.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { firstWords } from '../publishing/words.ts'
import {
  ActionButton,
  Block,
  EmptyState,
  Line,
  PageHead,
  PlatformMark,
  Row,
  Rows,
  Time,
} from '../ui/index.tsx'
import { Findings } from './findings.tsx'
import { ForecastCounts } from './mark.tsx'

export interface ForecastPageProps {
  frame: Frame
  /** null before the first one. */
  head: Omit<Forecast, 'jobs'> | null
  warned: readonly Warned[]
  maySchedule: boolean
}

/** The next seven days, rehearsed: what needs a look, why, and what to do about it. */
export function ForecastPage({ frame, head, warned, maySchedule }: ForecastPageProps): Html {
  const { workspace } = frame
  const base = `/w/${workspace.slug}`
  const look = maySchedule && (
    <ActionButton action={`${base}/forecast`} icon="refresh-cw">
      {head ? 'Look again now' : 'Look now'}
    </ActionButton>
  )
  const red = warned.filter(({ findings }) => findings.some(({ level }) => level === 'red'))
  const amber = warned.filter(one => !red.includes(one))
  return (
    <Layout {...frame} title="Forecast" live={['publish_job', 'content', 'account', 'forecast']}>
      <PageHead
        back={{ href: `${base}/calendar`, label: 'Calendar' }}
        title="Forecast"
        note={
          head && (
            <>
              looked at <Time at={head.madeAt} zone={workspace.zone} />
            </>
          )
        }
        actions={head && look}
      />
      {!head && (
        <EmptyState icon="cloud-sun" title="Nobody has looked ahead yet" action={look}>
          Each night at five every post of the next seven days is rehearsed without sending it: does the
          account work, is it approved, does it fit, are its pictures there.
        </EmptyState>
      )}
      <div class="column">
        {head && <ForecastCounts counts={head.counts} />}
        {head && warned.length === 0 && (
          <EmptyState icon="sun" title="Nothing in the way">
            Every post of the next seven days goes out as it is. What is planned or changed from now on is
            looked at tonight.
          </EmptyState>
        )}
        <WarnedList title="Does not go out as it is" base={base} zone={workspace.zone} warned={red} />
        <WarnedList title="Needs a look" base={base} zone={workspace.zone} warned={amber} />
      </div>
    </Layout>
  )
}

function WarnedList({
  title,
  base,
  zone,
  warned,
}: {
  title: string
  base: string
  zone: string
  warned: readonly Warned[]
}): Html | null {
  if (warned.length === 0) return null
  return (
    <Block title={title}>
      <Rows label={title}>
        {groups(warned).map(([first, ...others]) => (
          <Row
            title={
              <a href={`${base}/publish-jobs/${first.job.id}`}>{firstWords(first.job.text) || 'No words'}</a>
            }
            meta={
              <>
                <Line
                  parts={[
                    <Time at={first.job.runAt} zone={zone} />,
                    ...[first, ...others].map(({ job: { account } }) => (
                      <PlatformMark platform={account.platform} name={account.name} />
                    )),
                  ]}
                />
                <Findings base={base} findings={first.findings} />
              </>
            }
          />
        ))}
      </Rows>
    </Block>
  )
}

/** One post that goes to several accounts and has the same trouble everywhere is one line. */
function groups(warned: readonly Warned[]): [Warned, ...Warned[]][] {
  const found = new Map<string, [Warned, ...Warned[]]>()
  for (const one of warned) {
    const { job, findings } = one
    const key = JSON.stringify([job.contentId, job.runAt.getTime(), findings.map(({ reason }) => reason)])
    const group = found.get(key)
    if (group) group.push(one)
    else found.set(key, [one])
  }
  return [...found.values()]
}
