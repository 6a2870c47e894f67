import type { JobSheet } from '../../src/publishing/sheet.ts'
import type { Html } from '../html.ts'
import { Confirm, LinkButton, NeedCard } from '../ui/index.tsx'
import { RetryButton, SendLate, UnconfirmedAnswers } from './answers.tsx'
import { Attempts } from './attempts.tsx'
import { cardWords } from './card-words.tsx'
import { FirstComment, PartsOut } from './parts.tsx'
import { drawnState } from './words.ts'

export interface StatusProps {
  workspace: { slug: string; zone: string }
  sheet: JobSheet
  maySchedule: boolean
  /** The answer to a poll: takes away what no longer fits beside the fragment. */
  polled?: boolean | undefined
}

const settled = new Set(['published', 'failed', 'unconfirmed', 'cancelled'])
/** From this long before its moment a page asks every second; earlier, a change is seen within five. */
const closeSeconds = 600

/** The part of a job's page that changes by itself, and a sign by which the next poll tells whether it has changed. */
export function JobStatus({ workspace, sheet, maySchedule, polled }: StatusProps): {
  status: Html
  seen: string
} {
  const { job, row } = sheet
  const base = `/w/${workspace.slug}`
  const body = (
    <>
      <StateCard workspace={workspace} sheet={sheet} maySchedule={maySchedule} />
      <PartsOut sheet={sheet} />
      <FirstComment base={base} sheet={sheet} />
      <Attempts attempts={job.attempts} zone={workspace.zone} said={job.error?.message} />
    </>
  )
  const seen = Bun.hash(body.markup).toString(36)
  const poll = settled.has(job.state)
    ? {}
    : {
        'hx-get': `${base}/publish-jobs/${job.id}/status?seen=${seen}`,
        'hx-trigger': job.state === 'publishing' || row.inSeconds < closeSeconds ? 'every 1s' : 'every 5s',
        'hx-swap': 'outerMorph',
      }
  const status = (
    <>
      <div class="column" id="job-status" aria-live="polite" {...poll}>
        {body}
      </div>
      {polled && !movable(job.state) && <hx-partial hx-target="#move" hx-swap="delete" />}
    </>
  )
  return { status, seen }
}

export const movable = (state: string): boolean => state === 'scheduled' || state === 'held'

function StateCard({ workspace, sheet, maySchedule }: Omit<StatusProps, 'polled'>): Html {
  const { job, row } = sheet
  const base = `/w/${workspace.slug}`
  const words = cardWords(sheet, workspace.zone, base)
  return (
    <NeedCard
      id="state"
      state={drawnState(row)}
      kicker={words.kicker}
      title={words.title}
      actions={
        <>
          {words.first}
          {maySchedule && <Actions base={base} sheet={sheet} />}
          {words.links}
          {!settled.has(job.state) && (
            <noscript>
              <LinkButton href={`${base}/publish-jobs/${row.id}`} variant="quiet" icon="refresh-cw">
                Look again
              </LinkButton>
            </noscript>
          )}
        </>
      }
    >
      {words.text}
      {words.help}
    </NeedCard>
  )
}

function Actions({ base, sheet: { job, row, perhaps } }: { base: string; sheet: JobSheet }): Html | null {
  const at = `${base}/publish-jobs/${job.id}`
  if (job.state === 'unconfirmed') return <UnconfirmedAnswers base={base} id={job.id} />
  if (job.state === 'failed') return <RetryButton base={base} id={job.id} />
  if (!movable(job.state)) return null
  return (
    <>
      {row.heldFor === 'late' && <SendLate base={base} id={job.id} />}
      {job.state === 'scheduled' && (
        <Confirm
          label="Publish now"
          icon="send"
          variant="plain"
          question="Send it now, instead of at its planned time?"
          action={`${at}/now`}
          yes="Publish now"
          yesVariant="main"
        />
      )}
      {!perhaps && (
        <LinkButton href="#move" icon="clock">
          Move
        </LinkButton>
      )}
      <Confirm
        label="Cancel"
        icon="ban"
        question="Cancel this job? The post itself stays, and can be planned again."
        action={`${at}/cancellation`}
        yes="Cancel the job"
      />
    </>
  )
}
