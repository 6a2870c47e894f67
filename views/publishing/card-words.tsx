import { outsideWindow } from '../../src/approvals/schema.ts'
import { waitsForLimit } from '../../src/publishing/schema.ts'
import type { JobSheet } from '../../src/publishing/sheet.ts'
import { safeUrl } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { LinkButton, platforms, Time } from '../ui/index.tsx'
import { lateWords, saidByPerson, span, stuck, whenWords } from './words.ts'

/** What a job's card says: its state and question, what it is about, what happens next, where to look. */
export interface Words {
  kicker: string
  title: Child
  text?: Child
  /** What it waits for: before what else can be done with it. */
  first?: Child
  links?: Child
  /** The page about the failure that it tells of. */
  help?: Child
}

export function cardWords(
  { job, row, profileUrl, perhaps, seal }: JobSheet,
  zone: string,
  base: string,
): Words {
  const late = lateWords(row)
  const planned = <Time at={row.runAt} zone={row.zone} />
  const elsewhere = row.zone !== zone && (
    <p>
      That is <Time at={row.runAt} zone={zone} />.
    </p>
  )
  const network = platforms[row.account.platform].name
  const look = profileUrl ? (
    <LinkButton
      href={safeUrl(profileUrl)}
      variant="quiet"
      icon="external-link"
      rel="noreferrer"
      target="_blank"
    >
      Look at {row.account.handle}
    </LinkButton>
  ) : (
    <LinkButton href={`${base}/accounts/${row.account.id}`} variant="quiet" icon="search">
      Look at the account
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
  const unsure = perhaps ? (
    <p>It may be out already: an answer was lost. The next try finds out; until then it cannot be moved.</p>
  ) : null
  const misplaced = job.error?.code === outsideWindow ? job.error : null
  const limited = job.error?.code === waitsForLimit
  const error = job.error && {
    next: <p dir="auto">{job.error.next}</p>,
    link: job.error.link && (
      <p class="need-help">
        <a href={ownOrSafe(job.error.link)}>What that means</a>
      </p>
    ),
  }
  switch (job.state) {
    case 'scheduled':
      return {
        kicker: `Scheduled: ${whenWords(row) ?? ''}`,
        title: late ? <>Was planned for {planned}</> : <>Goes out {planned}</>,
        text: (
          <>
            {elsewhere}
            {row.nextTryAt && limited && (
              <p>
                It waits for {network}’s limit until <Time at={row.nextTryAt} zone={zone} shape="time" />: no
                more is taken from here before. It goes out by itself then.
              </p>
            )}
            {row.nextTryAt && !limited && job.attempts.length === 0 && (
              <p>
                It is late, and others for {row.account.name} are too: they go out one after another. This one
                has its turn at <Time at={row.nextTryAt} zone={zone} shape="time" />.
              </p>
            )}
            {late && !stuck(row) && !row.nextTryAt && (
              <p>
                Nothing has begun to send it yet. Posts go out within a second of their time, so if this stays
                so, ask whoever runs this server to look at it.
              </p>
            )}
            {stuck(row) && (
              <p>{row.account.name} has to be connected again, or it cannot go out. It waits for that.</p>
            )}
            {row.nextTryAt && !limited && job.attempts.length > 0 && (
              <p>
                {job.error?.message ?? 'It did not work yet.'} The next try is at{' '}
                <Time at={row.nextTryAt} zone={zone} shape="time" />.
              </p>
            )}
            {unsure}
          </>
        ),
        first: stuck(row) && reconnect,
        links: post,
        help: row.nextTryAt && error?.link,
      }
    case 'publishing':
      return {
        kicker: late ? `Publishing, ${late}` : 'Publishing',
        title: `Going out to ${network} now`,
        text: <p>It can no longer be stopped. This page follows it.</p>,
      }
    case 'published': {
      const said = saidByPerson(job)
      const delay = row.publishedAt ? (row.publishedAt.getTime() - row.runAt.getTime()) / 1000 : 0
      return {
        kicker: said
          ? 'Published: somebody found it there'
          : delay > 60
            ? `Published, ${span(delay)} after its time`
            : 'Published, on time',
        title: (
          <>
            {said ? 'Found there' : 'Went out'}{' '}
            {row.publishedAt ? <Time at={row.publishedAt} zone={row.zone} /> : planned}
          </>
        ),
        text: (
          <>
            {said && <p>It was planned for {planned}. When exactly it went out, nobody saw.</p>}
            {!job.remoteUrl && (
              <p>{said ? 'Its address was not noted.' : `${network} gives no public address for it.`}</p>
            )}
          </>
        ),
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
      if (row.heldFor === 'late')
        return {
          kicker: `Not sent: ${whenWords(row) ?? ''}`,
          title: <>Was planned for {planned}</>,
          text: (
            <>
              {elsewhere}
              <p>{job.error?.message ?? 'Its moment passed while nothing could be sent.'}</p>
              <p>Send it now, choose another time, or cancel it.</p>
            </>
          ),
          links: post,
          help: error?.link,
        }
      return {
        kicker: heldWords(row),
        title: <>Planned for {planned}</>,
        text: (
          <>
            {elsewhere}
            {row.heldFor === 'brake' ? (
              <>
                <p dir="auto">{job.error?.message ?? 'A brake is on it.'}</p>
                {error?.next}
              </>
            ) : (
              <p>
                {row.heldFor === 'approval'
                  ? misplaced
                    ? `${misplaced.message} ${misplaced.next}`
                    : `${brokenWords(seal)}It goes out once this version is approved.`
                  : `${row.account.name} has to be connected again; then it goes out. ${job.error?.message ?? ''}`}
              </p>
            )}
            {unsure}
          </>
        ),
        first:
          row.heldFor === 'brake' ? (
            <LinkButton href={`${base}/brakes`} icon="pause">
              The brakes
            </LinkButton>
          ) : (
            row.heldFor === 'reconnect' && reconnect
          ),
        links: post,
        help: error?.link,
      }
    case 'failed':
      return {
        kicker: 'Failed',
        title: job.error?.message ?? 'It did not go out.',
        text: error?.next,
        links: post,
        help: error?.link,
      }
    case 'unconfirmed':
      return {
        kicker: 'Did this go out?',
        title: job.error?.message ?? `${network} stopped answering while we were sending it.`,
        text: error?.next ?? <p>Have a look, then tell us. We do not send it twice without you.</p>,
        links: look,
        help: error?.link,
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

/** `Held: waits for approval`, `Held by a brake, late by 5 min` */
function heldWords(row: JobSheet['row']): string {
  const words = whenWords(row) ?? 'held'
  return row.heldFor === 'brake' ? `H${words.slice(1)}` : `Held: ${words}`
}

const brokenWords = ({ state, changes }: JobSheet['seal']): string =>
  state === 'broken' ? `It is no longer what was approved: ${changes.join('; ')}. ` : ''

/** A page of ours, or a link that is safe to follow. */
const ownOrSafe = (link: string): string => (/^\/(?![/\\])/.test(link) ? link : safeUrl(link))
