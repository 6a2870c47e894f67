import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { Conflict, Invalid, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { isId, newId } from '../lib/id.ts'
import { instantOf, isoIn, type Moment, wallTime } from '../lib/time.ts'
import { allow } from '../permissions.ts'
import { platforms } from '../platforms/index.ts'
import { misfit } from '../platforms/misfit.ts'
import { taken } from '../platforms/parts.ts'
import type { Limits, PlatformId } from '../platforms/platform.ts'
import { takeNextSlots } from '../slots/slots.ts'
import { besideBrakes, holdBraked } from './braked.ts'
import { jobsOfContent } from './find.ts'
import { postDraft } from './post.ts'
import type { Job, JobChange, Schedule } from './schema.ts'
import { breakIfChanged, sealFor } from './seals.ts'
import { approvedFor, refuseOutside } from './window.ts'

/** Two jobs of one content and account this close together are one wish sent twice. */
export const sameWishSeconds = 60

/**
 * Plans one job per account, or none at all: at one moment for all, or with `slot` each in the next free slot of its
 * account.
 * @throws Invalid naming the account whose limits the content breaks, the time, or the one that it is approved for;
 * Conflict when it is planned already
 */
export async function scheduleJobs(
  scope: Scope,
  contentId: string,
  schedule: Schedule,
): Promise<{ items: Job[] }> {
  allow(scope, 'jobs.schedule')
  const { sql } = scope
  // In one message, and the brakes' lock is the first of it: what is read behind it sees what they did.
  const found = Promise.all([
    besideBrakes(scope),
    isId(contentId)
      ? sql`select id, state, version_id from content where id = ${contentId} for no key update`
      : [],
  ])
  const wish = Promise.all([
    chosenAccounts(scope, schedule.accounts),
    schedule.slot ? null : plannedMoment(scope, schedule),
    sql`
      select approval_required, exists (select 1 from brakes where released_at is null) as braking from workspace`,
  ])
  // What is wrong with the wish is said only where there is such a content.
  wish.catch(() => {})
  const [, [content]] = await found
  if (!content) throw new NotFound()
  if (content.state === 'archived') throw new Conflict('Archived content is not published. Restore it first.')
  const [accounts, moment, [workspace]] = await wish
  const waits =
    (workspace?.approval_required as boolean) &&
    (content.state !== 'approved' ||
      (await breaks(
        scope,
        contentId,
        accounts.map(({ id }) => id),
      )))
  const approved = workspace?.approval_required && !waits ? await approvedFor(scope, contentId) : null
  const planned: (account: ChosenAccount) => Planned = moment
    ? () => moment
    : await nextSlots(scope, accounts, approved?.window?.from ?? null)
  const made: string[] = []
  for (const account of accounts) {
    const moment = planned(account)
    refuseOutside(approved, schedule.now ? null : moment.at)
    await Promise.all([
      refuseMisfit(scope, content.version_id as string, account),
      refuseTwin(scope, contentId, account, moment.at),
    ])
    const heldFor = account.state === 'reconnect' ? 'reconnect' : waits ? 'approval' : null
    const id = newId()
    await sql`
      insert into publish_jobs (id, content_id, version_id, account_id, state, held_for, run_at, local, zone, slot_id,
        occurrence, late_minutes, created_by)
      values (${id}, ${contentId}, ${content.version_id}, ${account.id}, ${heldFor ? 'held' : 'scheduled'}, ${heldFor},
        ${moment.at}, ${moment.local}, ${moment.zone}, ${moment.slotId ?? null}, ${moment.occurrence ?? null},
        ${schedule.lateMinutes ?? null}, ${scope.actor.userId})`
    await record(scope, 'publish_job.scheduled', id, { contentId, accountId: account.id })
    if (heldFor) await record(scope, 'publish_job.held', id, { contentId, for: heldFor })
    made.push(id)
  }
  if (workspace?.braking) await holdBraked(scope, { ids: made })
  const first = new Date(Math.min(...accounts.map(account => planned(account).at.getTime())))
  const [jobs] = await Promise.all([jobsOfContent(scope, contentId), wakeAt(scope, first)])
  return { items: jobs.filter(job => made.includes(job.id)) }
}

/** A moment, and the slot that it is of. */
type Planned = Moment & { slotId?: string; occurrence?: string }

async function nextSlots(
  scope: Scope,
  accounts: readonly ChosenAccount[],
  notBefore: string | null,
): Promise<(account: ChosenAccount) => Planned> {
  const slots = await takeNextSlots(scope, accounts, notBefore === null ? null : new Date(notBefore))
  return ({ id }) => {
    const slot = slots.get(id)
    if (!slot) throw new Error('an account was given no slot')
    return slot
  }
}

/** Seals approved content for accounts that are new to it. @returns whether it is no longer what was approved */
export async function breaks(
  scope: Scope,
  contentId: string,
  accountIds: readonly string[],
): Promise<boolean> {
  await sealFor(scope, contentId, accountIds)
  return breakIfChanged(scope, contentId, accountIds)
}

/** @throws Invalid for a time that is past, skipped, doubled without a choice, or in no known zone */
export async function plannedMoment(
  scope: Scope,
  given: Pick<Schedule | JobChange, 'at' | 'now'>,
): Promise<Moment> {
  const [row] = await scope.sql`select public.clock() as now, zone from workspace`
  const now = row?.now as Date
  const zone = row?.zone as string
  const inZone = (at: Date): Moment => ({
    at,
    local: wallTime(at, zone).toPlainDateTime().toString({ smallestUnit: 'minute' }),
    zone,
  })
  if (given.at === undefined) return inZone(now)
  const moment = typeof given.at === 'string' ? inZone(new Date(given.at)) : instantOf(given.at)
  if (moment.at.getTime() >= now.getTime()) return moment
  const said = isoIn(now, moment.zone).slice(0, 16).replace('T', ' ')
  throw new Invalid(
    `${moment.local.replace('T', ' ')} in ${moment.zone} has passed: it is ${said} there now. Choose a later time, or publish now.`,
    [{ path: typeof given.at === 'string' ? 'at' : 'at.local', message: 'has passed' }],
    'time_in_past',
  )
}

export interface ChosenAccount {
  id: string
  name: string
  platform: PlatformId
  state: string
  limits: Limits
}

/** @throws Invalid when one is not connected here */
export async function chosenAccounts(scope: Scope, ids: readonly string[]): Promise<ChosenAccount[]> {
  const wanted = [...new Set(ids)]
  const unknown = () =>
    new Invalid('One of the accounts is not connected here.', [
      { path: 'accounts', message: 'names an account that is not connected here' },
    ])
  if (!wanted.every(isId)) throw unknown()
  const rows = await scope.sql`
    select id, name, platform, state, limits from social_accounts
    where id = any(${wanted}::uuid[]) and removed_at is null order by id`
  if (rows.length !== wanted.length) throw unknown()
  return rows as unknown as ChosenAccount[]
}

/** The same check that the worker makes just before sending: what cannot go out is not planned. */
export async function refuseMisfit(scope: Scope, versionId: string, account: ChosenAccount): Promise<void> {
  const platform = platforms[account.platform]
  const draft = await postDraft(scope, { versionId, accountId: account.id })
  const why = misfit(taken(draft, platform), account.limits, platform.name)
  if (!why) return
  throw new Invalid(`${why.message} ${why.next}`, [
    { path: 'accounts', message: `${account.name}: ${why.message}` },
  ])
}

async function refuseTwin(scope: Scope, contentId: string, account: ChosenAccount, at: Date): Promise<void> {
  const [twin] = await scope.sql`
    select local, zone from publish_jobs where content_id = ${contentId} and account_id = ${account.id} and first_comment_of is null
      and state in ('scheduled', 'held', 'publishing', 'published', 'unconfirmed')
      and abs(extract(epoch from run_at - ${at}::timestamptz)) < ${sameWishSeconds} limit 1`
  if (!twin) return
  throw new Conflict(
    `This already goes to ${account.name} at ${(twin.local as string).replace('T', ' ')} (${twin.zone}). Choose another time if you want it there again.`,
  )
}
