import { mingle, type Table, type Tx } from '../db/copy.ts'
import { newId } from '../lib/id.ts'

/** Two schemas of one tenant, at one migration level: as it is, and as it was. The second becomes what the first will be. */
export interface TwoTimes {
  tx: Tx
  present: string
  past: string
  tables: readonly Table[]
}

/** A post that is out, or may be, of a content that the earlier state does not know. */
export interface Stray {
  jobId: string
  state: string
  platform: string
  account: string
  remoteUrl: string | null
  publishedAt: string | null
  /** How its text begins. */
  text: string
}

export interface Merged {
  /** Jobs that stay as they are now, because something was done about them since. */
  kept: number
  /** Jobs that are held for a person's word: their moment has passed, or the same went out in between. */
  held: number
  /** Jobs of which nobody knows whether they went out. */
  unsure: number
  strays: Stray[]
}

const late = {
  code: 'late',
  message: 'Its moment passed before the workspace was put back.',
  next: 'Send it now, choose another time, or cancel it.',
  link: null,
}
const unsure = {
  code: 'broken_off',
  message: 'It was being sent when the workspace was put back, or the state it was put back to was taken.',
  next: 'Look at the account, then tell us: it is there, send it again, or give up.',
  link: null,
}

const outAlready = {
  code: 'out_already',
  message: 'The same content went out to this account in between, as another post.',
  next: 'Cancel it, or send it all the same.',
}

/**
 * Brings into the earlier state what must not be forgotten: who may enter is as it is now, what went out is out, and
 * what happened has happened. Nothing in it is due unasked afterwards.
 */
export async function mergeNow(at: TwoTimes): Promise<Merged> {
  await peopleAsNow(at)
  await accountsAsNow(at)
  await webhooksAsNow(at)
  await historyOfBoth(at)
  await brakesAsNow(at)
  await callsNotRepeated(at)
  const [strays, doubles] = [await straysOf(at), await doublesOf(at)]
  await rulesAsStopped(at)
  const kept = await outStaysOut(at)
  const { asked, unsent } = await askAbout(at)
  const held = unsent + (await holdThePast(at, doubles))
  await countsAndNotices(at)
  return { kept, held, unsure: asked, strays }
}

const names = ({ tx, present, past }: TwoTimes) => ({
  now: (table: string) => tx(`${present}.${table}`),
  old: (table: string) => tx(`${past}.${table}`),
})

function take(
  at: TwoTimes,
  table: string,
  ids: readonly string[] | null,
  there: 'is replaced' | 'stays',
): Promise<void> {
  const shape = at.tables.find(({ name }) => name === table)
  if (!shape) throw new Error(`A workspace has no table ${table}`)
  return mingle(at.tx, at.present, at.past, shape, ids, there)
}

/**
 * Nobody gets back an access that was taken away: logins, roles and passwords are as they are now, and a login that is
 * only in the earlier state counts as removed. Sessions, keys and links of either time end.
 */
async function peopleAsNow(at: TwoTimes): Promise<void> {
  const { tx } = at
  const { now, old } = names(at)
  for (const table of ['sessions', 'api_keys', 'invitations', 'idempotency_keys'])
    await tx`delete from ${old(table)}`
  await tx`update ${old('users')} set removed_at = coalesce(removed_at, public.clock())`
  await take(at, 'users', null, 'is replaced')
  await tx`delete from ${old('teams')} t where not exists (select 1 from ${now('teams')} n where n.id = t.id)`
  await take(at, 'teams', null, 'is replaced')
  await tx`delete from ${old('team_members')}`
  await take(at, 'team_members', null, 'stays')
  // A request that is repeated now must not be taken for a new one.
  await take(at, 'idempotency_keys', null, 'stays')
}

/** Tokens have been renewed since: those of the earlier state may open nothing any more. */
async function accountsAsNow(at: TwoTimes): Promise<void> {
  const { tx } = at
  const { old } = names(at)
  await tx`update ${old('social_accounts')} set removed_at = coalesce(removed_at, public.clock())`
  await take(at, 'social_accounts', null, 'is replaced')
}

/**
 * Who is told, where, signed with which secret, and what was sent and is still owed: as it is now. A receiver that was
 * taken away gets nothing any more, and none gets again what it has.
 */
