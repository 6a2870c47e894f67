import type { Scope } from '../db/scope.ts'

/** From so many seconds after its moment on a post is one of a backlog, and keeps a distance to the others of it. */
export const backlogSeconds = 300
/** Seconds between two posts of a backlog on one account: four a minute. */
export const gapSeconds = 15
/** So many places are given at once. */
const mostAtOnce = 1000

/**
 * Gives the late jobs of some accounts, the oldest first, a moment each: one every 15 seconds and account. A job that
 * has a next try already, because it was tried or because a person wants it now, keeps that.
 * @param after seconds that count as late
 */
export async function spreadLate(
  { sql }: Scope,
  accounts: readonly string[],
  after = backlogSeconds,
): Promise<void> {
  await sql`
    with free as materialized (
      select j.id, j.account_id, j.run_at from publish_jobs j
      where j.account_id = any(${accounts}::uuid[]) and j.state = 'scheduled' and j.next_try_at is null
        and j.run_at <= public.clock() - ${after} * interval '1 second'
      order by j.run_at, j.id limit ${mostAtOnce} for update of j skip locked
    ), placed as (
      select id, account_id, row_number() over (partition by account_id order by run_at, id) - 1 as place from free
    ), taken as (
      select account_id, max(next_try_at) as at from publish_jobs
      where account_id = any(${accounts}::uuid[]) and state = 'scheduled' and tries = 0 and run_at <= public.clock()
      group by account_id
    )
    update publish_jobs j set next_try_at = placed.place * ${gapSeconds} * interval '1 second'
      + greatest(public.clock(), taken.at + ${gapSeconds} * interval '1 second')
    from placed left join taken using (account_id) where j.id = placed.id`
}
