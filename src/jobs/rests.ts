import type { Database } from '../db/database.ts'
import type { Scope } from '../db/scope.ts'
import { platforms } from '../platforms/index.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { type Rest, serverOf } from '../platforms/rest.ts'
import { waitsForLimit } from '../publishing/schema.ts'

/** Servers that take no more calls from this installation, and until when by the database's clock. */
export type RestingServers = ReadonlyMap<string, Date>

/** Known to every process: it stands in the database, where only the app's own login reads it. */
export async function restingServers({ sql }: Pick<Database, 'sql'>): Promise<RestingServers> {
  const rows = await sql`select host, until from public.resting_servers where until > public.clock()`
  return new Map(rows.map(row => [row.host as string, row.until as Date]))
}

export async function restServer(
  { sql }: Pick<Database, 'sql'>,
  { host, forMs }: Pick<Rest, 'host' | 'forMs'>,
): Promise<void> {
  await sql`
    with over as (delete from public.resting_servers where until < public.clock() - interval '1 day' and host <> ${host})
    insert into public.resting_servers as r (host, until)
    values (${host}, public.clock() + ${forMs} * interval '1 millisecond')
    on conflict (host) do update set until = greatest(r.until, excluded.until)`
}

export interface AccountRest {
  accountId: string
  forMs: number
}

/** Writes down that the accounts' limits are used up; nothing of theirs is begun before they are renewed. */
export async function restAccounts({ sql }: Scope, rests: readonly AccountRest[]): Promise<void> {
  await sql`
    update social_accounts a
    set rests_until = greatest(a.rests_until, public.clock() + given.ms * interval '1 millisecond')
    from unnest(${rests.map(({ accountId }) => accountId)}::uuid[], ${rests.map(({ forMs }) => Math.ceil(forMs))}::bigint[]) given (id, ms)
    where a.id = given.id`
}

export interface Resting {
  accountId: string
  platform: PlatformId
  until: Date
}

/** Whether a due job's account has to wait for its limit or for its server's; null when it does not. */
export function restOfAccount(row: Record<string, unknown>, servers: RestingServers): Resting | null {
  const server = serverOf(row.settings as Record<string, unknown>)
  const moments = [row.rests_until as Date | null, server === null ? undefined : servers.get(server)]
  const until = Math.max(...moments.map(at => at?.getTime() ?? 0))
  if (until <= (row.now as Date).getTime()) return null
  return {
    accountId: row.account_id as string,
    platform: row.platform as PlatformId,
    until: new Date(until),
  }
}

/**
 * Lets what is due on resting accounts wait until their limit is renewed, each account's posts in their order, and says
 * so at the posts. One a millisecond: the order is all that the distance is for.
 */
export async function waitForLimits({ sql }: Scope, resting: readonly Resting[]): Promise<void> {
  const accounts = [...new Map(resting.map(one => [one.accountId, one])).values()]
  const words = accounts.map(({ platform }) =>
    JSON.stringify({
      code: waitsForLimit,
      message: `${platforms[platform].name} takes no more posts from here until its limit is renewed.`,
      next: 'Nothing to do: it goes out by itself then.',
      link: null,
    }),
  )
  await sql`
    with given as (
      select given.account_id, given.until, given.error
      from unnest(${accounts.map(({ accountId }) => accountId)}::uuid[], ${accounts.map(({ until }) => until.toISOString())}::text[]::timestamptz[],
        ${words}::text[]::jsonb[]) given (account_id, until, error)),
    waiting as materialized (
      select j.id, j.account_id, j.run_at from publish_jobs j join given using (account_id)
      where j.state = 'scheduled'
        and (coalesce(j.next_try_at, j.run_at) <= public.clock() or j.error->>'code' = ${waitsForLimit})
      for update of j skip locked),
    turns as (
      select id, account_id, row_number() over (partition by account_id order by run_at, id) as turn from waiting)
    update publish_jobs j set next_try_at = given.until + turns.turn * interval '1 millisecond', error = given.error
    from turns join given using (account_id) where j.id = turns.id`
}
