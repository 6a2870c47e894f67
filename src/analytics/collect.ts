import { createCredential, type OpenedAccount, openAccount } from '../accounts/credential.ts'
import { lowerDue } from '../db/due.ts'
import type { Actor, Scope } from '../db/scope.ts'
import { newId } from '../lib/id.ts'
import { platforms } from '../platforms/index.ts'
import { type Counts, platformIds } from '../platforms/platform.ts'
import type { Services } from '../services.ts'

/** How many posts one run asks about, and how long one network may take over one answer. */
const mostPosts = 40
const askMs = 10_000
/** A post that could not be counted is left alone for so long. */
const pauseMs = 60 * 60 * 1000
const counting = platformIds.filter(id => platforms[id].metrics)

interface DuePost {
  id: string
  accountId: string
  remoteId: string
}

/**
 * Posts that gave no numbers, by tenant, and until when they are left alone. In memory: losing it costs one more
 * question each. A copy of a workspace has posts of the same ids.
 */
const pausedBy = new Map<string, Map<string, number>>()

/**
 * Asks the networks how a tenant's posts of the last 30 days do, and keeps the answers. A fresh post is asked about
 * every 10 minutes, one of a few hours every hour, later ones daily. The network is asked outside any transaction.
 */
export async function collectCounts(
  services: Pick<Services, 'db' | 'outbound' | 'log'>,
  tenantId: string,
): Promise<void> {
  const { db, log } = services
  const actor: Actor = { tenantId, userId: null, role: 'system' }
  const paused = pausedOf(tenantId)
  const due = await db.within(actor, scope => duePosts(scope, [...paused.keys()]), { readOnly: true })
  const opened = new Map<string, OpenedAccount | null>()
  for (const post of due) {
    const account = await openOnce(services, actor, opened, post.accountId)
    if (!account) continue
    try {
      const counts = await ask(services, actor, account, post.remoteId)
      if (counts === null) paused.set(post.id, Date.now() + pauseMs)
      else await db.within(actor, scope => keep(scope, post.id, counts))
    } catch (error) {
      // A network that is down now is not asked about the next post as well; the next run tries again.
      opened.set(post.accountId, null)
      paused.set(post.id, Date.now() + pauseMs)
      log.warn('the numbers of a post could not be fetched', { tenant: tenantId, job: post.id, error })
    }
  }
  if (paused.size === 0) pausedBy.delete(tenantId)
  await db.within(actor, planCounts)
}

/** When the numbers of this tenant's posts are due next; it is not visited for them before. */
async function planCounts(scope: Scope): Promise<void> {
  await scope.sql`
    update tenant_due set counts_due_at = (
      select case when count(*) > 0 then greatest(public.clock() + interval '9 minutes', min(coalesce(last.taken_at, j.published_at) + ${pause(scope)})) end
      from publish_jobs j
      join social_accounts a on a.id = j.account_id
      left join lateral (select max(taken_at) as taken_at from analytics n where n.job_id = j.id) last on true
      where ${counted(scope)})
    where role = current_user`
}

/** Lowers when the numbers of this tenant's posts are due next, where one of the accounts' platforms gives any. */
export async function planCountsSoon(scope: Scope, accounts: readonly string[]): Promise<void> {
  const [soon] = await scope.sql`
    select public.clock() + interval '9 minutes' as at
    where exists (select 1 from social_accounts where id = any(${[...accounts]}::uuid[]) and platform = any(${counting}::text[]))`
  if (soon) lowerDue(scope, soon.at as Date, 'counts_due_at')
}

/** The posts whose numbers are followed. */
const counted = ({ sql }: Scope) => sql`
  j.state = 'published' and j.first_comment_of is null and j.remote_id is not null and j.published_at > public.clock() - interval '30 days'
  and a.platform = any(${counting}::text[]) and a.removed_at is null and a.state = 'connected'`

/** How long the last numbers of a post are good, by its age. */
const pause = ({ sql }: Scope) => sql`case
  when j.published_at > public.clock() - interval '3 hours' then interval '9 minutes'
  when j.published_at > public.clock() - interval '2 days' then interval '59 minutes'
  else interval '23 hours' end`

function pausedOf(tenantId: string): Map<string, number> {
  const paused = pausedBy.get(tenantId) ?? new Map<string, number>()
  pausedBy.set(tenantId, paused)
  const now = Date.now()
  for (const [id, until] of paused) if (until <= now) paused.delete(id)
  return paused
}

/** Published posts whose last numbers are old enough for their age, those never counted first. */
async function duePosts(scope: Scope, without: readonly string[]): Promise<DuePost[]> {
  const rows = await scope.sql`
    select j.id, j.account_id, j.remote_id
    from publish_jobs j
    join social_accounts a on a.id = j.account_id
    left join lateral (select max(taken_at) as taken_at from analytics n where n.job_id = j.id) last on true
    where ${counted(scope)} and j.id <> all(${without}::uuid[])
      and (last.taken_at is null or last.taken_at < public.clock() - ${pause(scope)})
    order by last.taken_at nulls first, j.published_at desc
    limit ${mostPosts}`
  return rows.map(row => ({
    id: row.id as string,
    accountId: row.account_id as string,
    remoteId: row.remote_id as string,
  }))
}

async function openOnce(
  { db }: Pick<Services, 'db'>,
  actor: Actor,
  opened: Map<string, OpenedAccount | null>,
  id: string,
): Promise<OpenedAccount | null> {
  const known = opened.get(id)
  if (known !== undefined) return known
  const account = await db.within(actor, scope => openAccount(scope, id), { readOnly: true })
  opened.set(id, account)
  return account
}

async function ask(
  { db, outbound }: Pick<Services, 'db' | 'outbound'>,
  actor: Actor,
  { account, platform, secret }: OpenedAccount,
  remoteId: string,
): Promise<Counts | null> {
  const credential = createCredential(db.within, actor, account.id, secret)
  const signal = AbortSignal.timeout(askMs)
  const counts = await platforms[platform].metrics?.(account, remoteId, {
    fetch: outbound,
    signal,
    credential,
  })
  return counts && Object.keys(counts).length > 0 ? counts : null
}

async function keep(scope: Scope, jobId: string, counts: Counts): Promise<void> {
  const known = Object.entries(counts).filter(([, value]) => Number.isSafeInteger(value) && value >= 0)
  const metrics = known.map(([metric]) => metric)
  const values = known.map(([, value]) => value)
  const ids = known.map(() => newId())
  await scope.sql`
    insert into analytics (id, job_id, metric, value)
    select id, ${jobId}, metric, value
    from unnest(${ids}::uuid[], ${metrics}::text[], ${values}::bigint[]) as new (id, metric, value)
    on conflict (job_id, metric, taken_at) do nothing`
}
