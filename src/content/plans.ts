import type { Scope } from '../db/scope.ts'
import type { PlatformId } from '../platforms/platform.ts'
import type { JobState } from '../publishing/schema.ts'

/** What became of a piece: its next job or, when none is to come, its last, and all its platforms. */
export interface Plan {
  state: JobState
  at: Date
  zone: string
  platforms: PlatformId[]
}

/** The plans of these pieces; one that was never planned is not among them. */
export async function plansOf(scope: Scope, contentIds: readonly string[]): Promise<Map<string, Plan>> {
  if (contentIds.length === 0) return new Map()
  const rows = await scope.sql`
    select distinct on (j.content_id) j.content_id, j.state, coalesce(j.published_at, j.run_at) as at, j.zone,
      array(select distinct a.platform from publish_jobs every join social_accounts a on a.id = every.account_id
        where every.content_id = j.content_id and every.state <> 'cancelled' order by a.platform) as platforms
    from publish_jobs j
    where j.content_id = any(${[...contentIds]}::uuid[]) and j.state <> 'cancelled' and j.first_comment_of is null
    order by j.content_id,
      case j.state when 'unconfirmed' then 0 when 'failed' then 1 when 'publishing' then 2 when 'held' then 3
        when 'scheduled' then 4 else 5 end,
      case when j.state in ('scheduled', 'held') then j.run_at end, j.run_at desc`
  return new Map(
    rows.map(row => [
      row.content_id as string,
      {
        state: row.state as JobState,
        at: row.at as Date,
        zone: row.zone as string,
        platforms: row.platforms as PlatformId[],
      },
    ]),
  )
}
