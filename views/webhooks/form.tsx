import type { Rejected } from '../../src/http/form.ts'
import { type HookEvent, hookEvents } from '../../src/webhooks/schema.ts'
import type { Html } from '../html.ts'
import { Block, Button, Buttons, Choices, Field, Form } from '../ui/index.tsx'

/** What each event says, for people. */
export const eventWords: Record<HookEvent, string> = {
  'content.created': 'Content is written',
  'content.updated': 'Content is changed',
  'content.submitted': 'Content is submitted for approval',
  'content.approved': 'Content is approved',
  'content.changes_requested': 'Changes are asked for',
  'publish_job.scheduled': 'A post is planned',
  'publish_job.moved': 'A post is moved to another time',
  'publish_job.published': 'A post is out',
  'publish_job.failed': 'A post has failed',
  'publish_job.unconfirmed': 'Nobody knows whether a post is out',
  'publish_job.held': 'A post is held',
  'publish_job.cancelled': 'A post is cancelled',
  'comment.created': 'Somebody comments',
  'account.reconnect_needed': 'An account has to be connected again',
}

/** Address and events of a webhook, new or to be changed. */
export function WebhookForm({
  title,
  action,
  button,
  form,
  now,
}: {
  title: string
  action: string
  button: string
  form?: Rejected | undefined
  now?: { url: string; events: readonly string[] } | undefined
}): Html {
  const other = form && Object.keys(form.errors).length === 0 ? { '': form.message } : form?.errors
  const chosen = form ? [form.values.events ?? []].flat() : (now?.events ?? [])
  return (
    <Block title={title}>
      <Form action={action} errors={other}>
        <Field
          type="url"
          name="url"
          label="Address of the receiver"
          required
          value={String(form?.values.url ?? now?.url ?? '')}
          error={form?.errors.url}
          placeholder="https://example.org/hooks/masthead"
          hint="It begins with https://, and must answer a POST with 2xx within 20 seconds."
          autocomplete="off"
          spellcheck={false}
        />
        <div class="in-columns">
          <Choices
            kind="checkbox"
            name="events"
            label="What it is told of"
            hint="Without a tick: everything, and what is added later."
            error={form?.errors.events}
            value={chosen}
            options={hookEvents.map(event => ({
              value: event,
              label: eventWords[event],
              hint: <Code event={event} />,
            }))}
          />
        </div>
        <Buttons>
          <Button variant={now ? 'plain' : 'main'}>{button}</Button>
        </Buttons>
      </Form>
    </Block>
  )
}

/** An event's name, which may break behind its dot alone. */
function Code({ event }: { event: HookEvent }): Html {
  const [noun, what] = event.split('.')
  return (
    <>
      {noun}.<wbr />
      {what}
    </>
  )
}
