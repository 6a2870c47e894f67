import { breakApproval } from '../approvals/approvals.ts'
import { holds } from '../approvals/window.ts'
import type { Scope } from '../db/scope.ts'
import { newId } from '../lib/id.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { changesBetween } from './changes.ts'
import { type Addressee, type Payload, payloadOf } from './payload.ts'
import { everywhere, postDrafts } from './post.ts'

/**
 * The hash that job `j` of the statement must have: of its version, for its account, by an approval that was not taken
 * back since. Null where there is none.
 */
export const sealOf = ({ sql }: Pick<Scope, 'sql'>) => sql`(
  select s.sha256 from seals s join approvals a on a.id = s.approval_id
  where s.version_id = j.version_id and s.account_id = j.account_id and ${holds(sql)}
  order by a.id desc limit 1)`

/** The approval that holds for the current version of a content; null where none does. */
async function standingApproval(scope: Scope, contentId: string) {
  const { sql } = scope
  const [row] = await sql`
    select a.id, a.version_id, exists (select 1 from seals s where s.approval_id = a.id) as sealed
    from content c join approvals a on a.version_id = c.version_id
    where c.id = ${contentId} and c.state = 'approved' and ${holds(sql)} order by a.id desc limit 1`
  return row
    ? { id: row.id as string, versionId: row.version_id as string, sealed: row.sealed as boolean }
    : null
}

/** What each account would be sent of a version now; an account that is null gets what is for everywhere. */
async function payloads(
  scope: Scope,
  versionId: string,
  accounts: readonly Addressee[],
): Promise<{ to: Addressee; payload: Payload }[]> {
  const drafts = await postDrafts(
    scope,
    accounts.map(to => ({ versionId, accountId: to?.id ?? everywhere })),
  )
  return accounts.flatMap((to, at) => {
    const draft = drafts[at]
    return draft ? [{ to, payload: payloadOf(draft, to) }] : []
  })
}

/** Pins what goes to each account that the content could go to, as the approval that was just given saw it. */
export async function sealApproved(scope: Scope, contentId: string): Promise<void> {
  const approval = await standingApproval(scope, contentId)
  if (!approval || approval.sealed) return
  const accounts =
    await scope.sql`select id, platform from social_accounts where removed_at is null order by id`
  const all = await payloads(scope, approval.versionId, [null, ...accounts.map(addressee)])
  await keep(scope, contentId, approval, all)
}

const addressee = (row: Record<string, unknown>) => ({
  id: row.id as string,
  platform: row.platform as PlatformId,
})

async function keep(
  { sql }: Scope,
  contentId: string,
  approval: { id: string; versionId: string },
  sealed: readonly { to: Addressee; payload: Payload }[],
): Promise<void> {
  await sql`
    insert into seals (id, approval_id, content_id, version_id, account_id, sha256, payload)
    select given.id, ${approval.id}, ${contentId}, ${approval.versionId}, given.account_id, given.sha256, given.payload
    from unnest(${sealed.map(() => newId())}::uuid[], ${sealed.map(({ to }) => to?.id ?? null)}::uuid[],
      ${sealed.map(({ payload }) => payload.sha256)}::text[], ${sealed.map(({ payload }) => payload.body)}::text[])
      given (id, account_id, sha256, payload)
    on conflict (approval_id, account_id) do nothing`
}

/**
 * Makes sure that approved content is sealed for these accounts: what was approved before there were seals is sealed now,
 * and an account that was connected since gets the words for everywhere, where those are still as they were approved.
 */
export async function sealFor(scope: Scope, contentId: string, accounts: readonly string[]): Promise<void> {
  const approval = await standingApproval(scope, contentId)
  if (!approval) return
  if (!approval.sealed) return sealApproved(scope, contentId)
  const missing = await scope.sql`
    select a.id, a.platform from social_accounts a
    where a.id = any(${[...accounts]}::uuid[]) and not exists (
      select 1 from seals s where s.approval_id = ${approval.id} and s.account_id = a.id)`
  if (missing.length === 0) return
  const [base] = await scope.sql`
    select sha256 from seals where approval_id = ${approval.id} and account_id is null`
  const [now, ...fresh] = await payloads(scope, approval.versionId, [null, ...missing.map(addressee)])
  if (base && now?.payload.sha256 === base.sha256) await keep(scope, contentId, approval, fresh)
}

