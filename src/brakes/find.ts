import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { idKey, type ListQuery, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId } from '../lib/id.ts'
import { brakeOn, isOn } from '../publishing/braked.ts'
import type { Brake, BrakeScope } from './schema.ts'

/** A brake that is on, as a page tells of it. */
export interface OpenBrake {
  id: string
  about: string
  reason: string
  until: Date | null
}

/** The brakes that are on: those on everything first, then the oldest. */
export async function openBrakes({ sql }: Scope): Promise<OpenBrake[]> {
  const rows = await sql`
    select b.id, b.about, b.reason, b.ends_at from brakes b where ${isOn(sql)}
    order by b.scope <> 'workspace', b.created_at, b.id`
  return rows.map(row => ({
    id: row.id as string,
    about: row.about as string,
    reason: row.reason as string,
    until: row.ends_at as Date | null,
  }))
}

/** Brakes that are or were on, the newest first. @throws Malformed `bad_cursor` */
export async function listBrakes(scope: Scope, { limit, cursor }: ListQuery): Promise<Page<Brake>> {
  const after = readCursor(cursor, [idKey])?.[0] ?? null
  const rows = await select(scope, scope.sql`(${after}::uuid is null or b.id < ${after}::uuid)`, limit + 1)
  return pageOf(rows, limit, last => [last.id])
}

/** @throws NotFound */
export async function readBrake(scope: Scope, id: string): Promise<Brake> {
  const [brake] = isId(id) ? await select(scope, scope.sql`b.id = ${id}`, 1) : []
  if (!brake) throw new NotFound()
  return brake
}

async function select({ sql }: Scope, which: unknown, limit: number): Promise<Brake[]> {
  // A post that two brakes are on counts for the older one.
  const rows = await sql`
    with held as materialized (
      select ${brakeOn(sql)} as id from publish_jobs j where j.state = 'held' and j.held_for = 'brake'
    )
    select b.id, b.scope, b.value, b.about, b.reason, b.ends_at, b.created_at, b.released_at,
      (select name from users u where u.id = b.created_by) as created_by,
      (select name from users u where u.id = b.released_by) as released_by,
      (select count(*)::int from held where held.id = b.id) as holds
    from brakes b where ${which} order by b.id desc limit ${limit}`
  return rows.map(row => ({
    id: row.id as string,
    scope: row.scope as BrakeScope,
    value: row.value as string | null,
    about: row.about as string,
    reason: row.reason as string,
    until: (row.ends_at as Date | null)?.toISOString() ?? null,
    createdAt: (row.created_at as Date).toISOString(),
    createdBy: row.created_by as string | null,
    releasedAt: (row.released_at as Date | null)?.toISOString() ?? null,
    releasedBy: row.released_by as string | null,
    holds: row.holds as number,
  }))
}

/** What a brake could be put on, each with how many posts are planned there. */
export interface BrakeChoices {
  planned: number
  accounts: { id: string; name: string; platform: string; planned: number }[]
  tags: { tag: string; planned: number }[]
}

export async function brakeChoices({ sql }: Scope): Promise<BrakeChoices> {
  const [[all], accounts, tags] = await Promise.all([
    sql`select count(*)::int as planned from publish_jobs where state in ('scheduled', 'publishing')`,
    sql`
      select a.id, a.name, a.platform,
        (select count(*)::int from publish_jobs j where j.account_id = a.id and j.state in ('scheduled', 'publishing')) as planned
      from social_accounts a where a.removed_at is null order by a.name, a.id limit 200`,
    sql`
      select tag, count(j.id)::int as planned from content c cross join unnest(c.tags) tag
      left join publish_jobs j on j.content_id = c.id and j.state in ('scheduled', 'publishing')
      where c.state <> 'archived' group by tag order by count(j.id) desc, tag limit 200`,
  ])
  return {
    planned: all?.planned as number,
    accounts: accounts.map(row => ({
      id: row.id as string,
      name: row.name as string,
      platform: row.platform as string,
      planned: row.planned as number,
    })),
    tags: tags.map(row => ({ tag: row.tag as string, planned: row.planned as number })),
  }
}
