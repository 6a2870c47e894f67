import type { SocialAccount } from '../../src/accounts/find.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Platform } from '../../src/platforms/platform.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  Block,
  Card,
  Cards,
  EmptyState,
  Line,
  LinkButton,
  PageHead,
  PlatformMark,
  platforms,
  Row,
  Rows,
  StateMark,
} from '../ui/index.tsx'

/** The accounts that posts go to, and the platforms that can be added. */
export function AccountsPage({
  frame,
  accounts,
  connectable,
  canManage,
}: {
  frame: Frame
  accounts: readonly SocialAccount[]
  connectable: readonly Platform[]
  canManage: boolean
}): Html {
  const base = `/w/${frame.workspace.slug}/accounts`
  const broken = accounts.filter(account => account.state === 'reconnect').length
  return (
    <Layout {...frame} title="Accounts">
      <PageHead
        title="Accounts"
        note={
          broken > 0
            ? `${broken} of ${accounts.length} must be connected again`
            : `${accounts.length} connected, all in order`
        }
        actions={
          canManage && (
            <LinkButton href="#connect" variant="plain" icon="plus">
              Connect an account
            </LinkButton>
          )
        }
      />
      <div class="column">
        {accounts.length === 0 ? (
          <EmptyState icon="at-sign" title="No account is connected">
            {canManage ? 'Choose a platform below.' : 'An owner or admin can connect one.'}
          </EmptyState>
        ) : (
          <Rows label="Connected accounts">
            {accounts.map(account => (
              <AccountRow account={account} href={`${base}/${account.id}`} canManage={canManage} />
            ))}
          </Rows>
        )}
        {canManage ? (
          <Block
            title="Connect another"
            id="connect"
            note="Connecting asks the platform first; it is saved only when it works."
          >
            <Cards>
              {connectable.map(platform => (
                <PlatformCard platform={platform} href={`${base}/connect/${platform.id}`} />
              ))}
            </Cards>
          </Block>
        ) : null}
      </div>
    </Layout>
  )
}

function AccountRow({
  account,
  href,
  canManage,
}: {
  account: SocialAccount
  href: string
  canManage: boolean
}): Html {
  const { name, handle, platform, state, reason, settings } = account
  // Two webhooks of one host differ by their address only; whoever may not manage accounts gets no settings.
  const where = platform === 'webhook' && typeof settings.url === 'string' ? settings.url : handle
  return (
    <Row
      id={`account-${account.id}`}
      href={href}
      title={name}
      meta={
        <>
          <Line
            parts={[
              <PlatformMark platform={platform} />,
              where && ![name.toLowerCase(), platform].includes(where.toLowerCase()) && <bdi>{where}</bdi>,
            ]}
          />
          {state === 'reconnect' && <p dir="auto">{reason ?? 'The platform refuses the credential.'}</p>}
        </>
      }
      mark={<StateMark state={state}>{state === 'reconnect' ? 'Reconnect needed' : undefined}</StateMark>}
      actions={
        state === 'reconnect' &&
        canManage && (
          <LinkButton href={`${href}#reconnect`} size="small">
            Reconnect
          </LinkButton>
        )
      }
    />
  )
}

function PlatformCard({ platform, href }: { platform: Platform; href: string }): Html {
  const { id, name, about } = platform
  return (
    <Card title={<PlatformMark platform={id} name={name} />}>
      <p>{about}</p>
      <div class="buttons">
        <LinkButton href={href}>Connect {platforms[id].name}</LinkButton>
      </div>
    </Card>
  )
}
