import type { Scope } from '../db/scope.ts'
import { Conflict, Forbidden, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { type Found, findLink, makeLink, useLink } from './links.ts'
import { endSessions } from './session.ts'
import { proofOf } from './sign-in.ts'

/** Seconds a reset link is good for. */
export const resetSeconds = 3600

/** What the current password is compared with, outside any transaction. */
export async function ownPasswordHash(scope: Scope): Promise<string> {
  const [row] = await scope.sql`
    select password_hash from users where id = ${scope.actor.userId} and removed_at is null`
  if (!row) throw new NotFound()
  return row.password_hash as string
}

/**
 * Gives the user a new password: all other sessions and every open reset link end with the former one.
 * @param former the hash that the present password was compared with
 * @throws Conflict when the password was changed meanwhile
 */
export async function changePassword(
  scope: Scope,
  hashes: { former: string; next: string },
  sessionId: string | null,
): Promise<void> {
  const userId = scope.actor.userId
  const changed = await scope.sql`
    update users set password_hash = ${hashes.next}
    where id = ${userId} and password_hash = ${hashes.former} and removed_at is null returning id`
  if (changed.length === 0 || !userId)
    throw new Conflict('Your password was changed somewhere else just now. Sign in again with the new one.')
  await endSessions(scope, userId, sessionId)
  await endResets(scope, userId)
  await record(scope, 'user.password_changed', userId)
}

/** Makes a reset link's token. Only the operator may: a link for an owner is the owner's key. @throws NotFound */
export async function makeReset(
  scope: Scope,
  email: string,
): Promise<{ id: string; token: string; expiresAt: string; email: string; userId: string }> {
  if (scope.actor.role !== 'system') throw new Forbidden('Only the operator makes reset links.')
  const [user] = await scope.sql`
    select id, email from users where lower(email) = ${email.trim().toLowerCase()} and removed_at is null`
  if (!user) throw new NotFound(`${email} has no login in ${scope.tenant.slug}.`)
  const about = { email: user.email as string, userId: user.id as string }
  await endResets(scope, about.userId)
  return { ...(await makeLink(scope, 'reset', about, resetSeconds)), ...about }
}

/** The reset link behind a token; one whose user was removed is unknown. */
export async function findReset(scope: Scope, token: string): Promise<Found> {
  const found = await findLink(scope, 'reset', token)
  if (found.state !== 'open') return found
  const [user] = await scope.sql`select 1 from users where id = ${found.link.userId} and removed_at is null`
  return user ? found : { state: 'unknown' }
}

/** Sets the new password by a link, once, and ends every session of the user. */
export async function resetPassword(
  scope: Scope,
  token: string,
  passwordHash: string,
): Promise<Found & { login?: { tenantId: string; userId: string; proof: string } }> {
  const found = await findReset(scope, token)
  if (found.state !== 'open' || !found.link.userId) return found
  if (!(await useLink(scope, found.link.id))) return { state: 'used' }
  await scope.sql`update users set password_hash = ${passwordHash} where id = ${found.link.userId}`
  await endSessions(scope, found.link.userId)
  await endResets(scope, found.link.userId)
  await record(scope, 'user.password_changed', found.link.userId, { by: 'link' })
  return {
    ...found,
    login: { tenantId: scope.tenant.id, userId: found.link.userId, proof: proofOf(passwordHash) },
  }
}

async function endResets(scope: Scope, userId: string): Promise<void> {
  await scope.sql`
    delete from invitations where purpose = 'reset' and user_id = ${userId} and used_at is null`
}
