import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Actor, Scope, Within } from '../db/scope.ts'
import { NotFound, Unavailable } from '../errors.ts'
import { isId } from '../lib/id.ts'
import type { Account, Credential, Json, Limits, PlatformId } from '../platforms/platform.ts'
import { openSecret, type Secret, sealSecret } from './secret.ts'

/** A claim on renewing lapses after this, so that a process that died does not hold it for ever. */
const claimSeconds = 60
const pollMs = 200
/** Who waits for another's renewal gives up a little after that one's claim has lapsed. */
const patienceMs = (claimSeconds + 15) * 1000
/** A renewed secret that cannot be saved is lost for good, so saving is tried this often. */
const saveTries = 5

export interface OpenedAccount {
  platform: PlatformId
  state: 'connected' | 'reconnect'
  account: Account
  secret: Secret
  /** Grows with every new secret; `markReconnect` takes it, so that an old failure does not mark a fresh connection. */
  secretVersion: number
}

/** An account with its secret, for one call of its adapter. @throws NotFound */
export async function openAccount(scope: Scope, id: string): Promise<OpenedAccount> {
  const opened = isId(id) ? (await openAccounts(scope, [id])).get(id) : undefined
  if (!opened) throw new NotFound()
  return opened
}

/** Several accounts at once; one that is gone is not among them. */
export async function openAccounts(
  scope: Scope,
  ids: readonly string[],
): Promise<Map<string, OpenedAccount>> {
  const rows = await scope.sql`
    select id, platform, handle, remote_id, settings, limits, state, secret, secret_version
    from social_accounts where id = any(${[...ids]}::uuid[]) and removed_at is null`
  return new Map(
    rows.map(row => [
      row.id as string,
      {
        platform: row.platform as PlatformId,
        state: row.state as OpenedAccount['state'],
        account: {
          id: row.id as string,
          handle: row.handle as string,
          remoteId: row.remote_id as string,
          settings: row.settings as Record<string, Json>,
          limits: row.limits as Limits,
        },
        secret: openSecret(scope, row.id as string, row.secret as Uint8Array | null),
        secretVersion: row.secret_version as number,
      },
    ]),
  )
}

/**
 * The credential an adapter works with. Over all processes one `renew` runs at a time for an account; the others wait
 * and get its answer. The new secret is sealed and saved before it is handed out.
 * @param secret what `openAccount` gave
 */
export function createCredential(
  within: Within,
  actor: Actor,
  accountId: string,
  secret: Secret,
): Credential {
  const credential: Credential = {
    current: secret,
    async renew(work) {
      const until = Date.now() + patienceMs
      for (;;) {
        const claim = await within(actor, scope => claimRenewal(scope, accountId, credential.current))
        if (claim.is === 'renewed') {
          credential.current = claim.secret
          return claim.secret
        }
        if (claim.is === 'claimed') {
          credential.current = await renewClaimed(
            within,
            actor,
            accountId,
            claim.version,
            credential.current,
            work,
          )
          return credential.current
        }
        if (Date.now() > until)
          throw new Unavailable(
            'The account’s credential is being renewed elsewhere and that takes too long.',
          )
        await wait(pollMs)
      }
    },
  }
  return credential
}

type Claim = { is: 'claimed'; version: number } | { is: 'renewed'; secret: Secret } | { is: 'busy' }

/** The row's lock makes this one decision at a time; the claim then outlives the transaction. */
async function claimRenewal(scope: Scope, accountId: string, known: Secret): Promise<Claim> {
  const [row] = await scope.sql`
    select secret, secret_version, renewing_until > public.clock() as busy
    from social_accounts where id = ${accountId} and removed_at is null for update`
  if (!row) throw new NotFound('This account was removed meanwhile.')
  const secret = openSecret(scope, accountId, row.secret as Uint8Array | null)
  if (!isDeepStrictEqual(secret, known)) return { is: 'renewed', secret }
  if (row.busy) return { is: 'busy' }
  await scope.sql`
    update social_accounts set renewing_until = public.clock() + ${claimSeconds} * interval '1 second'
    where id = ${accountId}`
  return { is: 'claimed', version: row.secret_version as number }
}

async function renewClaimed(
  within: Within,
  actor: Actor,
  accountId: string,
  version: number,
  current: Secret,
  work: (current: Secret) => Promise<Secret>,
): Promise<Secret> {
  let fresh: Secret
  try {
    fresh = keepWhatIsMissing(current, await work(current))
  } catch (error) {
    await within(actor, scope => release(scope, accountId, version)).catch(() => {
      // The claim lapses by itself; what the adapter said is what matters.
    })
    throw error
  }
  for (let tries = 1; ; tries += 1) {
    try {
      return await within(actor, scope => saveRenewed(scope, accountId, version, fresh))
    } catch (error) {
      if (!(error instanceof Unavailable) || tries >= saveTries) throw error
      await wait(pollMs * 2 ** tries)
    }
  }
}

/** An answer that leaves a token out, or has it empty, never costs us the one we hold. */
function keepWhatIsMissing(current: Secret, given: Secret): Secret {
  const filled = Object.entries(given ?? {}).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  )
  if (filled.length === 0)
    throw new Error('A renewal answered with no credential at all; the one there is was kept')
  return { ...current, ...Object.fromEntries(filled) }
}

/** Saves by compare-and-swap: when somebody reconnected the account meanwhile, theirs is newer and is what counts. */
async function saveRenewed(scope: Scope, accountId: string, version: number, fresh: Secret): Promise<Secret> {
  const [row] = await scope.sql`
    select secret, secret_version from social_accounts where id = ${accountId} and removed_at is null for update`
  if (!row) throw new NotFound('This account was removed meanwhile.')
  if (row.secret_version !== version) return openSecret(scope, accountId, row.secret as Uint8Array | null)
  await scope.sql`
    update social_accounts set secret = ${sealSecret(scope, accountId, fresh)},
      secret_version = secret_version + 1, renewing_until = null
    where id = ${accountId} and secret_version = ${version}`
  return fresh
}

async function release(scope: Scope, accountId: string, version: number): Promise<void> {
  await scope.sql`
    update social_accounts set renewing_until = null where id = ${accountId} and secret_version = ${version}`
}
