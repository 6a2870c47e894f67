import type { Arrival, SocialAccount } from '../../src/accounts/find.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Platform } from '../../src/platforms/platform.ts'
import type { Slot } from '../../src/slots/schema.ts'
import { type Html, safeUrl } from '../html.ts'
import { Layout } from '../layout.tsx'
import { WeeklySlots } from '../slots/slots.tsx'
import {
  ActionButton,
  Block,
  Button,
  Columns,
  Confirm,
  CopyField,
  Field,
  FieldRow,
  Form,
  Icon,
  Meta,
  Notice,
  PageHead,
  PlatformMark,
  StateMark,
  Time,
} from '../ui/index.tsx'
import { Arrivals } from './arrivals.tsx'
import { LimitsList } from './limits.tsx'
import { SettingsForm } from './settings.tsx'
import { VerifyPosts } from './verify.tsx'

export interface AccountPageProps {
  frame: Frame
  account: SocialAccount
  platform: Platform
  arrivals: readonly Arrival[]
  /** Absolute address of the workspace's own feed. */
  feed: string
  canManage: boolean
  slots: readonly Slot[]
  maySchedule: boolean
  rename?: Rejected | undefined
  reconnect?: Rejected | undefined
}

/** One account: how it is, what it takes, and everything that can be done with it. */
export function AccountPage(props: AccountPageProps): Html {
  const { frame, account, platform, arrivals, canManage, rename, reconnect } = props
  const base = `/w/${frame.workspace.slug}/accounts`
  const own = `${base}/${account.id}`
  const { zone } = frame.workspace
  return (
    <Layout {...frame} title={account.name}>
      <PageHead
        title={account.name}
        back={{ href: base, label: 'Accounts' }}
        mark={
          <StateMark state={account.state}>
            {account.state === 'reconnect' ? 'Reconnect needed' : undefined}
          </StateMark>
        }
        actions={
          canManage &&
          platform.connectable && (
            <ActionButton action={`${own}/check`} icon="refresh-cw">
              Check now
            </ActionButton>
          )
        }
      />
      {account.state === 'reconnect' && (
        <div class="flash">
          <Notice kind="bad" title={`${platform.name} has to be connected again`}>
            {account.reason ?? 'The platform refuses the credential.'} Posts for it wait until then.
          </Notice>
        </div>
      )}
      <Columns
        aside={
          <>
            <Block title="About it">
              <Facts account={account} zone={zone} />
            </Block>
            <Block title="What it takes">
              <LimitsList limits={account.limits} />
            </Block>
          </>
        }
      >
        {account.platform === 'feed' && <FeedLinks feed={props.feed} />}
        {account.platform === 'rehearsal' && (
          <Arrivals arrivals={arrivals} zone={zone} base={`/w/${frame.workspace.slug}`} />
        )}
        {account.platform === 'webhook' && (
          <Block title="How the receiver checks a delivery">
            <VerifyPosts />
          </Block>
        )}
        <WeeklySlots
          base={`/w/${frame.workspace.slug}`}
          accountId={account.id}
          slots={props.slots}
          zone={zone}
          maySchedule={props.maySchedule}
        />
        {canManage && platform.connectable && (
          <Block
            title={account.platform === 'rehearsal' ? 'How it behaves' : 'Reconnect'}
            id="reconnect"
            note={
              account.platform === 'webhook'
                ? 'The address gets a signed ping, and a new signing secret takes the place of the old one.'
                : account.platform === 'rehearsal'
                  ? 'What the pretend network does with the next posts.'
                  : 'The same profile with a fresh credential. Posts that waited for it go out then.'
            }
          >
            <SettingsForm
              platform={platform}
              action={`${own}/reconnection`}
              submit={account.platform === 'rehearsal' ? 'Save' : 'Reconnect'}
              known={{ identifier: account.handle, ...account.settings }}
              form={reconnect}
              main={account.state === 'reconnect'}
            />
          </Block>
        )}
        {canManage && <Rename account={account} action={`${own}/name`} form={rename} />}
        {canManage && platform.connectable && (
          <Block
            title="Remove"
            note="Its secret is wiped at once, and posts planned for it are cancelled. What is out stays out."
          >
            <Confirm
              label="Remove this account"
              icon="trash-2"
              variant="plain"
              question={`Remove ${account.name}? Posts planned for it are cancelled.`}
              action={`${own}/removal`}
              yes="Remove it"
            />
          </Block>
        )}
      </Columns>
    </Layout>
  )
}

function Facts({ account, zone }: { account: SocialAccount; zone: string }): Html {
  const { instance, service, url, server, pds } = account.settings
  const leads = [url, server, instance, pds, service].find(value => typeof value === 'string')
  return (
    <Meta
      items={[
        { term: 'Platform', value: <PlatformMark platform={account.platform} /> },
        { term: 'Handle', value: account.handle !== account.platform && <bdi>{account.handle}</bdi> },
        {
          term: 'Profile',
          value: account.profileUrl && (
            <a href={safeUrl(account.profileUrl)} rel="noreferrer">
              Open it <Icon name="external-link" />
            </a>
          ),
        },
        { term: 'Address', value: leads && <bdi>{String(leads)}</bdi> },
        { term: 'Since', value: <Time at={account.createdAt} zone={zone} /> },
      ]}
    />
  )
}

function FeedLinks({ feed }: { feed: string }): Html {
  return (
    <Block
      title="Where it can be read"
      note="Anybody may read these. A post stands there as soon as it is published."
      more={{ href: feed, label: 'Open the feed' }}
    >
      <div class="form">
        <CopyField id="feed-html" label="Page" value={feed} />
        <CopyField id="feed-rss" label="RSS" value={`${feed}/rss.xml`} />
        <CopyField id="feed-atom" label="Atom" value={`${feed}/atom.xml`} />
        <CopyField id="feed-json" label="JSON Feed" value={`${feed}/feed.json`} />
      </div>
    </Block>
  )
}

function Rename({
  account,
  action,
  form,
}: {
  account: SocialAccount
  action: string
  form: Rejected | undefined
}): Html {
  const typed = form?.values.name
  return (
    <Block title="Name" note="How it is called here. The platform is not told.">
      <Form action={action} errors={form?.errors}>
        <FieldRow>
          <Field
            name="name"
            label="Name"
            hideLabel
            required
            maxlength={120}
            value={typeof typed === 'string' ? typed : account.name}
            error={form?.errors.name}
          />
          <Button>Rename</Button>
        </FieldRow>
      </Form>
    </Block>
  )
}
