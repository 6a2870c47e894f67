import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import { may } from '../permissions.ts'
import type { Json, Limits, PlatformId } from '../platforms/platform.ts'

/** A connected profile as the API answers it and the pages show it. Never with its secret. */
export interface SocialAccount {
  id: string
  platform: PlatformId
  name: string
  handle: string
  state: 'connected' | 'reconnect'
  /** Why it needs reconnecting, in words; null while it is connected. */
  reason: string | null
  /** What it takes; a Mastodon server has limits of its own. */
  limits: Limits
  profileUrl: string | null
  /** Where it leads (a server, a webhook's address); empty for roles that may not manage accounts. */
  settings: Record<string, Json>
  createdAt: string
}

/** The accounts that posts can go to, in the order in which they were connected; the own feed is first. */
export async function listAccounts(scope: Scope): Promise<SocialAccount[]> {
  const rows = await scope.sql`
    select id, platform, name, handle, state, state_reason, limits, profile_url, settings, created_at
    from social_accounts where removed_at is null order by id`
  return rows.map(row => toAccount(scope, row))
}

/** The same, a page at a time. @throws Malformed `bad_cursor` */
export async function pageAccounts(
  scope: Scope,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<Page<SocialAccount>> {
  const [after = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select id, platform, name, handle, state, state_reason, limits, profile_url, settings, created_at
    from social_accounts
    where removed_at is null and (${after}::uuid is null or id > ${after}::uuid) order by id limit ${limit + 1}`
  return pageOf(
    rows.map(row => toAccount(scope, row)),
    limit,
    last => [last.id],
  )
}

/** @throws NotFound for an id that is unknown, removed, malformed or another tenant's */
export async function readAccount(scope: Scope, id: string): Promise<SocialAccount> {
  const [row] = isId(id)
    ? await scope.sql`
        select id, platform, name, handle, state, state_reason, limits, profile_url, settings, created_at
        from social_accounts where id = ${id} and removed_at is null`
    : []
  if (!row) throw new NotFound()
  return toAccount(scope, row)
}

/** A post that reached the rehearsal network. */
export interface Arrival {
  id: string
  text: string
  images: { id: string; alt: string }[]
  arrivedAt: string
}

/** What arrived at a rehearsal account, newest first. */
export async function listArrivals(scope: Scope, accountId: string, limit = 50): Promise<Arrival[]> {
  const rows = await scope.sql`
    select id, text, images, arrived_at from rehearsal_posts
    where account_id = ${accountId} order by arrived_at desc, id desc limit ${limit}`
  return rows.map(row => ({
    id: row.id as string,
    text: row.text as string,
    images: row.images as Arrival['images'],
    arrivedAt: (row.arrived_at as Date).toISOString(),
  }))
}

function toAccount(scope: Scope, row: Record<string, unknown>): SocialAccount {
  return {
    id: row.id as string,
    platform: row.platform as PlatformId,
    name: row.name as string,
    handle: row.handle as string,
    state: row.state as SocialAccount['state'],
    reason: row.state_reason as string | null,
    limits: row.limits as Limits,
    profileUrl: row.profile_url as string | null,
    settings: may(scope.actor, 'accounts.manage') ? (row.settings as Record<string, Json>) : {},
    createdAt: (row.created_at as Date).toISOString(),
  }
}
