import type { Attempt } from '../../src/publishing/schema.ts'
import type { Html } from '../html.ts'
import { Block, type Moment, Time, Timeline } from '../ui/index.tsx'

type Look = Pick<Moment, 'tone' | 'icon'> & { words: string }

/** How each end of an attempt is told. */
const ends: Record<string, Look> = {
  published: { words: 'It is out', tone: 'published', icon: 'check' },
  processing: {
    words: 'Taken, and still being worked on over there',
    tone: 'scheduled',
    icon: 'loader-circle',
  },
  retry: { words: 'Not out yet: tried again later', tone: 'review', icon: 'refresh-cw' },
  rejected: { words: 'Refused', tone: 'failed', icon: 'triangle-alert' },
  reconnect: { words: 'The account has to be connected again', tone: 'failed', icon: 'unplug' },
  unconfirmed: { words: 'No clear answer', tone: 'unsure', icon: 'circle-question-mark' },
  absent: { words: 'Looked: it is not there', tone: 'held', icon: 'search' },
  stopped: { words: 'Stopped by a brake before anything was sent', tone: 'held', icon: 'pause' },
  unsealed: { words: 'Stopped: it is not what was approved', tone: 'held', icon: 'lock' },
  lost: { words: 'Broken off: the process ended', tone: 'held', icon: 'unplug' },
}
const running: Look = { words: 'Sending', tone: 'scheduled', icon: 'loader-circle' }

interface Told {
  message?: string | undefined
  raw: string | undefined
}

/** What an attempt's detail says in words, and the rest as it came. */
function told(detail: unknown): Told {
  if (detail === null || detail === undefined) return { raw: undefined }
  if (typeof detail === 'string') return { message: detail, raw: undefined }
  const given = detail as Record<string, unknown>
  const why = (typeof given.why === 'object' && given.why ? given.why : given) as Record<string, unknown>
  const text = (value: unknown) => (typeof value === 'string' && value ? value : undefined)
  // Id and address of a published post stand among the page's facts.
  const raw = why.raw ?? (why.message === undefined && why.remoteId === undefined ? detail : undefined)
  return {
    message: text(why.message),
    raw: raw === undefined ? undefined : typeof raw === 'string' ? raw : JSON.stringify(raw, null, 2),
  }
}

/** Every try of a job, first to last: when, what was done, how it ended, and the network's own words folded away. */
export function Attempts({
  attempts,
  zone,
  said,
}: {
  attempts: readonly Attempt[]
  zone: string
  /** What the page says already about how the last one ended. */
  said?: string | undefined
}): Html | null {
  if (attempts.length === 0) return null
  const seconds = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: zone })
  const time = (at: string): Html => <time datetime={at}>{seconds.format(new Date(at))}</time>
  return (
    <Block title={attempts.length === 1 ? 'One attempt' : `${attempts.length} attempts`}>
      <Timeline
        label="Attempts"
        moments={attempts.map((attempt, index): Moment => {
          const open = attempt.endedAt === null && attempt.outcome === null
          const look = open
            ? running
            : (ends[attempt.outcome ?? ''] ?? {
                words: attempt.outcome ?? 'Ended',
                tone: 'held',
                icon: 'info',
              })
          const { message, raw } = told(attempt.detail)
          const taken = [
            ...attempt.notes.map(note => ({ when: note.at, what: note.what })),
            ...(attempt.armedAt && attempt.notes.length === 0
              ? [{ when: attempt.armedAt, what: 'Ready: the next call publishes.' }]
              : []),
          ]
          // Where nothing was done, when it began says when it ended.
          const steps =
            attempt.endedAt && taken.length > 0
              ? [...taken, { when: attempt.endedAt, what: 'Ended.' }]
              : taken
          return {
            id: `attempt-${attempt.id}`,
            at: <Time at={attempt.startedAt} zone={zone} />,
            tone: look.tone,
            icon: look.icon,
            live: open,
            title: attempts.length === 1 ? look.words : `${index + 1}. ${look.words}`,
            children: message && !(message === said && index === attempts.length - 1) && <p>{message}</p>,
            steps: steps.map(step => ({ at: time(step.when), what: step.what })),
            raw,
          }
        })}
      />
    </Block>
  )
}
