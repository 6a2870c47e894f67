import type postgres from 'postgres'
import type { Database } from '../db/database.ts'
import { startDue, stopDue } from '../db/due.ts'
import { tellTenantChanged } from '../db/hints.ts'
import type { Actor, Scope } from '../db/scope.ts'
import { claimSlug } from '../db/tenants.ts'
import { Conflict, Invalid, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { allow } from '../permissions.ts'
import { holdLate } from '../publishing/late.ts'

/** What the moves of a tenant's life need: its own scope for what it knows, the owner's login for its row in `public`. */
export type Keeper = Pick<Database, 'owner' | 'within' | 'forgetTenant'>

/** Days in which an erasure can be taken back. */
export const graceDays = 7

/** The reason that a workspace shows when its erasure was the operator's wish. */
const operatorsErasure = 'Whoever runs this Masthead has it erased.'

const system = (tenantId: string): Actor => ({ tenantId, userId: null, role: 'system' })

/**
 * Stops serving a tenant: doors refuse, and nothing of it is claimed from the commit on. What is being sent just now is
 * still recorded. Suspending a suspended one gives it the new reason.
 * @param reason for its people, a sentence
 */
export async function suspendTenant(db: Keeper, tenantId: string, reason: string): Promise<void> {
  await inState(db, tenantId, ['active', 'suspended'], 'suspended', async tx => {
    await tx`
      update public.tenants set state = 'suspended', state_reason = ${reason},
        suspended_at = coalesce(suspended_at, public.clock()) where id = ${tenantId}`
    await stopDue(tx, tenantId)
  })
  await db.within(system(tenantId), scope => record(scope, 'workspace.suspended', tenantId, { reason }))
}

/**
 * Serves a suspended tenant again, and takes a planned erasure back. Jobs whose moment passed meanwhile are held for a
 * person's word before anything can be claimed.
 * @returns how many jobs are held or became a question
 */
export async function resumeTenant(db: Keeper, tenantId: string): Promise<{ late: number }> {
  await inState(db, tenantId, ['suspended'], 'resumed', async () => {})
  let late = 0
  for (;;) {
    const held = await db.within(system(tenantId), scope => holdLate(scope, 'the workspace was suspended'))
    if (held === 0) break
    late += held
  }
  await inState(db, tenantId, ['suspended'], 'resumed', async tx => {
    await tx`
      update public.tenants set state = 'active', state_reason = null, suspended_at = null, erase_after = null
      where id = ${tenantId}`
    await startDue(tx, tenantId)
  })
  await db.within(system(tenantId), scope => record(scope, 'workspace.resumed', tenantId, { late }))
  return { late }
}

/** What a door asks before it plans an erasure. @throws Forbidden, Invalid when another word was typed */
export function checkErasure(scope: Scope, given: { confirm: string }): void {
  allow(scope, 'workspace.erase')
  const { slug } = scope.tenant
  if (given.confirm === slug) return
  throw new Invalid(`To be sure, type the address of this workspace: ${slug}.`, [
    { path: 'confirm', message: `must be "${slug}"` },
  ])
}

/**
 * Suspends a tenant and plans its erasure for after the grace period. Everybody is signed out.
 * @param by the owner who wishes it, or the system for the operator
 * @returns the moment from which on it is carried out
 * @throws Forbidden
 */
export async function planErasure(db: Keeper, by: Actor): Promise<Date> {
  const { tenantId } = by
  await db.within(by, async scope => {
    allow(scope, 'workspace.erase')
    await record(scope, 'workspace.erasure_planned', tenantId, { days: graceDays })
  })
  const reason = by.role === 'system' ? operatorsErasure : null
  const eraseAfter = await inState(db, tenantId, ['active', 'suspended'], 'erased', async tx => {
    const [row] = await tx`
      update public.tenants set state = 'suspended', state_reason = coalesce(state_reason, ${reason}),
        suspended_at = coalesce(suspended_at, public.clock()),
        erase_after = coalesce(erase_after, public.clock() + ${graceDays} * interval '1 day')
      where id = ${tenantId} returning erase_after`
    await stopDue(tx, tenantId)
    return row?.erase_after as Date
  })
  // After the commit: who signs in from now on is told why nothing is served.
  await db.within(system(tenantId), ({ sql }) => sql`delete from sessions`)
  return eraseAfter
}

/**
 * Takes a planned erasure back. A workspace that was suspended for another reason stays so; else it is served again.
 * @throws Forbidden, Conflict when none is planned
 */
export async function keepTenant(db: Keeper, by: Actor): Promise<{ served: boolean; late: number }> {
  const { tenantId } = by
  await db.within(by, async scope => allow(scope, 'workspace.erase'))
  const served = await inState(db, tenantId, ['suspended'], 'kept', async tx => {
    const [row] = await tx`select state_reason, erase_after from public.tenants where id = ${tenantId}`
    if (!row?.erase_after) throw new Conflict('No erasure is planned, so there is nothing to take back.')
    const reason = row.state_reason as string | null
    const served = reason === null || (by.role === 'system' && reason === operatorsErasure)
    // Where it is to be served again, its hour must not come while it is made ready for that.
    await tx`
      update public.tenants set erase_after = case when ${served} then public.clock() + interval '1 day' end
      where id = ${tenantId}`
    return served
  })
  await db.within(by, scope => record(scope, 'workspace.erasure_withdrawn', tenantId))
  return { served, late: served ? (await resumeTenant(db, tenantId)).late : 0 }
}

/**
 * Gives a tenant another address. The one it had leads to it from now on, and nobody else can take it; going back to
 * it is possible.
 * @throws Forbidden, Invalid, Conflict when the address is or was somebody else's
 */
export async function renameTenant(
  db: Keeper,
  by: Actor,
  slug: string,
): Promise<{ from: string; to: string }> {
  const { tenantId } = by
  await db.within(by, async scope => allow(scope, 'workspace.rename'))
  const from = await inState(db, tenantId, ['active', 'suspended'], 'renamed', async (tx, former) => {
    await claimSlug(tx, slug, tenantId)
    if (former === slug) return former
    await tx`delete from public.former_slugs where slug = ${slug}`
    await tx`insert into public.former_slugs (slug, tenant_id) values (${former}, ${tenantId})`
    await tx`update public.tenants set slug = ${slug} where id = ${tenantId}`
    return former
  })
  if (from !== slug) await db.within(by, scope => noteAddress(scope, from, slug))
  return { from, to: slug }
}

/** The own feed shows its address as its handle. */
async function noteAddress(scope: Scope, from: string, to: string): Promise<void> {
  await scope.sql`update social_accounts set handle = ${`/feed/${to}`} where platform = 'feed'`
  await record(scope, 'workspace.renamed', scope.tenant.id, { from, to })
}

type State = 'active' | 'suspended'

/**
 * Changes a tenant's row while it is locked and in one of `states`; afterwards this process looks at it afresh.
 * @throws NotFound, Conflict in words that end with `wish`
 */
async function inState<T>(
  { owner, forgetTenant }: Pick<Keeper, 'owner' | 'forgetTenant'>,
  tenantId: string,
  states: readonly State[],
  wish: string,
  change: (tx: postgres.TransactionSql, slug: string) => Promise<T>,
): Promise<T> {
  const { result } = (await owner.begin(async tx => {
    const [row] = await tx`select slug, state from public.tenants where id = ${tenantId} for update`
    if (!row) throw new NotFound('There is no such workspace.')
    if (!(states as readonly string[]).includes(row.state as string))
      throw new Conflict(`${row.slug} is ${wordsFor[row.state as string]}, so it cannot be ${wish}.`)
    return { result: await change(tx, row.slug as string) }
  })) as { result: T }
  forgetTenant(tenantId)
  await tellTenantChanged(owner, tenantId)
  return result
}

const wordsFor: Record<string, string> = {
  creating: 'still being made',
  active: 'not suspended',
  suspended: 'suspended',
  erasing: 'being erased',
}