/** The hashes that approvals pinned, by job. What was approved before there were seals is sealed first. */
export async function sealsOf(
  scope: Scope,
  jobs: readonly { id: string; contentId: string; accountId: string }[],
): Promise<Map<string, string>> {
  const read = (ids: readonly string[]) => scope.sql`
    select j.id, ${sealOf(scope)} as sealed from publish_jobs j where j.id = any(${[...ids]}::uuid[])`
  const rows = [...(await read(jobs.map(({ id }) => id)))]
  const bare = jobs.filter(({ id }) => rows.some(row => row.id === id && row.sealed === null))
  for (const { contentId, accountId } of bare) await sealFor(scope, contentId, [accountId])
  if (bare.length > 0) rows.push(...(await read(bare.map(({ id }) => id))))
  return new Map(rows.map(row => [row.id as string, row.sealed as string]))
}

/**
 * What changed of approved content since it was sealed, for these accounts or for all: each change once, in words. An
 * account that has no seal is looked at as one of everywhere. Empty where it is as it was approved, or is not approved.
 */
export async function changedSince(
  scope: Scope,
  contentId: string,
  accounts: readonly string[] | null = null,
): Promise<string[]> {
  const approval = await standingApproval(scope, contentId)
  if (!approval) return []
  const given = accounts as string[] | null
  const rows = await scope.sql`
    select s.account_id as id, a.platform, s.payload from seals s left join social_accounts a on a.id = s.account_id
    where s.approval_id = ${approval.id} and a.removed_at is null
      and (${given}::uuid[] is null or s.account_id = any(${given}::uuid[])
        or (s.account_id is null and exists (
          select 1 from unnest(${given}::uuid[]) asked (id) where not exists (
            select 1 from seals own where own.approval_id = s.approval_id and own.account_id = asked.id))))
    order by s.account_id nulls first`
  const now = await payloads(
    scope,
    approval.versionId,
    rows.map(row => (row.id ? addressee(row) : null)),
  )
  return [
    ...new Set(now.flatMap(({ payload }, at) => changesBetween(rows[at]?.payload as string, payload.body))),
  ]
}

/** The code of a job that waits because what it would have sent was not what was approved. */
export const sealBroken = 'seal_broken'

/** The note that stands in the history when a seal broke. */
export const brokenNote = (changes: readonly string[]): string =>
  `Since the approval, ${changes.join('; ')}. What would go out is not what was approved.`

/**
 * Approved content that is no longer what was approved waits for review again, where the workspace requires approval.
 * @returns whether it broke
 */
export async function breakIfChanged(
  scope: Scope,
  contentId: string,
  accounts: readonly string[] | null = null,
): Promise<boolean> {
  const [workspace] = await scope.sql`select approval_required from workspace`
  if (!workspace?.approval_required) return false
  const changes = await changedSince(scope, contentId, accounts)
  return changes.length > 0 && breakApproval(scope, contentId, brokenNote(changes), { changes })
}

/**
 * A picture was changed: whatever shows it and is still to go out is looked at. What is out for good stays as it is.
 */
export async function breakSealsOf(scope: Scope, mediaId: string): Promise<void> {
  const rows = await scope.sql`
    select c.id from content c join content_versions v on v.id = c.version_id
    where c.state = 'approved' and (${mediaId}::uuid = any(v.media) or exists (
        select 1 from jsonb_array_elements(v.thread || v.variants || jsonb_path_query_array(v.variants, '$[*].thread[*]')) part
        where lower((part->'media')::text)::jsonb ? ${mediaId.toLowerCase()}))
      and (exists (select 1 from publish_jobs j where j.content_id = c.id and j.state in ('scheduled', 'held', 'publishing'))
        or not exists (select 1 from publish_jobs j where j.content_id = c.id and j.state = 'published'))
    order by c.id`
  for (const { id } of rows) await breakIfChanged(scope, id as string)
}
