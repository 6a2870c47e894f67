import type { Needs } from '../../src/calendar/today.ts'
import type { Html } from '../html.ts'
import { RetryButton, SendLate, UnconfirmedAnswers } from '../publishing/answers.tsx'
import { firstWords, plural, whenWords } from '../publishing/words.ts'
import { Block, Confirm, LinkButton, NeedCard, platforms, Time } from '../ui/index.tsx'

/** What asks for this person, each with its answer inside. */
export function NeedsYou({ base, needs, zone }: { base: string; needs: Needs; zone: string }): Html {
  const { unconfirmed, late, failed, reconnect, review, changes } = needs
  const count =
    unconfirmed.length + late.length + failed.length + reconnect.length + review.length + changes.length
  return (
    <Block
      title="Needs you"
      {...(count === 0 ? { note: 'Nothing asks for you just now.' } : {})}
      more={{ href: `${base}/notifications`, label: 'All notifications' }}
    >
      {unconfirmed.map(job => (
        <NeedCard
          state="unconfirmed"
          kicker="Did this go out?"
          title={
            job.error?.message ??
            `${platforms[job.account.platform].name} stopped answering while we were sending it.`
          }
          actions={<UnconfirmedAnswers base={base} id={job.id} back="" />}
        >
          <p>
            <a href={`${base}/publish-jobs/${job.id}`} dir="auto">
              “{firstWords(job.text, 60) || 'No words'}”
            </a>{' '}
            to {job.account.name}, <Time at={job.runAt} zone={zone} />. We do not send it twice without you.
          </p>
        </NeedCard>
      ))}
      {late.map(job => (
        <NeedCard
          state="held"
          kicker={`Not sent: ${whenWords(job)}`}
          title={<a href={`${base}/publish-jobs/${job.id}`}>“{firstWords(job.text, 60) || 'No words'}”</a>}
          actions={
            <>
              <SendLate base={base} id={job.id} back="" />
              <LinkButton href={`${base}/publish-jobs/${job.id}#move`} icon="clock">
                Another time
              </LinkButton>
              <Confirm
                label="Cancel"
                icon="ban"
                question="Cancel this job? The post itself stays, and can be planned again."
                action={`${base}/publish-jobs/${job.id}/resolution`}
                fields={{ as: 'abandon', _back: '' }}
                yes="Cancel the job"
              />
            </>
          }
        >
          <p>
            To {job.account.name}, <Time at={job.runAt} zone={zone} />.{' '}
            <span dir="auto">{job.error?.message ?? 'Its moment passed while nothing could be sent.'}</span>
          </p>
        </NeedCard>
      ))}
      {reconnect.map(account => (
        <NeedCard
          state="reconnect"
          kicker={`Reconnect ${platforms[account.platform].name}`}
          title={account.name}
          actions={
            <LinkButton href={`${base}/accounts/${account.id}`} variant="main" icon="plug-zap">
              Reconnect
            </LinkButton>
          }
        >
          <p dir="auto">
            {account.reason}{' '}
            {account.waiting > 0 && `${plural(account.waiting, 'post waits', 'posts wait')} for it.`}
          </p>
        </NeedCard>
      ))}
      {failed.map(job => (
        <NeedCard
          state="failed"
          kicker={`Failed on ${platforms[job.account.platform].name}`}
          title={job.error?.message ?? 'It did not go out.'}
          actions={
            <>
              <RetryButton base={base} id={job.id} back="" />
              <LinkButton href={`${base}/publish-jobs/${job.id}`} variant="quiet">
                Look closer
              </LinkButton>
            </>
          }
        >
          <p>
            <a href={`${base}/publish-jobs/${job.id}`} dir="auto">
              “{firstWords(job.text, 60) || 'No words'}”
            </a>
            , <Time at={job.runAt} zone={zone} />. <span dir="auto">{job.error?.next}</span>
          </p>
        </NeedCard>
      ))}
      {changes.map(piece => (
        <NeedCard
          state="changes_requested"
          kicker={`${piece.by ?? 'Somebody'} asks for changes`}
          title={firstWords(piece.text, 90) || 'No words'}
          actions={
            <LinkButton href={`${base}/content/${piece.id}`} variant="main" icon="pen-line">
              Change it
            </LinkButton>
          }
        >
          {piece.note && <p dir="auto">{firstWords(piece.note, 160)}</p>}
        </NeedCard>
      ))}
      {review.map(piece => (
        <NeedCard
          state="in_review"
          kicker="Your approval"
          title={firstWords(piece.text, 90) || 'No words'}
          actions={
            <LinkButton href={`${base}/content/${piece.id}`} variant="main" icon="eye">
              Review
            </LinkButton>
          }
        >
          {piece.by && <p>{piece.by} asks you to look at it.</p>}
        </NeedCard>
      ))}
    </Block>
  )
}
