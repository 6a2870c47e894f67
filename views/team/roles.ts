import type { User } from '../../src/team/users.ts'
import type { Option } from '../ui/index.tsx'

export type Role = User['role']

/** What each role may do, in one line. */
const roleWords: Record<Role, string> = {
  owner: 'Everything, and erasing the workspace',
  admin: 'People, accounts and settings, and all below',
  editor: 'Writes, approves others’ work, schedules',
  author: 'Writes and submits',
  reviewer: 'Comments and approves',
}
const roleName = (role: Role): string => role.charAt(0).toUpperCase() + role.slice(1)
/** Roles to choose from, each with what it may do. */
export const options = (roles: readonly Role[]): Option[] =>
  roles.map(role => ({ value: role, label: roleName(role), hint: roleWords[role] }))
/** Owners are made by owners, never invited. */
export const invitable: readonly Role[] = ['admin', 'editor', 'author', 'reviewer']
