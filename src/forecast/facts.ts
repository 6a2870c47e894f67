import { type OpenedAccount, openAccounts } from '../accounts/credential.ts'
import type { Scope } from '../db/scope.ts'
import { type PostDraft, postDrafts } from '../publishing/post.ts'
import type { HeldFor } from '../publishing/schema.ts'
import { sealsOf } from '../publishing/seals.ts'
import { readWorkspace } from '../team/workspace.ts'
import { forecastDays } from './schema.ts'

/** No rehearsal looks at more jobs than this; the soonest come first. */
const mostJobs = 5000

/** A job that is planned within the next seven days, and what it is to send. */
export interface PlannedJob {
  id: string
  contentId: string
  versionId: string
  accountId: string
  /** The post that it is the first comment of. */
  firstCommentOf: string | null
  runAt: Date
  /** How far the content is on its way through review. */
  contentState: string
  heldFor: HeldFor | null
  draft: PostDraft | null
  /** The hash that its approval pinned; null where none is, or where it needs none to go out. */
  sealed: string | null
}

/** What went out lately. */
export interface PastPost {
  id: string
  accountId: string
  at: Date
  text: string
}

/** Everything the rehearsal needs of the workspace, read at one moment. */
export interface Facts {
  tenantId: string
  now: Date
  until: Date
  zone: string
  approvalRequired: boolean
  jobs: PlannedJob[]
  past: PastPost[]
  accounts: Map<string, OpenedAccount & { name: string; reason: string | null }>
}

export async function readFacts(scope: Scope): Promise<Facts> {
  const { sql } = scope
  const [{ zone, approvalRequired }, [clock]] = await Promise.all([
    readWorkspace(scope),
    sql`select public.clock() as now, public.clock() + ${forecastDays} * interval '1 day' as until`,
  ])
  const until = clock?.until as Date
  const [jobs, past] = await Promise.all([
    sql`
      select j.id, j.content_id, j.version_id, j.account_id, j.first_comment_of, j.run_at, j.held_for, c.state as content_state
      from publish_jobs j join content c on c.id = j.content_id
      where j.state in ('scheduled', 'held') and j.held_for is distinct from 'late'
        and j.run_at > public.clock() and j.run_at < ${until}
      order by j.run_at, j.id limit ${mostJobs}`,
    sql`
      select j.id, j.account_id, j.published_at,
        coalesce((select own->>'text' from jsonb_array_elements(v.variants) own
          where own->>'accountId' = j.account_id::text limit 1), v.text) as text
      from publish_jobs j join content_versions v on v.id = j.version_id
      where j.state = 'published' and j.first_comment_of is null and j.run_at > public.clock() - ${forecastDays} * interval '1 day'
      order by j.published_at desc limit ${mostJobs}`,
  ])
  const planned = jobs.map(row => ({
    id: row.id as string,
    contentId: row.content_id as string,
    versionId: row.version_id as string,
    accountId: row.account_id as string,
    firstCommentOf: row.first_comment_of as string | null,
    runAt: row.run_at as Date,
    contentState: row.content_state as string,
    heldFor: row.held_for as HeldFor | null,
  }))
  const ids = [...new Set(planned.map(job => job.accountId))]
  const approved = approvalRequired ? planned.filter(job => job.contentState === 'approved') : []
  const [drafts, seals, opened, names] = await Promise.all([
    postDrafts(scope, planned),
    sealsOf(scope, approved),
    openAccounts(scope, ids),
    sql`select id, name, state_reason from social_accounts where id = any(${ids}::uuid[])`,
  ])
  const accounts: Facts['accounts'] = new Map()
  for (const row of names) {
    const account = opened.get(row.id as string)
    if (account)
      accounts.set(row.id as string, {
        ...account,
        name: row.name as string,
        reason: row.state_reason as string | null,
      })
  }
  return {
    tenantId: scope.tenant.id,
    now: clock?.now as Date,
    until,
    zone,
    approvalRequired,
    jobs: planned.map((job, at) => ({
      ...job,
      draft: drafts[at] ?? null,
      sealed: seals.get(job.id) ?? null,
    })),
    past: past.map(row => ({
      id: row.id as string,
      accountId: row.account_id as string,
      at: row.published_at as Date,
      text: row.text as string,
    })),
    accounts,
  }
}