async function webhooksAsNow(at: TwoTimes): Promise<void> {
  const { tx } = at
  const { now, old } = names(at)
  await tx`delete from ${old('deliveries')} where kind = 'webhook'`
  await tx`delete from ${old('webhooks')} t where not exists (select 1 from ${now('webhooks')} n where n.id = t.id)`
  await take(at, 'webhooks', null, 'is replaced')
  const messages = await tx`select id from ${now('deliveries')} where kind = 'webhook'`
  await take(at, 'deliveries', idsOf(messages), 'is replaced')
}

/**
 * A brake that is on stays on, and one that was taken off since does not come back. What it holds is told when it falls
 * due, by the words and tags of then.
 */
async function brakesAsNow(at: TwoTimes): Promise<void> {
  const { tx } = at
  const { old } = names(at)
  await tx`delete from ${old('brakes')}`
  await take(at, 'brakes', null, 'is replaced')
}

/** What happened is not undone by forgetting it; what the rehearsal network has got it has. */
async function historyOfBoth(at: TwoTimes): Promise<void> {
  await take(at, 'events', null, 'stays')
  await take(at, 'rehearsal_posts', null, 'stays')
  // What was foreseen of the earlier state is over; the next night looks anew.
  await at.tx`delete from ${names(at).old('forecasts')}`
}

/** Runs and deliveries that had not ended then: as they are now, and not at all where nothing is known of them. */
async function callsNotRepeated(at: TwoTimes): Promise<void> {
  const { tx } = at
  const { old } = names(at)
  for (const [table, open] of [
    ['workflow_runs', ['waiting', 'running']],
    ['deliveries', ['waiting', 'sending']],
  ] as const) {
    const rows = await tx`delete from ${old(table)} where state = any(${[...open]}::text[]) returning id`
    await take(at, table, idsOf(rows), 'stays')
  }
}

/** Posts that are out, or may be, and that the earlier state has no content for. */
async function straysOf(at: TwoTimes): Promise<Stray[]> {
  const { tx } = at
  const { now, old } = names(at)
  const rows = await tx`
    select j.id, j.state, a.platform, a.name, j.remote_url, j.published_at, left(v.text, 120) as text
    from ${now('publish_jobs')} j join ${now('social_accounts')} a on a.id = j.account_id
    join ${now('content_versions')} v on v.id = j.version_id
    where j.state in ('published', 'unconfirmed', 'publishing') and j.first_comment_of is null
      and not exists (select 1 from ${old('content')} c where c.id = j.content_id)
    order by j.published_at, j.id`
  return rows.map(row => ({
    jobId: row.id as string,
    state: row.state as string,
    platform: row.platform as string,
    account: row.name as string,
    remoteUrl: row.remote_url as string | null,
    publishedAt: (row.published_at as Date | null)?.toISOString() ?? null,
    text: row.text as string,
  }))
}

interface Double {
  id: string
  link: string | null
}

/** Jobs that were planned then, whose content went to the same account in between as a job that was not known then. */
async function doublesOf(at: TwoTimes): Promise<Double[]> {
  const { tx } = at
  const { now, old } = names(at)
  const rows = await tx`
    select distinct on (t.id) t.id, o.remote_url from ${old('publish_jobs')} t
    join ${now('publish_jobs')} o on o.content_id = t.content_id and o.account_id = t.account_id
    where t.state in ('scheduled', 'held', 'publishing') and o.state in ('published', 'unconfirmed', 'publishing')
      and t.first_comment_of is null and o.first_comment_of is null
      and not exists (select 1 from ${old('publish_jobs')} known where known.id = o.id)
    order by t.id, o.published_at desc nulls last`
  return rows.map(row => ({ id: row.id as string, link: row.remote_url as string | null }))
}

/** What somebody stopped or skipped since then stays so: nothing is planned again that they took back. */
async function rulesAsStopped(at: TwoTimes): Promise<void> {
  const { tx } = at
  const { now, old } = names(at)
  await tx`
    update ${old('recurrences')} t set
      state = case when n.state = 'stopped' then n.state else t.state end,
      stopped_for = case when n.state = 'stopped' then n.stopped_for else t.stopped_for end,
      exceptions = array(select distinct one from unnest(t.exceptions || n.exceptions) one order by one)
    from ${now('recurrences')} n where n.id = t.id`
}

/**
 * An occurrence of a rule or a slot is one job's: where an earlier rewind had it planned anew, the job of the earlier
 * state becomes a post by itself, which is a double of the one that stays.
 */
