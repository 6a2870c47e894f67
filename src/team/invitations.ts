import { z } from 'zod'
import { findLink, makeLink, useLink } from '../auth/links.ts'
import { email } from '../auth/schema.ts'
import type { Scope } from '../db/scope.ts'
import type { DeliveryState } from '../deliveries/schema.ts'
import { Conflict, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import { invitationLetter } from '../mail/letters.ts'
import { postMails } from '../mail/outbox.ts'
import { allow, type Role } from '../permissions.ts'
import { addUser } from './users.ts'

/** Everybody but an owner can be invited; owners are made by owners. */
export const invitableRoles = ['admin', 'editor', 'author', 'reviewer'] as const
/** Seconds an invitation is good for. */
export const invitationSeconds = 7 * 24 * 3600

export const NewInvitation = z.strictObject({
  email,
  role: z.enum(invitableRoles, { error: `must be one of ${invitableRoles.join(', ')}` }),
})
export type NewInvitation = z.infer<typeof NewInvitation>

export interface Invitation {
  id: string
  email: string
  role: (typeof invitableRoles)[number]
  state: 'open' | 'expired'
  /** Name of who invited, null when that login is gone. */
  invitedBy: string | null
  /** What became of its mail; null when none was sent. */
  mail: DeliveryState | null
  createdAt: string
  expiresAt: string
}

/**
 * Invites an address. An earlier invitation of it that was not used is replaced: its link ends.
 * @returns the invitation and the token of its link, which is kept nowhere
 * @throws Conflict when the address has a login here
 */
export async function invite(
  scope: Scope,
  given: NewInvitation,
): Promise<{ invitation: Invitation; token: string }> {
  allow(scope, 'people.manage')
  const address = given.email.toLowerCase()
  const [taken] = await scope.sql`
    select 1 from users where lower(email) = ${address} and removed_at is null`
  if (taken)
    throw new Conflict(`${given.email} already has a login in this workspace. Change the role instead.`)
  await scope.sql`
    delete from invitations where purpose = 'join' and lower(email) = ${address} and used_at is null`
  const made = await makeLink(scope, 'join', given, invitationSeconds)
  await record(scope, 'user.invited', made.id, { role: given.role })
  const [inviter] = await scope.sql`select name from users where id = ${scope.actor.userId}`
  const invitation: Invitation = {
    id: made.id,
    email: given.email,
    role: given.role,
    state: 'open',
    invitedBy: (inviter?.name as string | undefined) ?? null,
    mail: null,
    createdAt: made.createdAt,
    expiresAt: made.expiresAt,
  }
  return { invitation, token: made.token }
}

/** Mails the link of an invitation, in the transaction that made it. */
export async function mailInvitation(scope: Scope, invitation: Invitation, link: string): Promise<void> {
  const [workspace] = await scope.sql`select name, zone from workspace`
  await postMails(scope, [
    {
      purpose: 'invitation',
      to: invitation.email,
      userId: null,
      subjectId: invitation.id,
      letter: invitationLetter({
        workspace: workspace?.name as string,
        inviter: invitation.invitedBy,
        role: invitation.role,
        link,
        expiresAt: invitation.expiresAt,
        zone: workspace?.zone as string,
      }),
    },
  ])
}

/** Invitations that nobody has taken up yet, newest first. @throws Malformed `bad_cursor` */
export async function listInvitations(
  scope: Scope,
  { limit = 50, cursor }: { limit?: number | undefined; cursor?: string | undefined } = {},
): Promise<Page<Invitation>> {
  allow(scope, 'people.manage')
  const [before = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select i.id, i.email, i.role, i.created_at, i.expires_at, i.expires_at <= public.clock() as expired, u.name,
      (select d.state from deliveries d where d.subject_id = i.id order by d.id desc limit 1) as mail
    from invitations i left join users u on u.id = i.invited_by and u.removed_at is null
    where i.purpose = 'join' and i.used_at is null and (${before}::uuid is null or i.id < ${before}::uuid)
    order by i.id desc limit ${limit + 1}`
  const invitations = rows.map(
    (row): Invitation => ({
      id: row.id as string,
      email: row.email as string,
      role: row.role as Invitation['role'],
      state: row.expired ? 'expired' : 'open',
      invitedBy: row.name as string | null,
      mail: row.mail as DeliveryState | null,
      createdAt: (row.created_at as Date).toISOString(),
      expiresAt: (row.expires_at as Date).toISOString(),
    }),
  )
  return pageOf(invitations, limit, last => [last.id])
}

/** Takes an invitation back: its link ends at once. @throws NotFound */
export async function revokeInvitation(scope: Scope, id: string): Promise<void> {
  allow(scope, 'people.manage')
  const gone = isId(id)
    ? await scope.sql`
        delete from invitations where id = ${id} and purpose = 'join' and used_at is null returning id`
    : []
  if (gone.length === 0) throw new NotFound()
}

export interface Welcome {
  workspace: string
  email: string
  role: Role
}

export type Invited = { state: 'open'; welcome: Welcome } | { state: 'used' | 'expired' | 'unknown' }

/** What an invitation's page says to whoever holds the link. */
export async function readWelcome(scope: Scope, token: string): Promise<Invited> {
  const found = await findLink(scope, 'join', token)
  if (found.state !== 'open') return found
  const { email: address, role } = found.link
  const [row] = await scope.sql`select name from workspace`
  if (!row || !role) return { state: 'unknown' }
  return { state: 'open', welcome: { workspace: row.name as string, email: address, role } }
}

/**
 * Takes an invitation up, once. The hash is made before, outside the transaction.
 * @returns the new user's id, or null when the link is not open any more
 * @throws Conflict when the address has got a login here meanwhile
 */
export async function join(
  scope: Scope,
  token: string,
  person: { name: string; passwordHash: string },
): Promise<string | null> {
  const found = await findLink(scope, 'join', token)
  if (found.state !== 'open' || !found.link.role || !(await useLink(scope, found.link.id))) return null
  return addUser(scope, { ...person, email: found.link.email, role: found.link.role })
}
