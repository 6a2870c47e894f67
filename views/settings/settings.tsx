import type { ApiKey } from '../../src/auth/keys.ts'
import type { OwnSession } from '../../src/auth/session.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { SettingsPart } from '../../src/team/settings-pages.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { minutesWords } from '../publishing/words.ts'
import { LinkButton, Meta, PageHead, Section } from '../ui/index.tsx'
import { Keys } from './keys.tsx'
import { type MailFacts, MailSettings } from './mail.tsx'
import { Password } from './password.tsx'
import { Sessions } from './sessions.tsx'
import { WorkspaceSettings } from './workspace.tsx'

export interface SettingsProps {
  frame: Frame
  mayChange: boolean
  countries: readonly { code: string; name: string }[]
  zones: readonly string[]
  /** null when the role may have none. */
  keys: readonly ApiKey[] | null
  /** User id → name. */
  people: Readonly<Record<string, string>>
  sessions: readonly OwnSession[]
  mail: MailFacts
  sessionId: string | null
  /** Which form was refused. */
  part: SettingsPart | null
  form: Rejected | null
  /** A key made just now, with its secret: shown this once. */
  made: { name: string; key: string } | null
}

/** The workspace's settings and one's own, on one page. */
export function SettingsPage(props: SettingsProps): Html {
  const { frame, part, form, keys, mayChange, countries } = props
  const { workspace } = frame
  const of = (wanted: SettingsPart): Rejected | null => (part === wanted ? form : null)
  return (
    <Layout {...frame} title="Settings">
      <PageHead title="Settings" />
      <Section
        id="workspace"
        title="Workspace"
        about={
          mayChange
            ? 'Its name stands over the feed. New posts are planned in its zone; posts that are planned keep theirs.'
            : 'Owners and admins change these.'
        }
      >
        {mayChange ? (
          <WorkspaceSettings {...props} form={of('workspace')} />
        ) : (
          <Meta
            items={[
              { term: 'Name', value: workspace.name },
              { term: 'Address', value: workspace.slug },
              { term: 'Time zone', value: workspace.zone },
              {
                term: 'Country',
                value: countries.find(({ code }) => code === workspace.country)?.name,
              },
              { term: 'Every post needs an approval', value: workspace.approvalRequired ? 'yes' : 'no' },
              { term: 'Asks before a post goes out later than', value: minutesWords(workspace.lateMinutes) },
            ]}
          />
        )}
      </Section>
      <Section
        id="rhythm"
        title="When posts go out"
        about="Each account has its own slots of the week; a brake holds what is planned."
      >
        <div class="buttons">
          <LinkButton href={`/w/${workspace.slug}/accounts`} icon="calendar-plus">
            Accounts and their slots
          </LinkButton>
          <LinkButton href={`/w/${workspace.slug}/recurrences`} icon="repeat-2">
            What repeats
          </LinkButton>
          <LinkButton href={`/w/${workspace.slug}/brakes`} icon="pause">
            Brakes
          </LinkButton>
        </div>
      </Section>
      <Section
        id="you"
        title="Your password"
        about={`You are ${frame.user.name}, ${frame.user.role}, and sign in as ${frame.user.email}.`}
      >
        <Password frame={frame} form={of('password')} />
      </Section>
      <Section id="sessions" title="Your sessions" about="Where you are signed in to this workspace.">
        <Sessions {...props} />
      </Section>
      <Section
        id="mail"
        title="Notifications and mail"
        about={
          props.mail.counts
            ? 'What comes to you by mail, and every mail that this workspace sends.'
            : 'What comes to you by mail.'
        }
      >
        <MailSettings frame={frame} mail={props.mail} />
      </Section>
      {mayChange && (
        <Section
          id="webhooks"
          title="Event webhooks"
          about="Programs of yours that get a signed message for each thing that happens here."
        >
          <div class="buttons">
            <LinkButton href={`/w/${workspace.slug}/settings/webhooks`} icon="webhook">
              Event webhooks
            </LinkButton>
          </div>
        </Section>
      )}
      {keys && (
        <Section
          id="keys"
          title="API keys"
          about="For programs. A key acts as whoever made it, with the same role, until it is revoked."
        >
          <Keys {...props} keys={keys} form={of('keys')} />
        </Section>
      )}
      {frame.user.role === 'owner' && (
        <Section
          id="itself"
          title="The workspace itself"
          about="Its address, an export of everything in it, its snapshots, and its end. For owners only."
        >
          <div class="buttons">
            <LinkButton href={`/w/${workspace.slug}/workspace`} icon="package">
              Address, export, erase
            </LinkButton>
          </div>
        </Section>
      )}
    </Layout>
  )
}
