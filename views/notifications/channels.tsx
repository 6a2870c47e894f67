import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import { type Channels, type Kind, kinds, quietable } from '../../src/notifications/schema.ts'
import { complaints, typed, wrong } from '../auth/typed.ts'
import { zoneGroups } from '../auth/zones.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  Button,
  Buttons,
  Check,
  Field,
  FieldRow,
  Form,
  Notice,
  PageHead,
  Section,
  Select,
  Table,
} from '../ui/index.tsx'

const kindWords: Record<Kind, string> = {
  failed: 'A post has failed, or missed its moment',
  unconfirmed: 'Nobody knows whether a post went out',
  reconnect: 'An account has to be connected again',
  different: 'What stands on a platform differs from what was sent',
  forecast: 'The forecast of the morning finds something',
  webhook: 'An event webhook was switched off',
  brake: 'A brake holds posts, or has let them go',
  review: 'Somebody asks for your approval',
  changes: 'Somebody asks you for changes',
  comment: 'Somebody comments on what you wrote',
}
const labels = { from: 'From', until: 'Until', zone: 'Time zone' }

/** What is told to one person where, and when no mail shall come. */
export function ChannelsPage({
  frame,
  now,
  zones,
  form,
  setUp,
}: {
  frame: Frame
  now: Channels
  zones: readonly string[]
  form: Rejected | null
  /** Whether this Masthead sends mail at all. */
  setUp: boolean
}): Html {
  const settings = `/w/${frame.workspace.slug}/settings`
  const on = (channel: 'app' | 'mail', kind: Kind): boolean =>
    form ? [form.values[channel] ?? []].flat().includes(kind) : now[channel].includes(kind)
  const { quiet } = now
  const zone = quiet?.zone ?? frame.workspace.zone
  const listed = zones.includes(zone) ? zones : [zone, ...zones]
  return (
    <Layout {...frame} title="What you are told">
      <PageHead
        title="What you are told"
        note="and where, and when"
        back={{ href: `${settings}#mail`, label: 'Settings' }}
      />
      {!setUp && (
        <Notice kind="info" title="This Masthead sends no mail">
          Whoever runs it sets SMTP_URL. Until then everything is told on the desk, whatever is chosen here.
        </Notice>
      )}
      {setUp && !now.byMail && (
        <Notice kind="info" title="Your mails are switched off">
          Everything is told on the desk until you switch them on under{' '}
          <a href={`${settings}#mail`}>Settings</a>.
        </Notice>
      )}
      <Form action={`${settings}/notifications`} errors={complaints(form, labels)}>
        <Section
          id="channels"
          title="Where"
          about="On the desk means under Notifications. What went wrong is always told there."
        >
          <div class="ticks">
            <Table
              caption="What is told where"
              columns={[{ head: 'When' }, { head: 'On the desk' }, { head: 'By mail' }]}
              rows={kinds.map(kind => [
                kindWords[kind],
                quietable.some(one => one === kind) ? (
                  <Tick name="app" kind={kind} checked={on('app', kind)} where="on the desk" />
                ) : (
                  'always'
                ),
                <Tick name="mail" kind={kind} checked={on('mail', kind)} where="by mail" />,
              ])}
            />
          </div>
        </Section>
        <Section
          id="quiet"
          title="Quiet hours"
          about="No mail comes in them: it waits until they end, and is left out if what it tells is answered before. Without times there are none."
        >
          <FieldRow>
            <Field
              type="time"
              name="from"
              label={labels.from}
              width="short"
              optional={false}
              value={typed(form, 'from', quiet?.from ?? '')}
              error={wrong(form, 'from')}
            />
            <Field
              type="time"
              name="until"
              label={labels.until}
              width="short"
              optional={false}
              value={typed(form, 'until', quiet?.until ?? '')}
              error={wrong(form, 'until')}
            />
          </FieldRow>
          <Select
            name="zone"
            label={labels.zone}
            required
            groups={zoneGroups(listed)}
            value={typed(form, 'zone', zone)}
            error={wrong(form, 'zone')}
          />
          <Check
            name="urgent"
            label="Urgent mails come all the same"
            hint="A post that has failed, and one of which nobody knows whether it went out."
            checked={form ? typed(form, 'urgent') !== '' : (quiet?.urgent ?? true)}
          />
          <Buttons>
            <Button variant="main">Save</Button>
          </Buttons>
        </Section>
      </Form>
    </Layout>
  )
}

function Tick({
  name,
  kind,
  checked,
  where,
}: {
  name: 'app' | 'mail'
  kind: Kind
  checked: boolean
  where: string
}): Html {
  return (
    <label class="tick">
      <input
        type="checkbox"
        name={name}
        value={kind}
        checked={checked}
        aria-label={`${kindWords[kind]}: ${where}`}
      />
    </label>
  )
}
