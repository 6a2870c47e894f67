import type { Scope, ScopedSql } from '../db/scope.ts'
import { record } from '../events.ts'
import { lateUnsure, perhapsOut } from './perhaps.ts'
import type { JobError } from './schema.ts'

/** A transaction holds no more jobs than this. */
const mostAtOnce = 200

/** What can be done about a job that is late. */
export const sendOrAsk = 'Send it now, choose another time, or cancel it.'

/**
 * A part of a statement over `publish_jobs j`: that it is later than it may be sent unasked, by its own limit or the
 * workspace's. Once a person wanted it sent all the same, its lateness counts from then. A job that has begun in time goes
 * on with its tries, however long they take: there it counts from when the next one could have begun, so that a try that
 * an outage kept back asks all the same.
 */
export const tooLate = (sql: ScopedSql) => sql`
  (greatest(j.run_at, j.wanted_at, case when j.first_try_at is not null then coalesce(j.lease_until, j.next_try_at) end)
    < public.clock() - coalesce(j.late_minutes, (select late_minutes from workspace)) * interval '1 minute')`

/**
 * Holds those of the named jobs that are scheduled and later than they may be; what may be out already becomes a question.
 * @returns the ids of those it held
 */
export async function holdTooLate(scope: Scope, ids: readonly string[]): Promise<string[]> {
  const { sql } = scope
  const held = await sql`
    update publish_jobs j set state = case when m.perhaps then 'unconfirmed' else 'held' end,
      held_for = case when not m.perhaps then 'late' end, next_try_at = null,
      error = case when m.perhaps then ${sql.json(lateUnsure)}::jsonb
        else jsonb_build_object('code', 'late', 'message', coalesce(j.error->>'message' || ' ', '')
            || 'It did not go out in time, and more than ' || case when m.late % 60 = 0 then m.late / 60 || ' h' else m.late || ' min' end
            || ' late it is not sent without being asked about.',
          'next', ${sendOrAsk}::text, 'link', null) end
    from (
      select j.id, ${perhapsOut(scope)} as perhaps, coalesce(j.late_minutes, (select late_minutes from workspace)) as late
      from publish_jobs j where j.id = any(${ids}::uuid[])
    ) m
    where j.id = m.id and j.state = 'scheduled' and ${tooLate(sql)} returning j.id, j.content_id, m.perhaps`
  for (const { id, content_id: contentId, perhaps } of held)
    await (perhaps
      ? record(scope, 'publish_job.unconfirmed', id as string, { contentId, code: lateUnsure.code })
      : record(scope, 'publish_job.held', id as string, { contentId, for: 'late' }))
  return held.map(row => row.id as string)
}

/**
 * Holds jobs whose moment passed while nothing could be sent, at most 200: a post that is late by hours or days may be
 * wrong by then, so a person decides. What was broken off unsent is held too; what may have been sent becomes a
 * question, because looking alone could end in sending it. To be called until it answers 0.
 *
 * @param why what kept them, as the rest of "Its moment passed while …", e.g. `the workspace was suspended`
 * @returns how many it held or made a question of
 */
export async function holdLate(scope: Scope, why: string): Promise<number> {
  const { sql } = scope
  const late: JobError = {
    code: 'late',
    message: `Its moment passed while ${why}.`,
    next: sendOrAsk,
    link: null,
  }
  const unsure: JobError = {
    code: 'broken_off',
    message: `It was being sent when ${why}, and it broke off.`,
    next: 'Look at the account, then tell us: it is there, send it again, or give up.',
    link: null,
  }
  const found = await sql`
    select j.id, j.content_id, j.attempt_id, coalesce(a.armed_at is not null and a.ended_at is null, false) as armed,
      ${perhapsOut(scope)} as perhaps
    from publish_jobs j left join publish_attempts a on a.id = j.attempt_id
    where (j.state = 'scheduled' and coalesce(j.next_try_at, j.run_at) <= public.clock())
      or (j.state = 'publishing' and j.lease_until <= public.clock() and a.ended_at is null)
    order by j.id limit ${mostAtOnce} for update of j`
  for (const { id, content_id: contentId, attempt_id: attemptId, armed, perhaps } of found) {
    const question = armed ? unsure : perhaps ? lateUnsure : null
    await sql`
      update publish_jobs set state = ${question ? 'unconfirmed' : 'held'}, held_for = ${question ? null : 'late'},
        error = ${sql.json(question ?? late)}, next_try_at = null, lease_until = null where id = ${id}`
    await sql`
      update publish_attempts set ended_at = public.clock(), outcome = ${armed ? 'unconfirmed' : 'lost'}
      where id = ${attemptId} and ended_at is null`
    const about = { contentId }
    if (question)
      await record(scope, 'publish_job.unconfirmed', id as string, { ...about, code: question.code })
    else await record(scope, 'publish_job.held', id as string, { ...about, for: 'late', why })
  }
  return found.length
}
