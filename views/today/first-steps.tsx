import type { Today } from '../../src/calendar/today.ts'
import type { Html } from '../html.ts'
import { Block, Icon, LinkButton, Row, Rows, StateMark } from '../ui/index.tsx'

/** The way to the first published post, while nothing was ever planned. Every step works without the ones before. */
export function FirstSteps({
  base,
  steps,
  maySchedule,
  mayConnect,
}: {
  base: string
  steps: NonNullable<Today['firstSteps']>
  maySchedule: boolean
  mayConnect: boolean
}): Html {
  const post = steps.post ? `${base}/content/${steps.post}` : `${base}/content/new`
  const all = [
    {
      done: steps.account,
      title: 'Connect an account',
      meta: mayConnect
        ? 'Your own public feed works from the start. Bluesky, Mastodon, a webhook, or a rehearsal account to try things on.'
        : 'An owner or admin does this. Your own public feed works from the start.',
      href: `${base}/accounts`,
      label: 'Connect',
      able: mayConnect,
    },
    {
      done: steps.post !== null,
      title: 'Write a post',
      meta: 'Words, pictures with alt text, and own words for an account that needs them.',
      href: post,
      label: 'Write',
      able: true,
    },
    {
      done: false,
      title: 'Schedule it',
      meta: maySchedule
        ? 'Choose the accounts, a day, a time and its zone, or send it at once. Then watch it go out.'
        : 'An owner, admin or editor does this.',
      href: post,
      label: 'Schedule',
      able: maySchedule && steps.post !== null,
    },
  ]
  const next = all.find(step => !step.done && step.able)
  return (
    <Block title="Three steps to the first post" id="first-steps">
      <Rows label="First steps">
        {all.map((step, index) => (
          <Row
            lead={
              step.done ? <Icon name="circle-check" label="Done" /> : <span class="num">{index + 1}.</span>
            }
            title={step.title}
            meta={step.meta}
            mark={step.done && <StateMark state="published">Done</StateMark>}
            actions={
              !step.done &&
              step.able && (
                <LinkButton href={step.href} variant={step === next ? 'main' : 'plain'}>
                  {step.label}
                </LinkButton>
              )
            }
          />
        ))}
      </Rows>
    </Block>
  )
}
