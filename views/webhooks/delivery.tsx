import type { DeliveryState, WebhookDelivery } from '../../src/deliveries/schema.ts'
import { type HookEvent, hookEvents } from '../../src/webhooks/schema.ts'
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

/** A message to a webhook in its record. `replay` is where it is sent once more, null while that cannot be. */
export function deliveryMoment(
  delivery: WebhookDelivery,
  { zone, replay }: { zone: string; replay: string | null },
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
