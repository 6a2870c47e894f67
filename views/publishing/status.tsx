import type { JobSheet } from '../../src/publishing/sheet.ts'
import { type Html, safeUrl } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Confirm, LinkButton, NeedCard, platforms, Time } from '../ui/index.tsx'
import { RetryButton, UnconfirmedAnswers } from './answers.tsx'
import { Attempts } from './attempts.tsx'
import { drawnState, lateWords, span, stuck, whenWords } from './words.ts'

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
    </NeedCard>
  )
}

function Actions({ base, sheet: { job } }: { base: string; sheet: JobSheet }): Html | null {
  const at = `${base}/publish-jobs/${job.id}`
  if (job.state === 'unconfirmed') return <UnconfirmedAnswers base={base} id={job.id} />
  if (job.state === 'failed') return <RetryButton base={base} id={job.id} />
  if (!movable(job.state)) return null
  return (
    <>
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
      <LinkButton href="#move" icon="clock">
        Move
      </LinkButton>
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

interface Words {
  kicker: string
  title: Child
  text?: Child
  links?: Child
}

function cardWords({ job, row, profileUrl }: JobSheet, zone: string, base: string): Words {
  const late = lateWords(row)
  const planned = <Time at={row.runAt} zone={row.zone} />
  const elsewhere = row.zone !== zone && (
    <p>
      That is <Time at={row.runAt} zone={zone} />.
    </p>
  )
  const network = platforms[row.account.platform].name
  const profile = profileUrl && (
    <LinkButton
      href={safeUrl(profileUrl)}
      variant="quiet"
      icon="external-link"
      rel="noreferrer"
      target="_blank"
    >
      Look at {row.account.handle}
    </LinkButton>
  )
  const post = (
    <LinkButton href={`${base}/content/${row.contentId}`} variant="quiet" icon="pen-line">
      Open the post
    </LinkButton>
  )
  const reconnect = (
    <LinkButton href={`${base}/accounts/${row.account.id}`} variant="main" icon="plug-zap">
      Reconnect
    </LinkButton>
  )
  const error = job.error && {
    next: <p dir="auto">{job.error.next}</p>,
    link: job.error.link && (
      <LinkButton href={ownOrSafe(job.error.link)} variant="quiet" icon="external-link">
        What that means
      </LinkButton>
    ),
  }
  switch (job.state) {
    case 'scheduled':
      return {
        kicker: `Scheduled: ${whenWords(row) ?? ''}`,
        title: <>Goes out {planned}</>,
        text: (
          <>
            {elsewhere}
            {late && !stuck(row) && !row.nextTryAt && (
              <p>
                Nothing has begun to send it yet. Posts go out within a second of their time, so if this stays
                so, ask whoever runs this server to look at it.
              </p>
            )}
            {stuck(row) && (
              <p>{row.account.name} has to be connected again, or it cannot go out. It waits for that.</p>
            )}
            {row.nextTryAt && job.attempts.length > 0 && (
              <p>
                {job.error?.message ?? 'It did not work yet.'} The next try is at{' '}
                <Time at={row.nextTryAt} zone={zone} shape="time" />.
              </p>
            )}
          </>
        ),
        links: (
          <>
            {stuck(row) && reconnect}
            {post}
          </>
        ),
      }
    case 'publishing':
      return {
        kicker: late ? `Publishing, ${late}` : 'Publishing',
        title: `Going out to ${network} now`,
        text: <p>It can no longer be stopped. This page follows it.</p>,
      }
    case 'published': {
      const delay = row.publishedAt ? (row.publishedAt.getTime() - row.runAt.getTime()) / 1000 : 0
      return {
        kicker: delay > 60 ? `Published, ${span(delay)} after its time` : 'Published, on time',
        title: <>Went out {row.publishedAt ? <Time at={row.publishedAt} zone={row.zone} /> : planned}</>,
        text: !job.remoteUrl && <p>{network} gives no public address for it.</p>,
        links: (
          <>
            {job.remoteUrl && (
              <LinkButton
                href={ownOrSafe(job.remoteUrl)}
                variant="main"
                icon="external-link"
                rel="noreferrer"
                target="_blank"
              >
                See it on {network === 'Own feed' ? 'the feed' : network}
              </LinkButton>
            )}
            {post}
          </>
        ),
      }
    }
    case 'held':
      return {
        kicker: `Held: ${whenWords(row) ?? 'waiting'}`,
        title: <>Planned for {planned}</>,
        text: (
          <>
            {elsewhere}
            <p>
              {row.heldFor === 'approval'
                ? 'It goes out once this version is approved.'
                : `${row.account.name} has to be connected again; then it goes out. ${job.error?.message ?? ''}`}
            </p>
          </>
        ),
        links: row.heldFor === 'approval' ? post : reconnect,
      }
    case 'failed':
      return {
        kicker: 'Failed',
        title: job.error?.message ?? 'It did not go out.',
        text: error?.next,
        links: (
          <>
            {error?.link}
            {post}
          </>
        ),
      }
    case 'unconfirmed':
      return {
        kicker: 'Did this go out?',
        title: job.error?.message ?? `${network} stopped answering while we were sending it.`,
        text: error?.next ?? <p>Have a look, then tell us. We do not send it twice without you.</p>,
        links: (
          <>
            {profile}
            {error?.link}
          </>
        ),
      }
    default:
      return {
        kicker: 'Cancelled',
        title: <>Was planned for {planned}</>,
        text: <p>It does not go out. The post is still there, and can be planned again.</p>,
        links: post,
      }
  }
}

/** A page of ours, or a link that is safe to follow. */
const ownOrSafe = (link: string): string => (/^\/(?![/\\])/.test(link) ? link : safeUrl(link))
