import type { Scope } from '../db/scope.ts'
import { newId, randomToken, tokenHash } from '../lib/id.ts'
import type { Role } from '../permissions.ts'

/** A link that lets somebody in once: an invitation, or a new password. The link holds the token, we its hash. */
export interface Link {
  id: string
  email: string
  role: Exclude<Role, 'owner'> | null
  userId: string | null
}

export type Purpose = 'join' | 'reset'

/** `unknown` is also what a link looks like that was taken back. */
export type Found = { state: 'open'; link: Link } | { state: 'used' | 'expired' | 'unknown' }

/** @returns the secret of the link, which is nowhere else, and when it ends */
export async function makeLink(
  scope: Scope,
  purpose: Purpose,
  about: { email: string; role?: Role; userId?: string },
  seconds: number,
): Promise<{ id: string; token: string; createdAt: string; expiresAt: string }> {
  const id = newId()
  const token = randomToken(32)
  const rows = await scope.sql`
    insert into invitations (id, purpose, token_hash, email, role, user_id, invited_by, expires_at)
    values (${id}, ${purpose}, ${tokenHash(token)}, ${about.email}, ${about.role ?? null}, ${about.userId ?? null},
      ${scope.actor.userId}, public.clock() + ${seconds} * interval '1 second')
    returning created_at, expires_at`
  const time = (name: string) => rows.map(row => (row[name] as Date).toISOString()).join()
  return { id, token, createdAt: time('created_at'), expiresAt: time('expires_at') }
}

export async function findLink(scope: Scope, purpose: Purpose, token: string): Promise<Found> {
  const [row] = await scope.sql`
    select id, email, role, user_id, used_at is not null as used, expires_at <= public.clock() as expired
    from invitations where token_hash = ${tokenHash(token)} and purpose = ${purpose}`
  if (!row) return { state: 'unknown' }
  if (row.used) return { state: 'used' }
  if (row.expired) return { state: 'expired' }
  return {
    state: 'open',
    link: {
      id: row.id as string,
      email: row.email as string,
      role: row.role as Link['role'],
      userId: row.user_id as string | null,
    },
  }
}

/** Uses a link up: of two who try at once, one gets it. @returns false when it is not open any more */
export async function useLink(scope: Scope, id: string): Promise<boolean> {
  const used = await scope.sql`
    update invitations set used_at = public.clock()
    where id = ${id} and used_at is null and expires_at > public.clock() returning id`
  return used.length > 0
}
