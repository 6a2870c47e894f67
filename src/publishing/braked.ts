import { wakeAt } from '../db/due.ts'
import type { Scope, ScopedSql } from '../db/scope.ts'
import { recordAll } from '../events.ts'
import { sendOrAsk, tooLate } from './late.ts'
import { lateUnsure, perhapsOut } from './perhaps.ts'
import { spreadLate } from './spread.ts'

/** A part of a statement over `brakes b`: that it is on now. One whose time is over holds nothing, even before it is taken off. */
export const isOn = (sql: ScopedSql) =>
  sql`b.released_at is null and coalesce(b.ends_at > public.clock(), true)`

/**
 * A part of a statement over `publish_jobs j`: the id of the oldest brake that holds the job, null when none does. It
 * goes by the tags and the words as they are now, and by the words that this very account sends, in
 * all parts and the first comment.
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
      left join lateral (
        select own from jsonb_array_elements(said.variants) own
        where own->>'accountId' = j.account_id::text limit 1) mine on true
      where said.id = j.version_id and normalize(concat_ws(E'\n',
        case when j.first_comment_of is null then coalesce(mine.own->>'text', said.text) end,
        case when j.first_comment_of is null then (
          select string_agg(part->>'text', E'\n') from jsonb_array_elements(
            case when jsonb_typeof(mine.own->'thread') = 'array' then mine.own->'thread' else said.thread end) part) end,
        coalesce(mine.own->>'firstComment', said.first_comment))) ~ b.pattern)
    end
  order by b.created_at, b.id limit 1)`

/**
 * Names the lock between a brake that is put on, which has it alone until it commits, and what plans posts or begins to
 * send them, which shares it. Workers hold their jobs' rows in any order, so a brake that waited for these could wait for
 * ever.
 */
export const brakeKey = ({ tenant }: Scope): string => `brake ${tenant.id}`

/** Until the transaction ends nothing is planned and nothing begins to be sent; what does afterwards sees what it did. */
export async function stopSends(scope: Scope): Promise<void> {
  await scope.sql`select pg_advisory_xact_lock(hashtextextended(${brakeKey(scope)}, 0))`
}

/** Waits for a brake just being put on; what is asked afterwards sees it, and another one waits for this transaction. */
export async function besideBrakes(scope: Scope): Promise<void> {
  await scope.sql`select pg_advisory_xact_lock_shared(hashtextextended(${brakeKey(scope)}, 0))`
}

/**
 * The same for who holds the due row, which brakes need at their end, and so may not wait.
 * @returns false while a brake is being put on or taken off
 */
export async function besideBrakesNow(scope: Scope): Promise<boolean> {
  const [row] = await scope.sql`
    select pg_try_advisory_xact_lock_shared(hashtextextended(${brakeKey(scope)}, 0)) as free`
  return row?.free === true
}

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
  const { sql } = scope
  const held = await sql`
    with found as materialized (
      select j.id, o.brake from publish_jobs j cross join lateral (select ${brakeOn(sql)} as brake offset 0) o
      where j.state = 'scheduled' and (${ids}::uuid[] is null or j.id = any(${ids}::uuid[]))
        and (${contentId}::uuid is null or j.content_id = ${contentId}::uuid) and o.brake is not null
      order by j.id for update of j)
    update publish_jobs j set state = 'held', held_for = 'brake',
      error = jsonb_build_object('code', 'brake', 'message', 'A brake is on ' || k.about || ': ' || k.reason, 'next',
        'It waits until the brake is taken off' || case when k.ends_at is null then '.' else ' or has run out.' end, 'link', null)
    from found join brakes k on k.id = found.brake
    where j.id = found.id and j.state = 'scheduled'
    returning j.id, j.content_id, k.id as brake, k.about, k.reason`
  if (held.length > 0)
    await recordAll(
      scope,
      held.map(({ id, content_id, brake, about, reason }) => ({
        type: 'publish_job.held',
        subjectId: id as string,
        data: { contentId: content_id, for: 'brake', brake, about, reason },
      })),
    )
  return held.map(row => row.id as string)
}

/**
 * Lets go what no brake holds any more, under the rules for what is planned. What is late by now goes out spread, and
 * what is later than it may be asks.
 */
