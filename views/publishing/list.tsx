import type { Frame } from '../../src/http/desk.ts'
import type { JobRow } from '../../src/publishing/rows.ts'
import { type JobState, jobStates } from '../../src/publishing/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { EmptyState, LinkButton, PageHead, Pager, states, Tabs } from '../ui/index.tsx'
import { JobsByDay } from './rows.tsx'
import { plural } from './words.ts'

export interface JobListProps {
  frame: Frame
  view: { state?: JobState | undefined; after?: string | undefined }
  jobs: { items: JobRow[]; next: string | null }
  counts: Partial<Record<JobState, number>>
  /** Today's date in the workspace's zone. */
  today: string
}

/** Every publish job there is, or those of one state; the latest moment first. */
export function JobListPage({ frame, view, jobs, counts, today }: JobListProps): Html {
  const base = `/w/${frame.workspace.slug}`
  const here = `${base}/publish-jobs`
  const of = view.state ? `state=${view.state}&` : ''
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const title = view.state ? `${states[view.state].words} jobs` : 'Publish jobs'
  return (
    <Layout {...frame} title={title}>
      <PageHead
        title={title}
        back={{ href: `${base}/calendar`, label: 'Calendar' }}
        note={plural(view.state ? (counts[view.state] ?? 0) : all, 'job')}
        tabs={
          <Tabs
            label="State"
            items={[
              { href: here, label: 'All', current: !view.state, count: all },
              ...jobStates
                .filter(state => counts[state] || state === view.state)
                .map(state => ({
                  href: `${here}?state=${state}`,
                  label: states[state].words,
                  current: state === view.state,
                  count: counts[state] ?? 0,
                })),
            ]}
          />
        }
      />
      {jobs.items.length > 0 ? (
        <JobsByDay base={base} jobs={jobs.items} zone={frame.workspace.zone} today={today} />
      ) : (
        <EmptyState
          icon="calendar-days"
          title={
            view.state ? `Nothing is ${states[view.state].words.toLowerCase()}` : 'Nothing is planned yet'
          }
          action={
            <LinkButton href={view.state ? here : `${base}/content`} variant={view.state ? 'plain' : 'main'}>
              {view.state ? 'All jobs' : 'Choose a post to schedule'}
            </LinkButton>
          }
        >
          {view.state
            ? 'No job is in this state just now.'
            : 'A job appears here as soon as a post is scheduled to an account.'}
        </EmptyState>
      )}
      <Pager
        next={jobs.next && `${here}?${of}after=${encodeURIComponent(jobs.next)}`}
        first={view.after && `${here}?${of}`.replace(/[?&]$/, '')}
        label="Earlier"
      />
    </Layout>
  )
}