async function giveWay(at: TwoTimes, staying: readonly string[]): Promise<void> {
  const { tx } = at
  const { now, old } = names(at)
  await tx`
    update ${old('publish_jobs')} t set recurrence_id = null, slot_id = null from ${now('publish_jobs')} j
    where j.id = any(${[...staying]}::uuid[]) and t.id <> j.id and t.occurrence = j.occurrence
      and ((t.recurrence_id = j.recurrence_id and t.account_id = j.account_id) or t.slot_id = j.slot_id)`
}

/**
 * Jobs that something was done about stay as they are now, with their attempts, and with the versions and pictures that
 * went out. A planned one that was tried keeps what it remembers of that.
 * @returns how many stay as they are
 */
async function outStaysOut(at: TwoTimes): Promise<number> {
  const { tx } = at
  const { now, old } = names(at)
  const out = await tx`
    select j.id, j.version_id from ${now('publish_jobs')} j
    where exists (select 1 from ${old('content')} c where c.id = j.content_id)
      and (j.state in ('published', 'unconfirmed', 'failed', 'publishing')
        or (j.first_comment_of is not null and j.state in ('scheduled', 'held'))
        or (j.state = 'cancelled' and (exists (select 1 from ${old('publish_jobs')} t where t.id = j.id)
          or exists (select 1 from ${old('recurrences')} r where r.id = j.recurrence_id))))`
  await versionsThatWentOut(at, [...new Set(out.map(row => row.version_id as string))])
  await giveWay(at, idsOf(out))
  await take(at, 'publish_jobs', idsOf(out), 'is replaced')
  const tried = await tx`
    update ${old('publish_jobs')} t set state = j.state, held_for = j.held_for, steps = j.steps, tries = j.tries,
      first_try_at = j.first_try_at, attempt_id = j.attempt_id, error = j.error, next_try_at = null, lease_until = null
    from ${now('publish_jobs')} j
    where j.id = t.id and j.state in ('scheduled', 'held') and (t.state = 'publishing'
      or (t.state in ('scheduled', 'held') and exists (
        select 1 from ${now('publish_attempts')} a where a.job_id = j.id
          and not exists (select 1 from ${old('publish_attempts')} b where b.id = a.id))))
    returning t.id`
  const known = [...idsOf(out), ...idsOf(tried)]
  await tx`delete from ${old('publish_attempts')} where job_id = any(${known}::uuid[])`
  const attempts = await tx`select id from ${now('publish_attempts')} where job_id = any(${known}::uuid[])`
  await take(at, 'publish_attempts', idsOf(attempts), 'is replaced')
  await tx`delete from ${old('read_backs')} where job_id = any(${idsOf(out)}::uuid[])`
  const looks = await tx`select id from ${now('read_backs')} where job_id = any(${idsOf(out)}::uuid[])`
  await take(at, 'read_backs', idsOf(looks), 'is replaced')
  return out.length
}

/** Numbers go on after those of the earlier state, where another version may have the same one. */
async function versionsThatWentOut(at: TwoTimes, ids: readonly string[]): Promise<void> {
  const { tx } = at
  const { now, old } = names(at)
  const missing = await tx`
    insert into ${old('content_versions')} (id, content_id, number, text, media, thread, first_comment, variants, created_by, created_at)
    select v.id, v.content_id, v.number + greatest(0, top.number + 1 - min(v.number) over (partition by v.content_id)),
      v.text, v.media, v.thread, v.first_comment, v.variants, v.created_by, v.created_at
    from ${now('content_versions')} v
    cross join lateral (
      select coalesce(max(t.number), 0) as number from ${old('content_versions')} t where t.content_id = v.content_id
    ) top
    where v.id = any(${ids as string[]}::uuid[])
      and not exists (select 1 from ${old('content_versions')} t where t.id = v.id)
    returning id`
  const pictures = await tx`
    select distinct picture as id from ${old('content_versions')} v
    cross join lateral (
      select unnest(v.media)::text as picture
      union select jsonb_array_elements_text(part->'media')
      from jsonb_array_elements(v.thread || v.variants || jsonb_path_query_array(v.variants, '$[*].thread[*]')) part
      where jsonb_typeof(part->'media') = 'array'
    ) shown
    where v.id = any(${idsOf(missing)}::uuid[])`
  await take(at, 'media', idsOf(pictures), 'stays')
  // Who approved what went out, and what that approval pinned: their receipts name it.
  const approvals = await tx`
    select id from ${now('approvals')} where version_id = any(${ids as string[]}::uuid[])`
  await take(at, 'approvals', idsOf(approvals), 'stays')
  const seals = await tx`
    select id from ${now('seals')} where approval_id = any(${idsOf(approvals)}::uuid[])`
  await take(at, 'seals', idsOf(seals), 'stays')
}

