import { wakeAt } from '../db/due.ts'
import type { Scope, ScopedSql } from '../db/scope.ts'
import { record } from '../events.ts'
import { sendOrAsk, tooLate } from './late.ts'
import { spreadLate } from './spread.ts'

/** A part of a statement over `brakes b`: that it is on now. One whose time is over holds nothing, even before it is taken off. */
export const isOn = (sql: ScopedSql) =>
  sql`b.released_at is null and coalesce(b.ends_at > public.clock(), true)`

/**
 * A part of a statement over `publish_jobs j`: the id of the oldest brake that holds the job, null when none does. It
 * goes by the tags and the words as they are now, and by the words that this very account sends.
 */
export const brakeOn = (sql: ScopedSql) => sql`(
  select b.id from brakes b
  where ${isOn(sql)} and case b.scope
    when 'workspace' then true
    when 'account' then b.value = j.account_id::text
    when 'tag' then exists (
      select 1 from content tagged cross join unnest(tagged.tags) tag
      where tagged.id = j.content_id and normalize(tag) ~ b.pattern)
    else exists (
      select 1 from content_versions said
      where said.id = j.version_id and normalize(coalesce((
        select own->>'text' from jsonb_array_elements(said.variants) own
        where own->>'accountId' = j.account_id::text limit 1), said.text)) ~ b.pattern)
    end
  order by b.created_at, b.id limit 1)`

/** Which jobs a move looks at: all, those of one piece of content, or those named. */
export interface Among {
  contentId?: string | null
  ids?: readonly string[] | null
}

/**
 * Holds the scheduled jobs that a brake is on, each with the reason on it.
 * @returns the ids of those it held
 */
export async function holdBraked(
  scope: Scope,
  { contentId = null, ids = null }: Among = {},
): Promise<string[]> {
  const held = await scope.sql`
    update publish_jobs j set state = 'held', held_for = 'brake',
      error = jsonb_build_object('code', 'brake', 'message', 'A brake is on ' || k.about || ': ' || k.reason, 'next',
        'It waits until the brake is taken off' || case when k.ends_at is null then '.' else ' or has run out.' end, 'link', null)
    from brakes k
    where j.state = 'scheduled' and (${ids}::uuid[] is null or j.id = any(${ids}::uuid[]))
      and (${contentId}::uuid is null or j.content_id = ${contentId}::uuid) and k.id = ${brakeOn(scope.sql)}
    returning j.id, j.content_id, k.id as brake, k.about, k.reason`
  await Promise.all(
    held.map(({ id, content_id, brake, about, reason }) =>
      record(scope, 'publish_job.held', id as string, {
        contentId: content_id,
        for: 'brake',
        brake,
        about,
        reason,
      }),
    ),
  )
  return held.map(row => row.id as string)
}

/**
 * Lets go what no brake holds any more, under the rules for what is planned. What is late by now goes out spread, and
 * what is later than it may be asks.
 * @param why what took it from the brake, as the rest of "Its moment passed while …"
 */
export async function releaseUnbraked(
  scope: Scope,
  why: string,
  { contentId = null }: Pick<Among, 'contentId'> = {},
): Promise<{ goesOut: number; asks: number }> {
  const { sql } = scope
  const free = await sql`
    select j.id from publish_jobs j
    where j.state = 'held' and j.held_for = 'brake' and (${contentId}::uuid is null or j.content_id = ${contentId}::uuid)
      and ${brakeOn(sql)} is null
    order by j.id for update of j`
  if (free.length === 0) return { goesOut: 0, asks: 0 }
  const waitsFor = sql`
    case when w.approval_required and c.state <> 'approved' then 'approval' when ${tooLate(sql)} then 'late' end`
  const freed = await sql`
    update publish_jobs j set state = case when ${waitsFor} is null then 'scheduled' else 'held' end,
      held_for = ${waitsFor}, tries = 0, first_try_at = null,
      next_try_at = case when j.next_try_at > public.clock() then j.next_try_at end,
      error = case when ${waitsFor} = 'late' then ${sql.json({ code: 'late', message: `Its moment passed while ${why}.`, next: sendOrAsk, link: null })}::jsonb end
    from content c cross join workspace w
    where j.id = any(${free.map(row => row.id as string)}::uuid[]) and c.id = j.content_id
    returning j.id, j.content_id, j.account_id, j.run_at, j.held_for`
  await Promise.all(
    freed.map(({ id, content_id: contentId, held_for: heldFor }) =>
      heldFor === null
        ? record(scope, 'publish_job.released', id as string, { contentId, from: 'brake' })
        : record(scope, 'publish_job.held', id as string, {
            contentId,
            for: heldFor,
            ...(heldFor === 'late' ? { why } : {}),
          }),
    ),
  )
  const going = freed.filter(row => row.held_for === null)
  if (going.length > 0) {
    // A moment ago or an hour ago: what a brake has gathered never goes out in one burst.
    await spreadLate(scope, [...new Set(going.map(row => row.account_id as string))], 0)
    await wakeAt(scope, new Date(Math.min(...going.map(row => (row.run_at as Date).getTime()))))
  }
  return { goesOut: going.length, asks: freed.filter(row => row.held_for === 'late').length }
}

/**
 * Takes the jobs that a brake is on back from their workers, unless they may have been sent already: a worker that asks
 * to send afterwards is refused.
 * @returns how many are under way and cannot be stopped
 */
export async function takeBack(scope: Scope): Promise<number> {
  const { sql } = scope
  // Waits for a worker that is just asking, and sees its answer. What was sent already is left to be recorded.
  const busy = await sql`
    select j.id from publish_jobs j where j.state = 'publishing' and ${brakeOn(sql)} is not null
      and not exists (select 1 from publish_attempts a where a.id = j.attempt_id and a.armed_at is not null)
    order by j.id for update of j`
  const stopped = await sql`
    update publish_attempts a set ended_at = public.clock(), outcome = 'stopped' from publish_jobs j
    where j.id = any(${busy.map(row => row.id as string)}::uuid[]) and j.state = 'publishing' and a.id = j.attempt_id
      and a.armed_at is null and a.ended_at is null returning j.id`
  await sql`
    update publish_jobs set state = 'scheduled', lease_until = null, tries = greatest(tries - 1, 0)
    where id = any(${stopped.map(row => row.id as string)}::uuid[])`
  const [left] = await sql`
    select count(*)::int as jobs from publish_jobs j where j.state = 'publishing' and ${brakeOn(sql)} is not null`
  return (left?.jobs as number | undefined) ?? 0
}
