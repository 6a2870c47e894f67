import type { Reading } from '../../src/analytics/find.ts'
import type { JobForecast } from '../../src/forecast/schema.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import { platforms } from '../../src/platforms/index.ts'
import { taken } from '../../src/platforms/parts.ts'
import type { JobSheet } from '../../src/publishing/sheet.ts'
import { JobForecastBlock } from '../forecast/findings.tsx'
import { type Html, safeUrl } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  Block,
  Columns,
  Meta,
  Notice,
  PageHead,
  PlatformMark,
  PreviewThread,
  Row,
  Rows,
  Time,
} from '../ui/index.tsx'
import { Holds } from './holds.tsx'
import { MoveForm } from './move.tsx'
import { Numbers } from './numbers.tsx'
import { JobMark } from './rows.tsx'
import { Assurance } from './seal.tsx'
import { JobStatus, movable } from './status.tsx'
import { firstWords, minutesWords } from './words.ts'

export interface JobPageProps {
  frame: Frame
  sheet: JobSheet
  readings: readonly Reading[]
  forecast: JobForecast | null
  maySchedule: boolean
  /** Its account has weekly slots. */
  hasSlots: boolean
  rejected?: Rejected | undefined
}

/** One publish job: what goes out, when, how it stands, what was tried, and what can be done about it. */
export function JobPage({
  frame,
  sheet,
  readings,
  forecast,
  maySchedule,
  hasSlots,
  rejected,
}: JobPageProps): Html {
  const { job, row } = sheet
  const post = taken(sheet.post, platforms[row.account.platform])
  const { workspace } = frame
  const base = `/w/${workspace.slug}`
  const title = firstWords(post.text, 70) || 'A post without words'
  const { status } = JobStatus({ workspace, sheet, maySchedule })
  // Only the time form has fields; what was wrong about a button is told above the page.
  const ofForm = rejected && (rejected.values.local !== undefined || rejected.values.zone !== undefined)
  return (
    <Layout {...frame} title={title} live={['publish_job', 'account']}>
      <PageHead
        back={
          job.firstCommentOf
            ? { href: `${base}/publish-jobs/${job.firstCommentOf}`, label: 'The post' }
            : { href: `${base}/calendar?month=${monthOf(row.local)}`, label: 'Calendar' }
        }
        title={title}
        note={job.firstCommentOf && 'First comment. Whatever becomes of it, the post is out.'}
      />
      <Columns
        aside={
          <>
            <PreviewThread
              platform={row.account.platform}
              account={row.account}
              text={post.text}
              images={imagesOf(base, post.images)}
              when={<Time at={job.publishedAt ?? job.runAt} zone={workspace.zone} />}
              parts={post.thread.map(part => ({ text: part.text, images: imagesOf(base, part.images) }))}
              comment={post.firstComment ? { text: post.firstComment } : null}
            />
            {job.state === 'published' && (
              <Numbers readings={readings} zone={workspace.zone} platform={row.account.platform} />
            )}
            <Siblings base={base} sheet={sheet} />
          </>
        }
      >
        {rejected && !ofForm && (
          <Notice kind="bad">
            {rejected.errors.remoteUrl
              ? `Not noted: its address ${rejected.errors.remoteUrl}, beginning with https://.`
              : rejected.message}
          </Notice>
        )}
        {status}
        <JobForecastBlock base={base} forecast={forecast} />
        <Assurance
          seal={sheet.seal}
          back={job.readBack}
          zone={workspace.zone}
          receipt={job.state === 'published' ? `${base}/publish-jobs/${job.id}/receipt` : null}
        />
        {maySchedule && movable(job.state) && !sheet.perhaps && (
          <MoveForm
            base={base}
            row={row}
            zone={workspace.zone}
            own={job.lateMinutes}
            usual={workspace.lateMinutes}
            hasSlots={hasSlots}
            rejected={ofForm ? rejected : undefined}
          />
        )}
        <Holds holds={sheet.holds} zone={workspace.zone} />
        <Facts base={base} sheet={sheet} usual={workspace.lateMinutes} />
      </Columns>
    </Layout>
  )
}

/** `Tue 17 Nov 2026, 09:00`: the wall time as it was planned. */
const spokenLocal = (local: string): string =>
  Temporal.PlainDateTime.from(local).toLocaleString('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  })

const imagesOf = (
  base: string,
  images: readonly { id: string; alt: string; width: number; height: number }[],
) => images.map(({ id, alt, width, height }) => ({ src: `${base}/media/${id}/file`, alt, width, height }))

const monthOf = (local: string): string => local.slice(0, 7)

function Siblings({ base, sheet }: { base: string; sheet: JobSheet }): Html | null {
  if (sheet.siblings.length === 0) return null
  return (
    <Block title="The same post elsewhere">
      <Rows>
        {sheet.siblings.map(other => (
          <Row
            href={`${base}/publish-jobs/${other.id}`}
            title={<PlatformMark platform={other.account.platform} name={other.account.name} />}
            meta={<Time at={other.runAt} zone={other.zone} />}
            mark={<JobMark job={other} />}
          />
        ))}
      </Rows>
    </Block>
  )
}

function Facts({ base, sheet, usual }: { base: string; sheet: JobSheet; usual: number }): Html {
  const { job, row, version, approved } = sheet
  return (
    <Block title="Facts">
      <Meta
        items={[
          {
            term: 'Account',
            value: (
              <a href={`${base}/accounts/${row.account.id}`}>
                <PlatformMark platform={row.account.platform} name={row.account.name} />
              </a>
            ),
          },
          { term: 'Planned for', value: `${spokenLocal(job.local)}, ${job.zone}` },
          {
            term: 'Repeats',
            value: job.recurrenceId && (
              <a href={`${base}/recurrences/${job.recurrenceId}`}>By a rule: see what is to come</a>
            ),
          },
          { term: 'Planned by', value: sheet.plannedBy },
          {
            term: 'If it is late',
            value: movable(job.state) && `asks when more than ${minutesWords(job.lateMinutes ?? usual)} late`,
          },
          {
            term: 'Version',
            value: (
              <a href={`${base}/content/${row.contentId}`}>
                {version.number === version.of ? `${version.number}` : `${version.number} of ${version.of}`}
              </a>
            ),
          },
          {
            term: 'Approved by',
            value: !sheet.seal.at && approved && (approved.by ?? 'somebody who has left'),
          },
          {
            term: 'Address',
            value: job.remoteUrl && (
              <a href={safeUrl(job.remoteUrl)} rel="noreferrer" target="_blank">
                {job.remoteUrl.replace(/^https?:\/\//, '')}
              </a>
            ),
          },
          { term: 'Id there', value: job.remoteId },
        ]}
      />
    </Block>
  )
}
