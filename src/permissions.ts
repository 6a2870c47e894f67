import { Forbidden } from './errors.ts'

export const roles = ['owner', 'admin', 'editor', 'author', 'reviewer'] as const
export type Role = (typeof roles)[number]

/** Who may do what. Both doors and every move ask this one table; the system (worker, clock) may do everything. */
const table = {
  'workspace.erase': ['owner'],
  'workspace.export': ['owner'],
  'workspace.rename': ['owner'],
  'workspace.change': ['owner', 'admin'],
  'people.manage': ['owner', 'admin'],
  'accounts.manage': ['owner', 'admin'],
  'workflows.manage': ['owner', 'admin'],
  'webhooks.manage': ['owner', 'admin'],
  'keys.manage': ['owner', 'admin', 'editor'],
  'content.write': ['owner', 'admin', 'editor', 'author'],
  'content.approve': ['owner', 'admin', 'editor', 'reviewer'],
  'content.comment': ['owner', 'admin', 'editor', 'author', 'reviewer'],
  'content.read': ['owner', 'admin', 'editor', 'author', 'reviewer'],
  'media.write': ['owner', 'admin', 'editor', 'author'],
  'jobs.schedule': ['owner', 'admin', 'editor'],
  'brakes.use': ['owner', 'admin', 'editor'],
} as const satisfies Record<string, readonly Role[]>

export type Permission = keyof typeof table

export interface Bearer {
  role: Role | 'system'
}

export function may(bearer: Bearer, permission: Permission): boolean {
  return bearer.role === 'system' || (table[permission] as readonly Role[]).includes(bearer.role)
}

const words: Record<Permission, string> = {
  'workspace.erase': 'erase the workspace',
  'workspace.export': 'export the workspace',
  'workspace.rename': 'change the address of the workspace',
  'workspace.change': 'change the workspace',
  'people.manage': 'manage people',
  'accounts.manage': 'manage accounts',
  'workflows.manage': 'manage workflows',
  'webhooks.manage': 'manage event webhooks',
  'keys.manage': 'make API keys',
  'content.write': 'write content',
  'content.approve': 'approve content',
  'content.comment': 'comment',
  'content.read': 'read content',
  'media.write': 'add pictures',
  'jobs.schedule': 'schedule posts',
  'brakes.use': 'put a brake on or take it off',
}

/** @throws Forbidden in words when the role is too low. */
export function allow(scope: { actor: Bearer }, permission: Permission): void {
  if (may(scope.actor, permission)) return
  const able = new Intl.ListFormat('en', { type: 'disjunction' }).format(table[permission])
  throw new Forbidden(`Your role (${scope.actor.role}) may not ${words[permission]}. Ask an ${able}.`)
}
