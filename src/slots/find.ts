import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { isId } from '../lib/id.ts'
import { isoIn } from '../lib/time.ts'
import { freeMoments, placeOf } from './moments.ts'
import type { FreeSlot, Slot } from './schema.ts'

/** The slots of one account, or of all that are connected, through the week. */
export async function listSlots(scope: Scope, accountId: string | null = null): Promise<Slot[]> {
  const rows = await scope.sql`
    select s.id, s.account_id, s.weekday, s.local, s.zone
    from slots s join social_accounts a on a.id = s.account_id
    where a.removed_at is null and (${accountId}::uuid is null or s.account_id = ${accountId}::uuid)
    order by s.account_id, s.weekday, s.local, s.id`
  return rows.map(row => ({
    id: row.id as string,
    accountId: row.account_id as string,
    weekday: row.weekday as number,
    local: row.local as string,
    zone: row.zone as string,
  }))
}

/** As the API lists them. @throws NotFound for a malformed account */
export async function readSlots(scope: Scope, account?: string): Promise<{ items: Slot[]; next: null }> {
  if (account !== undefined && !isId(account)) throw new NotFound()
  return { items: await listSlots(scope, account ?? null), next: null }
}

/** The minutes of accounts that a post has or had, however it was planned: what failed or was cancelled takes none. */
export async function takenPlaces(
  scope: Scope,
  accountIds: readonly string[],
  from: Date,
  to: Date | null,
): Promise<Set<string>> {
  const rows = await scope.sql`
    select account_id, run_at from publish_jobs
    where account_id = any(${[...accountIds]}::uuid[]) and state not in ('cancelled', 'failed')
      and run_at >= ${from}::timestamptz - interval '1 minute' and (${to}::timestamptz is null or run_at < ${to}::timestamptz)`
  return new Set(rows.map(row => placeOf(row.account_id as string, row.run_at as Date)))
}

/** The free moments of a span that are still to come, in order, of one account or of all. */
export async function freeSlots(
  scope: Scope,
  span: { from: Date; to: Date; account?: string | undefined },
): Promise<FreeSlot[]> {
  const slots = await listSlots(scope, span.account ?? null)
  if (slots.length === 0) return []
  const [clock] = await scope.sql`select public.clock() as now`
  const now = clock?.now as Date
  const from = span.from > now ? span.from : new Date(now.getTime() + 1)
  if (span.to <= from) return []
  const taken = await takenPlaces(scope, [...new Set(slots.map(slot => slot.accountId))], from, span.to)
  return freeMoments(slots, taken, from, span.to)
}

export interface FreeSlotAnswer {
  slotId: string
  accountId: string
  at: string
  local: string
  zone: string
}

/** So far ahead are free slots listed: as far as the longest calendar. */
const daysAhead = 62

/** The next free moments as the API answers them. @throws NotFound for a malformed account */
export async function nextFreeSlots(
  scope: Scope,
  { account, limit }: { account?: string | undefined; limit: number },
): Promise<{ items: FreeSlotAnswer[]; next: null }> {
  if (account !== undefined && !isId(account)) throw new NotFound()
  const [clock] = await scope.sql`select public.clock() as now`
  const from = clock?.now as Date
  const to = new Date(from.getTime() + daysAhead * 86_400_000)
  const found = await freeSlots(scope, { from, to, account })
  return {
    items: found.slice(0, limit).map(({ slotId, accountId, at, local, zone }) => ({
      slotId,
      accountId,
      at: isoIn(at, zone),
      local,
      zone,
    })),
    next: null,
  }
}
