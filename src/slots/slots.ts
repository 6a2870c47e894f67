import type { Scope } from '../db/scope.ts'
import { Conflict, Invalid, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { isId, newId } from '../lib/id.ts'
import { checkZone } from '../lib/time.ts'
import { allow } from '../permissions.ts'
import { listSlots, takenPlaces } from './find.ts'
import { freeMoments } from './moments.ts'
import { type FreeSlot, mostSlots, type Slot, type SlotTimes } from './schema.ts'

/**
 * Gives an account a time on some days of the week. One that it has already stays as it is.
 * @returns all its slots
 * @throws NotFound for an account that is not connected here, Invalid for a zone, Conflict above 168
 */
export async function addSlots(
  scope: Scope,
  accountId: string,
  { weekdays, local, zone }: SlotTimes,
): Promise<{ items: Slot[] }> {
  allow(scope, 'jobs.schedule')
  const { sql } = scope
  const [account] = isId(accountId)
    ? await sql`select id from social_accounts where id = ${accountId} and removed_at is null for no key update`
    : []
  if (!account) throw new NotFound()
  const [workspace] = await sql`select zone from workspace`
  const inZone = checkZone(zone ?? (workspace?.zone as string))
  const days = [...new Set(weekdays)]
  const added = await sql`
    insert into slots (id, account_id, weekday, local, zone)
    select given.id, ${account.id}, given.weekday, ${local}, ${inZone}
    from unnest(${days.map(() => newId())}::uuid[], ${days}::int[]) given (id, weekday)
    on conflict (account_id, weekday, local, zone) do nothing
    returning id`
  const items = await listSlots(scope, account.id as string)
  if (items.length > mostSlots)
    throw new Conflict(`An account has at most ${mostSlots} slots a week. Remove some first.`)
  if (added.length > 0)
    await record(scope, 'slot.created', account.id as string, { days, local, zone: inZone })
  return { items }
}

/** What was planned with it stays planned. @throws NotFound */
export async function removeSlot(scope: Scope, id: string): Promise<Slot> {
  allow(scope, 'jobs.schedule')
  const [row] = isId(id)
    ? await scope.sql`delete from slots where id = ${id} returning id, account_id, weekday, local, zone`
    : []
  if (!row) throw new NotFound()
  const slot = {
    id: row.id as string,
    accountId: row.account_id as string,
    weekday: row.weekday as number,
    local: row.local as string,
    zone: row.zone as string,
  }
  const { weekday, local, zone } = slot
  await record(scope, 'slot.removed', slot.accountId, { days: [weekday], local, zone })
  return slot
}

/** Nobody plans further ahead than this. */
const searchedYears = 10
const yearMs = 366 * 86_400_000

/**
 * The next free slot of each account, none before `notBefore`. The accounts are locked until the transaction ends, so that of many who ask at
 * once each gets another one.
 * @throws Invalid for an account without slots
 */
export async function takeNextSlots(
  scope: Scope,
  accounts: readonly { id: string; name: string }[],
  notBefore: Date | null = null,
): Promise<Map<string, FreeSlot>> {
  const { sql } = scope
  const ids = accounts.map(({ id }) => id)
  // In one order for everybody, so that two who want the same accounts wait and do not block each other.
  await sql`select id from social_accounts where id = any(${ids}::uuid[]) order by id for no key update`
  const [clock] = await sql`select public.clock() as now`
  const now = clock?.now as Date
  const found = new Map<string, FreeSlot>()
  for (const { id, name } of accounts) {
    const slots = await listSlots(scope, id)
    const taken = await takenPlaces(scope, [id], now, null)
    let from = new Date(Math.max(now.getTime() + 1, notBefore?.getTime() ?? 0))
    const last = from.getTime() + searchedYears * yearMs
    // A stretch in which there are more moments than are taken has a free one.
    for (
      let weeks = 1 + Math.ceil((taken.size + 1) / Math.max(1, slots.length));
      !found.has(id);
      weeks = 52
    ) {
      const to = new Date(from.getTime() + weeks * 7 * 86_400_000)
      const [first] = freeMoments(slots, taken, from, to)
      if (first) found.set(id, first)
      from = to
      if (slots.length === 0 || from.getTime() > last) break
    }
    if (!found.has(id)) {
      const message =
        slots.length === 0
          ? `${name} has no weekly slots. Add some on its page, or choose a time.`
          : `Every slot of ${name} is taken for the next ${searchedYears} years. Choose a time.`
      throw new Invalid(message, [{ path: 'accounts', message }])
    }
  }
  return found
}
