import type { Scope } from '../db/scope.ts'
import { Invalid } from '../errors.ts'
import { record } from '../events.ts'
import type { Outbound } from '../lib/fetch.ts'
import { newId } from '../lib/id.ts'
import { utf8Length } from '../lib/text.ts'
import { allow } from '../permissions.ts'
import { platforms } from '../platforms/index.ts'
import { type Connected, ConnectionFailed } from '../platforms/platform.ts'
import { readAccount, type SocialAccount } from './find.ts'
import type { NewConnection } from './schema.ts'
import { sealSecret } from './secret.ts'

/** All calls of one connect or check together, in milliseconds. */
export const connectMs = 25_000
/** The key of an index holds at most about 2,700 bytes. */
const maxRemoteIdBytes = 2000

/**
 * Asks the platform whether these settings work. Goes over the network: never call it inside `within`.
 * @throws Invalid `connection_failed` with the platform's reason; nothing is saved
 */
export async function askPlatform(outbound: Outbound, given: NewConnection): Promise<Connected> {
  const signal = AbortSignal.timeout(connectMs)
  try {
    const connected = tidy(
      await platforms[given.platform].connect(given.settings, { fetch: outbound, signal }),
    )
    if (connected.remoteId !== '' && utf8Length(connected.remoteId) <= maxRemoteIdBytes) return connected
    throw new ConnectionFailed('The address is too long to be kept. Use a shorter one.')
  } catch (error) {
    const words = reasonOf(error, signal)
    if (words === null) throw error
    throw new Invalid(words, [{ path: 'settings', message: words }], 'connection_failed')
  }
}

/** Why a connect or check did not work; null when the error is ours. */
export function reasonOf(error: unknown, signal: AbortSignal): string | null {
  if (error instanceof ConnectionFailed) return error.message
  if (signal.aborted)
    return `There was no complete answer within ${connectMs / 1000} s. Try again in a moment.`
  return null
}

/**
 * Saves what `askPlatform` found. The same remote profile again is the same account: its credential is replaced and it
 * is connected once more, under the name it has here.
 * @param expected the account that is being reconnected; another profile is refused
 */
export async function saveAccount(
  scope: Scope,
  platform: NewConnection['platform'],
  connected: Connected,
  expected?: SocialAccount,
): Promise<SocialAccount> {
  allow(scope, 'accounts.manage')
  const { name, handle, remoteId, profileUrl, settings, limits } = connected
  const [made] = await scope.sql`
    insert into social_accounts (id, platform, name, handle, remote_id, limits, connected_by)
    values (${newId()}, ${platform}, ${name}, ${handle}, ${remoteId}, ${scope.sql.json(limits)}, ${scope.actor.userId})
    on conflict (platform, remote_id) where removed_at is null do nothing returning id`
  const [row] = made
    ? [made]
    : await scope.sql`
        select id from social_accounts
        where platform = ${platform} and remote_id = ${remoteId} and removed_at is null for update`
  const id = row?.id as string
  if (expected && expected.id !== id)
    throw new Invalid(
      `That works, but it is another account (${handle}) than ${expected.name}. Connect it as a new account instead.`,
      [{ path: 'settings', message: 'belongs to another account' }],
      'connection_failed',
    )
  await scope.sql`
    update social_accounts set handle = ${handle}, profile_url = ${profileUrl}, settings = ${scope.sql.json(settings)},
      limits = ${scope.sql.json(limits)}, secret = ${sealSecret(scope, id, connected.secret)},
      secret_version = secret_version + 1, renewing_until = null, state = 'connected', state_reason = null,
      connected_by = ${scope.actor.userId}
    where id = ${id}`
  await record(scope, 'account.connected', id, { platform, name, again: !made })
  return readAccount(scope, id)
}

/** A platform's words, fit for the database and a page: no control characters, no half characters, no book. */
function tidy(connected: Connected): Connected {
  const storable = (text: string) => text.replace(/\p{Cc}/gu, '').toWellFormed()
  const short = (text: string, max: number) => [...storable(text).trim()].slice(0, max).join('')
  const deep = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
      typeof inner === 'string' ? storable(inner) : inner,
    ) as T
  const handle = short(connected.handle, 300) || connected.remoteId.slice(0, 100)
  return {
    ...connected,
    handle,
    name: short(connected.name, 120) || short(handle, 120),
    remoteId: storable(connected.remoteId),
    profileUrl: connected.profileUrl && storable(connected.profileUrl),
    settings: deep(connected.settings),
    limits: deep(connected.limits),
  }
}
