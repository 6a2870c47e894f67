/** What a tenant has due, and what of it is put aside instead of being sent. */
import type { Scope } from '../db/scope.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { brakeOn, holdBraked } from '../publishing/braked.ts'
import { holdTooLate, tooLate } from '../publishing/late.ts'
import { backlogSeconds, spreadLate } from '../publishing/spread.ts'
import { type Resting, type RestingServers, restOfAccount, waitForLimits } from './rests.ts'

/** Why a due job is not to be sent now. */
type Aside = 'brake' | 'late' | 'backlog' | 'limit'
/** A due job's row. */
export type Found = Record<string, unknown> & { aside: Aside | null; rest: Resting | null }

/** The due jobs, locked, each with why it is not to be sent. What may have been sent is to be looked for in any case. */
export async function findDue(
  { sql }: Scope,
  most: number,
  servers: RestingServers,
  full: readonly PlatformId[],
): Promise<Found[]> {
  const rows = await sql`
    select j.id, j.state, j.attempt_id, j.content_id, j.version_id, j.account_id, j.run_at, j.tries, j.steps, a.platform, a.settings, a.rests_until,
      j.first_comment_of, (select above.remote_id from publish_jobs above where above.id = j.first_comment_of) as answers_to,
      extract(epoch from public.clock() - j.run_at)::float8 as late, public.clock() as now,
      (select approval_required from workspace) as approval_required, (select zone from workspace) as zone,
      case when j.state = 'publishing' and (select armed_at is not null from publish_attempts where id = j.attempt_id) then null
        when ${brakeOn(sql)} is not null then 'brake'
        when ${tooLate(sql)} then 'late'
        when j.state = 'scheduled' and j.next_try_at is null
          and j.run_at <= public.clock() - ${backlogSeconds} * interval '1 second' then 'backlog' end as aside
    from publish_jobs j join social_accounts a on a.id = j.account_id
    where a.platform <> all(${[...full]}::text[]) and ((j.state = 'publishing' and j.lease_until <= public.clock())
      or (j.state = 'scheduled' and coalesce(j.next_try_at, j.run_at) <= public.clock()
        and not exists (select 1 from publish_jobs busy where busy.account_id = j.account_id and busy.state = 'publishing')))
    order by coalesce(j.next_try_at, j.run_at), j.id
    limit ${most * 4}
    for update of j skip locked`
  return rows.map(row => {
    const rest = row.state === 'scheduled' ? restOfAccount(row, servers) : null
    return { ...row, rest, aside: (row.aside as Aside | null) ?? (rest && 'limit') }
  })
}

/** So many are held in one claim: each is told to those who can answer. */
const mostAside = 50

/** @returns how many were held, or given a later moment */
export async function putAside(scope: Scope, found: readonly Found[], beside: boolean): Promise<number> {
  const those = (aside: Aside) => found.filter(row => row.aside === aside)
  const braked = those('brake')
  // A brake that is just being taken off would not see what is held for it: that is left to the next look.
  const held = [...(beside ? braked : []), ...those('late')].slice(0, mostAside)
  const backlog = those('backlog')
  const broken = held.filter(row => row.state === 'publishing')
  if (broken.length > 0) {
    await takeOver(scope, broken)
    await scope.sql`
      update publish_jobs set state = 'scheduled', lease_until = null where id = any(${broken.map(idOf)}::uuid[])`
  }
  const ids = held.map(idOf)
  if (ids.length > 0) {
    await holdBraked(scope, { ids })
    await holdTooLate(scope, ids)
  }
  if (backlog.length > 0) await spreadLate(scope, [...new Set(backlog.map(row => row.account_id as string))])
  const resting = those('limit').flatMap(({ rest }) => rest ?? [])
  if (resting.length > 0) await waitForLimits(scope, resting)
  return held.length + backlog.length + resting.length
}

const idOf = (row: Found) => row.id as string

export interface Former {
  armedAt: Date | null
  lost: number
}

/** Ends the attempts of workers that let go. @returns what is known of them, by attempt */
export async function takeOver(
  { sql }: Scope,
  chosen: readonly Record<string, unknown>[],
): Promise<Map<string, Former>> {
  const former = chosen.filter(row => row.state === 'publishing').map(row => row.attempt_id as string)
  if (former.length === 0) return new Map()
  await sql`
    update publish_attempts set ended_at = public.clock(), outcome = coalesce(outcome, 'lost')
    where id = any(${former}::uuid[]) and ended_at is null`
  const rows = await sql`
    select a.id, a.armed_at,
      (select count(*)::int from publish_attempts every where every.job_id = a.job_id and every.outcome = 'lost') as lost
    from publish_attempts a where a.id = any(${former}::uuid[])`
  return new Map(
    rows.map(row => [row.id as string, { armedAt: row.armed_at as Date | null, lost: row.lost as number }]),
  )
}
