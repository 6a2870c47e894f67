import { z } from 'zod'
import { role } from '../auth/schema.ts'
import { endSessions } from '../auth/session.ts'
import type { Scope } from '../db/scope.ts'
import { Conflict, Forbidden, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId, newId } from '../lib/id.ts'
import { allow, type Role } from '../permissions.ts'

export interface User {
  id: string
  name: string
  email: string
  role: Role
  createdAt: string
}

export const UserChange = z.strictObject({ role })
export type UserChange = z.infer<typeof UserChange>

interface NewUser {
  name: string
  email: string
  role: Role
  passwordHash: string
}

const toUser = (row: Record<string, unknown>): User => ({
  id: row.id as string,
  name: row.name as string,
  email: row.email as string,
  role: row.role as Role,
  createdAt: (row.created_at as Date).toISOString(),
})

/** Adds a login and its entry in the sign-in directory. @throws Conflict when the address has one here already. */
export async function addUser(scope: Scope, user: NewUser): Promise<string> {
  const id = newId()
  const [taken] =
    await scope.sql`select 1 from users where lower(email) = ${user.email.toLowerCase()} and removed_at is null`
  if (taken) throw new Conflict(`${user.email} already has a login in this workspace.`)
  await scope.sql`
    insert into users (id, name, email, role, password_hash)
    values (${id}, ${user.name}, ${user.email}, ${user.role}, ${user.passwordHash})`
  await scope.sql`
    insert into sign_in_directory (address_hash, role, tenant_id)
    values (${scope.hashAddress(user.email)}, ${scope.tenant.schema}, ${scope.tenant.id})
    on conflict do nothing`
  await record(scope, 'user.joined', id, { role: user.role })
  return id
}

/** People with a login, in the order they joined. @throws Malformed `bad_cursor` */
export async function listUsers(
  scope: Scope,
  { limit = 50, cursor }: { limit?: number | undefined; cursor?: string | undefined } = {},
): Promise<Page<User>> {
  const [after = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select id, name, email, role, created_at from users
    where removed_at is null and (${after}::uuid is null or id > ${after}::uuid)
    order by id limit ${limit + 1}`
  return pageOf(rows.map(toUser), limit, last => [last.id])
}

/** @throws NotFound */
export async function readUser(scope: Scope, id: string): Promise<User> {
  const rows = isId(id)
    ? await scope.sql`select id, name, email, role, created_at from users where id = ${id} and removed_at is null`
    : []
  if (!rows[0]) throw new NotFound()
  return toUser(rows[0])
}

/** Changes a role. @throws Forbidden, NotFound, Conflict when nobody would be left as owner */
export async function changeUser(scope: Scope, id: string, change: UserChange): Promise<User> {
  allow(scope, 'people.manage')
  const user = await readUser(scope, id)
  onlyOwnersTouchOwners(scope, user, change.role)
  if (user.role === 'owner' && change.role !== 'owner') await keepAnOwner(scope, id)
  if (user.role === change.role) return user
  await scope.sql`update users set role = ${change.role} where id = ${id}`
  await record(scope, 'user.changed', id, { from: user.role, to: change.role })
  return { ...user, role: change.role }
}

/** Takes the login away at once: sessions and keys end, what the person wrote stays. */
export async function removeUser(scope: Scope, id: string): Promise<void> {
  allow(scope, 'people.manage')
  const user = await readUser(scope, id)
  onlyOwnersTouchOwners(scope, user, user.role)
  if (user.role === 'owner') await keepAnOwner(scope, id)
  await endSessions(scope, id)
  await scope.sql`delete from api_keys where user_id = ${id}`
  await scope.sql`delete from invitations where user_id = ${id} and used_at is null`
  await scope.sql`update users set removed_at = public.clock() where id = ${id}`
  await scope.sql`delete from sign_in_directory where address_hash = ${scope.hashAddress(user.email)}`
  await record(scope, 'user.removed', id)
}

function onlyOwnersTouchOwners(scope: Scope, user: User, wanted: Role): void {
  const touched = user.role === 'owner' || wanted === 'owner'
  if (touched && scope.actor.role !== 'owner' && scope.actor.role !== 'system')
    throw new Forbidden('Only an owner may make, change or remove an owner.')
}

async function keepAnOwner(scope: Scope, id: string): Promise<void> {
  const rows = await scope.sql`
    select id from users where role = 'owner' and removed_at is null order by id for update`
  if (!rows.some(row => row.id !== id))
    throw new Conflict('A workspace needs at least one owner. Make somebody else an owner first.')
}
