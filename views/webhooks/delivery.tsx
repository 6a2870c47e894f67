import type { DeliveryState, WebhookDelivery } from '../../src/deliveries/schema.ts'
import { type HookEvent, hookEvents } from '../../src/webhooks/schema.ts'
import type { Html } from '../html.ts'
import { firstWords } from '../publishing/words.ts'
import { ActionButton, type Moment, Raw, Time } from '../ui/index.tsx'
import { eventWords } from './form.tsx'

const looks: Record<DeliveryState, Pick<Moment, 'tone' | 'icon'> & { words: string }> = {
  waiting: { tone: 'scheduled', icon: 'clock', words: 'Waiting' },
  sending: { tone: 'scheduled', icon: 'loader-circle', words: 'Being sent' },
  delivered: { tone: 'published', icon: 'check', words: 'Delivered' },
  failed: { tone: 'failed', icon: 'triangle-alert', words: 'Not delivered' },
}

const wordsOf = (type: string): string =>
  type === 'webhook.test'
    ? 'Test'
    : hookEvents.some(event => event === type)
      ? eventWords[type as HookEvent]
      : type

const lowered = (words: string): string => words.charAt(0).toLowerCase() + words.slice(1)

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What a message is about, as a link to it. `base`: the workspace's address */
function About({ base, data }: { base: string; data: Record<string, unknown> }): Html | null {
  const of = (noun: string) => data[noun] as Record<string, unknown> | undefined
  const [job, content, comment, account] = ['job', 'content', 'comment', 'account'].map(of)
  const link = (path: string, id: unknown, words: string): Html | null =>
    words === '' ? null : (
      <p>
        <a href={`${base}/${path}/${encodeURIComponent(text(id))}`} dir="auto">
          {words}
        </a>
      </p>
    )
  const quoted = (words: unknown) => (text(words) === '' ? '' : `“${firstWords(text(words), 60)}”`)
  if (job) return link('publish-jobs', job.id, text(job.account) && `The post to ${text(job.account)}`)
  if (content) return link('content', content.id, quoted(content.text))
  if (comment) return link('content', comment.contentId, quoted(comment.text))
  return account ? link('accounts', account.id, text(account.name)) : null
}

/** A message to a webhook in its record. `base` is the workspace's address, `replay` is where it is sent once more, null while that cannot be. */
export function deliveryMoment(
  delivery: WebhookDelivery,
  { base, zone, replay }: { base: string; zone: string; replay: string | null },
): Moment {
  const { state, attempts, answer, nextTryAt, createdAt, type, body, id } = delivery
  const again = state === 'waiting' && attempts.length > 0
  const look = looks[state]
  const once = again ? 'Try now' : state === 'delivered' || state === 'failed' ? 'Send again' : null
  return {
    at: <Time at={createdAt} zone={zone} />,
    tone: again ? 'review' : look.tone,
    icon: again ? 'refresh-cw' : look.icon,
    live: state === 'sending',
    title: `${again ? 'To be tried again' : look.words}: ${lowered(wordsOf(type))}`,
    children: (
      <>
        <About base={base} data={body.data} />
        {answer && <p>{answer}</p>}
        {again && nextTryAt && (
          <p>
            The next try comes by itself, <Time at={nextTryAt} zone={zone} />.
          </p>
        )}
        {attempts.length > 0 && (
          <Raw label={attempts.length === 1 ? 'One try' : `${attempts.length} tries`}>
            {attempts.map(one => `${one.at}  ${one.ms} ms  ${one.status ?? '–'}  ${one.words}`).join('\n')}
          </Raw>
        )}
        <Raw label="What is sent">{`webhook-id: ${id}\n\n${JSON.stringify(body, null, 2)}`}</Raw>
        {once && replay && (
          <div class="buttons">
            <ActionButton action={replay} size="small" variant="quiet" icon="refresh-cw">
              {once}
            </ActionButton>
          </div>
        )}
      </>
    ),
  }
}