/**
 * Of these nobody knows whether they went out: being sent when the earlier state was taken, and unknown now; broken off
 * just now, or to be tried again, when the post may have arrived. What broke off before anything was sent is held.
 */
async function askAbout(at: TwoTimes): Promise<{ asked: number; unsent: number }> {
  const { tx } = at
  const { now, old } = names(at)
  const broken = await tx`
    update ${old('publish_attempts')} a set ended_at = public.clock(), outcome = 'lost' from ${old('publish_jobs')} t
    where a.id = t.attempt_id and t.state = 'publishing' and a.ended_at is null
    returning t.id, a.armed_at is not null or not exists (select 1 from ${now('publish_jobs')} j where j.id = t.id) as sent`
  const asked = await tx`
    update ${old('publish_jobs')} t set state = 'unconfirmed', held_for = null, error = ${tx.json(unsure)},
      lease_until = null, next_try_at = null
    where t.id = any(${idsOf(broken.filter(row => row.sent))}::uuid[])
      or (t.state in ('scheduled', 'held') and exists (
        select 1 from ${old('publish_attempts')} a
        where a.id = t.attempt_id and a.armed_at is not null and a.outcome = 'retry'))
      or (t.state = 'publishing' and not exists (select 1 from ${now('publish_jobs')} j where j.id = t.id))
    returning t.id`
  const unsent = await tx`
    update ${old('publish_jobs')} set state = 'held', held_for = 'late', error = ${tx.json(late)}, lease_until = null
    where id = any(${idsOf(broken.filter(row => !row.sent))}::uuid[]) returning id`
  return { asked: asked.length, unsent: unsent.length }
}

/**
 * What was planned then waits for a person's word when its moment has passed, or when another job has brought the same
 * content to the same account in between. What was planned for an account that is gone is cancelled.
 */
async function holdThePast(at: TwoTimes, doubles: readonly Double[]): Promise<number> {
  const { tx } = at
  const { old } = names(at)
  await tx`
    update ${old('publish_jobs')} t set state = 'cancelled', held_for = null, next_try_at = null
    from ${old('social_accounts')} a
    where a.id = t.account_id and a.removed_at is not null and t.state in ('scheduled', 'held')`
  const held: string[] = []
  for (const { id, link } of doubles) {
    const rows = await tx`
      update ${old('publish_jobs')} set state = 'held', held_for = 'late', next_try_at = null,
        error = ${tx.json({ ...outAlready, link })}
      where id = ${id} and state in ('scheduled', 'held') returning id`
    held.push(...idsOf(rows))
  }
  const passed = await tx`
    update ${old('publish_jobs')} set state = 'held', held_for = 'late', error = ${tx.json(late)}, next_try_at = null
    where state in ('scheduled', 'held') and run_at <= public.clock() and id <> all(${held}::uuid[]) returning id`
  await tx`
    update ${old('publish_jobs')} set state = 'scheduled', held_for = null, error = null
    where state = 'held' and held_for = 'brake'`
  return held.length + passed.length
}

/** The numbers of posts that are still known, and the notices that somebody has to act on. */
async function countsAndNotices(at: TwoTimes): Promise<void> {
  const { tx } = at
  const { now, old } = names(at)
  const counts = await tx`
    select a.id from ${now('analytics')} a join ${old('publish_jobs')} j on j.id = a.job_id`
  await take(at, 'analytics', idsOf(counts), 'stays')
  await tx`
    update ${old('notifications')} t set done_at = n.done_at from ${now('notifications')} n
    where n.id = t.id and t.done_at is null and n.done_at is not null`
  const open = await tx`
    select n.id from ${now('notifications')} n join ${old('publish_jobs')} j on j.id = n.subject_id
    where n.done_at is null`
  await take(at, 'notifications', idsOf(open), 'stays')
}

const idsOf = (rows: readonly Record<string, unknown>[]): string[] => rows.map(row => row.id as string)

/** Writes down in the tenant's own history that it was put back. */
export async function recordRewind(
  at: TwoTimes,
  tenantId: string,
  data: Record<string, unknown>,
): Promise<void> {
  const { old } = names(at)
  await at.tx`
    insert into ${old('events')} (id, type, subject_id, data)
    values (${newId()}, 'workspace.rewound', ${tenantId}, ${at.tx.json(data as never)})`
}
