import { limit } from '../http/limits.ts'
import { tokenHash } from '../lib/id.ts'
import type { Services } from '../services.ts'

type Counting = Pick<Services, 'counter' | 'config'>

const attempts = 5
const windowSeconds = 15 * 60

/** Addresses of people stay out of the counter's names, which Redis keeps and shows. */
const accountName = (email: string) => `sign-in:account:${tokenHash(email.trim().toLowerCase())}`

/**
 * Counts a sign-in by mail address and by network address, before the password is looked at. One count for all
 * workspaces and both doors: trying another door gives no further tries.
 * @throws TooMany
 */
export async function limitSignIn(services: Counting, email: string, address: string): Promise<void> {
  if (!services.config.rateLimit) return
  const words = 'Those were too many sign-ins.'
  await limit(services.counter, `sign-in:address:${address}`, attempts * 4, windowSeconds, words)
  await limit(services.counter, accountName(email), attempts, windowSeconds, words)
}

/** A right password starts the account's count again. */
export const forgetSignIns = (services: Counting, email: string): Promise<void> =>
  services.counter.forget(accountName(email))

/** Links for a new password that may be asked for in an hour, by mail address and by network address. */
const mostResets = 3

/** Counts askings for a new password, the same for an address that has a login and for one that has none. @throws TooMany */
export async function limitResets(services: Counting, email: string, address: string): Promise<void> {
  if (!services.config.rateLimit) return
  const words = 'That was asked for too often.'
  await limit(services.counter, `reset:address:${address}`, mostResets, 3600, words)
  await limit(
    services.counter,
    `reset:account:${tokenHash(email.trim().toLowerCase())}`,
    mostResets,
    3600,
    words,
  )
}

/**
 * Counts tries of something secret other than a sign-in: the set-up code, a link's token, the present password.
 * @param what a name for the counter, e.g. `setup:10.0.0.7`
 * @throws TooMany
 */
export async function limitTries(services: Counting, what: string, most = attempts): Promise<void> {
  if (!services.config.rateLimit) return
  await limit(services.counter, `tries:${what}`, most, windowSeconds, 'Those were too many tries.')
}