export async function releaseUnbraked(
  scope: Scope,
  { contentId = null }: Pick<Among, 'contentId'> = {},
): Promise<{ goesOut: number; asks: number }> {
  const { sql } = scope
  const free = await sql`
    select j.id from publish_jobs j
    where j.state = 'held' and j.held_for = 'brake' and (${contentId}::uuid is null or j.content_id = ${contentId}::uuid)
      and ${brakeOn(sql)} is null
    order by j.id for update of j`
  if (free.length === 0) return { goesOut: 0, asks: 0 }
  // What has begun and is in time goes on with its tries: its lateness counts from here, because they begin anew.
  const freed = await sql`
    with judged as materialized (
      select j.id, case when w.approval_required and c.state <> 'approved' then 'approval' when not ${tooLate(sql)} then 'nothing'
        when ${perhapsOut(scope)} then 'an answer' else 'late' end as waits_for,
        coalesce((
          select 'a brake was on ' || (e.data->>'about') || ' (' || rtrim(e.data->>'reason', '. ') || ')' from events e
          where e.subject_id = j.id and e.type = 'publish_job.held' and e.data->>'for' = 'brake'
          order by e.id desc limit 1), 'a brake was on it') as why
      from publish_jobs j join content c on c.id = j.content_id cross join workspace w
      where j.id = any(${free.map(row => row.id as string)}::uuid[]))
    update publish_jobs j set
      state = case judged.waits_for when 'nothing' then 'scheduled' when 'an answer' then 'unconfirmed' else 'held' end,
      held_for = case when judged.waits_for in ('approval', 'late') then judged.waits_for end,
      error = case judged.waits_for when 'late' then
          jsonb_build_object('code', 'late', 'message', 'Its moment passed while ' || judged.why || '.', 'next', ${sendOrAsk}::text, 'link', null)
        when 'an answer' then ${sql.json(lateUnsure)}::jsonb end,
      wanted_at = case when j.first_try_at is null then j.wanted_at else public.clock() end,
      tries = 0, first_try_at = null, next_try_at = case when j.next_try_at > public.clock() then j.next_try_at end
    from judged where j.id = judged.id
    returning j.id, j.content_id, j.account_id, j.run_at, j.state, j.held_for, judged.why`
  await recordAll(
    scope,
    freed.map(({ id, content_id: contentId, state, held_for: heldFor, why }) => ({
      subjectId: id as string,
      ...(state === 'scheduled'
        ? { type: 'publish_job.released', data: { contentId, from: 'brake' } }
        : state === 'unconfirmed'
          ? { type: 'publish_job.unconfirmed', data: { contentId, code: lateUnsure.code } }
          : {
              type: 'publish_job.held',
              data: { contentId, for: heldFor, from: 'brake', ...(heldFor === 'late' ? { why } : {}) },
            }),
    })),
  )
  const going = freed.filter(row => row.state === 'scheduled')
  if (going.length > 0) {
    // A moment ago or an hour ago: what a brake has gathered never goes out in one burst.
    await spreadLate(scope, [...new Set(going.map(row => row.account_id as string))], 0)
    await wakeAt(scope, new Date(Math.min(...going.map(row => (row.run_at as Date).getTime()))))
  }
  return {
    goesOut: going.length,
    asks: freed.filter(row => row.held_for === 'late' || row.state === 'unconfirmed').length,
  }
}

/**
 * Takes the jobs that a brake is on back from their workers, unless they may have been sent already. One that a worker is
 * just writing about is left to it: it comes back by itself, because its worker may not begin to send. To be called
 * while sends are stopped.
 * @returns how many are under way and cannot be stopped
 */
export async function takeBack(scope: Scope): Promise<number> {
  const { sql } = scope
  const busy = await sql`
    select j.id from publish_jobs j where j.state = 'publishing' and ${brakeOn(sql)} is not null
      and not exists (select 1 from publish_attempts a where a.id = j.attempt_id and a.armed_at is not null)
    order by j.id for update of j skip locked`
  const stopped = await sql`
    update publish_attempts a set ended_at = public.clock(), outcome = 'stopped' from publish_jobs j
    where j.id = any(${busy.map(row => row.id as string)}::uuid[]) and j.state = 'publishing' and a.id = j.attempt_id
      and a.armed_at is null and a.ended_at is null returning j.id`
  await sql`
    update publish_jobs set state = 'scheduled', lease_until = null, tries = greatest(tries - 1, 0)
    where id = any(${stopped.map(row => row.id as string)}::uuid[])`
  const [left] = await sql`
    select count(*)::int as jobs from publish_jobs j join publish_attempts a on a.id = j.attempt_id
    where j.state = 'publishing' and a.armed_at is not null and ${brakeOn(sql)} is not null`
  return (left?.jobs as number | undefined) ?? 0
}
