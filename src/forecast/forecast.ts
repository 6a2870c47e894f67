import { checkAccount } from '../accounts/accounts.ts'
import { connectMs } from '../accounts/connect.ts'
import { createCredential } from '../accounts/credential.ts'
import type { Scope } from '../db/scope.ts'
import { record } from '../events.ts'
import { newId } from '../lib/id.ts'
import { platforms } from '../platforms/index.ts'
import { picturesOf } from '../platforms/parts.ts'
import { ConnectionFailed, type Outlook } from '../platforms/platform.ts'
import type { Services } from '../services.ts'
import { StorageTrouble } from '../storage/storage.ts'
import type { Facts } from './facts.ts'
import { latestForecast } from './find.ts'
import { type Asked, findAll } from './rules.ts'
import { type Finding, type Forecast, worst } from './schema.ts'

/** So many platforms are asked at once. */
const together = 8

export interface Rehearsed {
  facts: Facts
  findings: Finding[][]
}

type Asking = Pick<Services, 'db' | 'outbound' | 'storage' | 'config' | 'log'>

/**
 * Rehearses every planned job without sending any: asks each account's platform whether the account still works, and the
 * storage for the pictures. Asks outside any transaction; an account that is refused for good is noted as such.
 */
export async function rehearse(services: Asking, facts: Facts): Promise<Rehearsed> {
  const accounts: Asked['accounts'] = new Map()
  const waiting = [...facts.accounts.entries()]
  const ask = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      accounts.set(next[0], await askAccount(services, facts.tenantId, next[1]))
  }
  const [pictures] = await Promise.all([
    storedPictures(services, facts),
    ...Array.from({ length: together }, ask),
  ])
  const { publicUrl } = services.config
  const publicAddress =
    publicUrl !== null && !/^(localhost|127\.|\[::1\]|0\.0\.0\.0)/.test(publicUrl.hostname)
  return { facts, findings: findAll(facts, { accounts, pictures, publicAddress }) }
}

type AccountAnswer = NonNullable<ReturnType<Asked['accounts']['get']>>

async function askAccount(
  { db, outbound, log }: Asking,
  tenantId: string,
  opened: NonNullable<ReturnType<Facts['accounts']['get']>>,
): Promise<AccountAnswer> {
  const { account, platform: id } = opened
  // A person is asked already. Were it to work again by chance, posts whose moment has passed would go out in the night.
  if (opened.state === 'reconnect') return { ok: false, final: true, message: opened.reason, outlook: {} }
  const platform = platforms[id]
  const actor = { tenantId, userId: null, role: 'system' } as const
  try {
    const checked = await checkAccount({ within: db.within, outbound }, tenantId, opened)
    if (!checked.ok) return { ok: false, final: checked.final, message: checked.message, outlook: {} }
    const outlook: Outlook = platform.outlook
      ? await platform.outlook(account, {
          fetch: outbound,
          signal: AbortSignal.timeout(connectMs),
          credential: createCredential(db.within, actor, account.id, opened.secret),
        })
      : {}
    return { ok: true, final: false, message: null, outlook }
  } catch (error) {
    if (error instanceof ConnectionFailed)
      return { ok: false, final: false, message: error.message, outlook: {} }
    log.error('an account could not be asked for the forecast', { account: account.id, platform: id, error })
    return { ok: false, final: false, message: 'Something went wrong on our side.', outlook: {} }
  }
}

/** One listing for all of them; null when the storage does not answer. */
async function storedPictures({ storage, log }: Asking, facts: Facts): Promise<Asked['pictures']> {
  const found = new Map<string, number>()
  if (!facts.jobs.some(({ draft }) => draft && picturesOf(draft).length > 0)) return found
  try {
    for await (const { path, bytes } of storage.list(`media/${facts.tenantId.toLowerCase()}/`))
      found.set(path.split('/').at(-1) ?? '', bytes)
    return found
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error
    log.warn('the storage did not answer the forecast', { error })
    return null
  }
}

/** Takes the place of the forecast before. @param nightly the one that people are told about */
export async function saveForecast(
  scope: Scope,
  { facts, findings }: Rehearsed,
  nightly: boolean,
): Promise<Forecast> {
  const { sql } = scope
  const id = newId()
  // One at a time: two that end together do not mix.
  await sql`select 1 from workspace for update`
  // Whoever holds a job or lets it go forgets what was found about it: the jobs come before their findings.
  await sql`
    select 1 from publish_jobs where id = any(${facts.jobs.map(job => job.id)}::uuid[]) order by id for key share`
  await sql`delete from forecasts`
  await sql`insert into forecasts (id, asked_by, until) values (${id}, ${scope.actor.userId}, ${facts.until})`
  const rows = facts.jobs.map((job, at) => ({ job, found: findings[at] ?? [] }))
  await sql`
    insert into forecast_jobs (id, job_id, forecast_id, version_id, run_at, level, findings)
    select given.id, j.id, ${id}, given.version_id, given.run_at, given.level, given.findings
    from unnest(${rows.map(() => newId())}::uuid[], ${rows.map(({ job }) => job.id)}::uuid[], ${rows.map(({ job }) => job.versionId)}::uuid[],
      ${rows.map(({ job }) => job.runAt.toISOString())}::text[]::timestamptz[], ${rows.map(({ found }) => worst(found))}::text[],
      ${rows.map(({ found }) => JSON.stringify(found))}::text[]::jsonb[]) given (id, job_id, version_id, run_at, level, findings)
    join publish_jobs j on j.id = given.job_id`
  const made = await latestForecast(scope)
  await record(scope, 'forecast.made', id, { nightly, ...made.counts })
  return made
}
