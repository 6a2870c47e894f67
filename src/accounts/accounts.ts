import type { Scope, Within } from '../db/scope.ts'
import { Conflict } from '../errors.ts'
import { record } from '../events.ts'
import type { Outbound } from '../lib/fetch.ts'
import { allow } from '../permissions.ts'
import { platforms } from '../platforms/index.ts'
import { ConnectionFailed } from '../platforms/platform.ts'
import { connectMs, reasonOf } from './connect.ts'
import { createCredential, openAccount } from './credential.ts'
import { readAccount, type SocialAccount } from './find.ts'
import type { AccountChange } from './schema.ts'

/** @throws NotFound */
export async function changeAccount(scope: Scope, id: string, change: AccountChange): Promise<SocialAccount> {
  allow(scope, 'accounts.manage')
  const account = await readAccount(scope, id)
  await scope.sql`update social_accounts set name = ${change.name} where id = ${account.id}`
  return { ...account, name: change.name }
}

/**
 * Takes an account out. Its secret and settings are wiped at once; its name stays for the history of posts. Whoever
 * plans posts learns of it by the event.
 * @throws NotFound, Conflict for the own feed
 */
export async function removeAccount(scope: Scope, id: string): Promise<void> {
  allow(scope, 'accounts.manage')
  const account = await readAccount(scope, id)
  if (account.platform === 'feed')
    throw new Conflict(
      'The own feed belongs to the workspace and stays. Cancel a post to keep it off the feed.',
    )
  const gone = await scope.sql`
    update social_accounts set removed_at = public.clock(), secret = null, secret_version = secret_version + 1,
      renewing_until = null, settings = '{}' where id = ${account.id} and removed_at is null returning id`
  if (gone.length > 0)
    await record(scope, 'account.removed', account.id, { platform: account.platform, name: account.name })
}

/**
 * The platform has said no for good: posts wait until somebody reconnects.
 * @param seenVersion the secret that failed; when the account has a newer one meanwhile, nothing is marked
 */
export async function markReconnect(
  scope: Scope,
  accountId: string,
  reason: string,
  seenVersion: number | null = null,
): Promise<void> {
  const [row] = await scope.sql`
    select name, platform, state from social_accounts
    where id = ${accountId} and removed_at is null
      and (${seenVersion}::int is null or secret_version = ${seenVersion}) for update`
  if (!row) return
  await scope.sql`
    update social_accounts set state = 'reconnect', state_reason = ${reason.slice(0, 1000)} where id = ${accountId}`
  if (row.state === 'connected')
    await record(scope, 'account.reconnect_needed', accountId, {
      platform: row.platform,
      name: row.name,
      reason: reason.slice(0, 1000),
    })
}

/** It works again without anybody having done anything here: held posts may go out. */
async function markWorking(scope: Scope, accountId: string): Promise<void> {
  const [row] = await scope.sql`
    update social_accounts set state = 'connected', state_reason = null
    where id = ${accountId} and removed_at is null and state = 'reconnect' returning name, platform`
  if (row)
    await record(scope, 'account.connected', accountId, {
      platform: row.platform,
      name: row.name,
      again: true,
    })
}

export interface Checked {
  ok: boolean
  /** Why not, in words. */
  message: string | null
  /** The platform has said no, as against being out of reach for a moment. */
  final: boolean
}

/**
 * Asks the platform whether the account still works, and notes the answer. Opens its own transactions around the
 * network call; a platform that is out of reach for a moment changes nothing.
 * @param opened from `openAccount`, read in a scope that was allowed to
 */
export async function checkAccount(
  services: { within: Within; outbound: Outbound },
  tenantId: string,
  opened: Awaited<ReturnType<typeof openAccount>>,
): Promise<Checked> {
  const { within, outbound } = services
  const actor = { tenantId, userId: null, role: 'system' } as const
  const { account, platform, secret } = opened
  const signal = AbortSignal.timeout(connectMs)
  const credential = createCredential(within, actor, account.id, secret)
  try {
    await platforms[platform].check(account, { fetch: outbound, signal, credential })
  } catch (error) {
    const message = reasonOf(error, signal)
    if (message === null) throw error
    const final = error instanceof ConnectionFailed && error.final
    if (final)
      await within(actor, scope => markFailedCheck(scope, account.id, message, credential.current, opened))
    return { ok: false, message, final }
  }
  await within(actor, scope => markWorking(scope, account.id))
  return { ok: true, message: null, final: false }
}

/** A renewal during the check counts up the version by itself; any other change means somebody reconnected. */
async function markFailedCheck(
  scope: Scope,
  accountId: string,
  message: string,
  failed: Record<string, unknown>,
  opened: { secretVersion: number },
): Promise<void> {
  const now = await openAccount(scope, accountId)
  const same =
    now.secretVersion === opened.secretVersion || JSON.stringify(now.secret) === JSON.stringify(failed)
  if (same) await markReconnect(scope, accountId, message, now.secretVersion)
}
