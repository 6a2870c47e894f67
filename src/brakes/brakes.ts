import { lowerDue } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { Conflict, Invalid, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { isId, newId } from '../lib/id.ts'
import { instantOf, isoIn } from '../lib/time.ts'
import { allow } from '../permissions.ts'
import { platforms } from '../platforms/index.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { holdBraked, releaseUnbraked, stopSends, takeBack } from '../publishing/braked.ts'
import { readBrake } from './find.ts'
import { tagPattern, wordPattern } from './pattern.ts'
import type { BrakePutOn, BrakeTakenOff, NewBrake } from './schema.ts'

/** As the API takes it, or with a length of time instead of a moment. */
export type BrakeWish = NewBrake & { minutes?: number | undefined }

/**
 * Holds what is planned for the workspace, an account, a tag or a word, and what will be, until it is taken off or runs
 * out. Nothing that it is on begins to be sent once this has committed.
 * @throws Forbidden, Invalid for an unknown account or a time that has passed, Conflict when the same one is on already
 */
export async function putBrakeOn(scope: Scope, wish: BrakeWish): Promise<BrakePutOn> {
  allow(scope, 'brakes.use')
  const { sql } = scope
  const { value, pattern, about } = await target(scope, wish)
  const endsAt = await endOf(scope, wish)
  const id = newId()
  await stopSends(scope)
  // One that has run out and is not taken off yet makes way.
  await endBrakes(scope)
  const [made] = await sql`
    insert into brakes (id, scope, value, pattern, about, reason, ends_at, created_by)
    values (${id}, ${wish.scope}, ${value}, ${pattern}, ${about}, ${wish.reason}, ${endsAt}, ${scope.actor.userId})
    on conflict (scope, value) where released_at is null do nothing returning id`
  if (!made) throw new Conflict(`A brake is on ${about} already.`)
  const underWay = await takeBack(scope)
  const held = await holdBraked(scope)
  await record(scope, 'brake.put_on', id, { about, reason: wish.reason, held: held.length })
  if (endsAt) lowerDue(scope, endsAt)
  return { ...(await readBrake(scope, id)), underWay }
}

/** Takes a brake off; one that is off already stays so. What no other brake is on is planned again. @throws Forbidden, NotFound */
export async function takeBrakeOff(scope: Scope, id: string): Promise<BrakeTakenOff> {
  allow(scope, 'brakes.use')
  // What is being planned and held for it just now is seen, and let go too.
  await stopSends(scope)
  const [brake] = isId(id)
    ? await scope.sql`select id, about, released_at from brakes where id = ${id} for update`
    : []
  if (!brake) throw new NotFound()
  const freed =
    brake.released_at === null ? await release(scope, brake, scope.actor.userId) : { goesOut: 0, asks: 0 }
  return { ...(await readBrake(scope, id)), ...freed }
}

/** Takes off the brakes that have run out. */
export async function endBrakes(scope: Scope): Promise<void> {
  await stopSends(scope)
  const over = await scope.sql`
    select id, about from brakes where released_at is null and ends_at <= public.clock() order by id for update`
  for (const brake of over) await release(scope, brake, null)
}

async function release(scope: Scope, brake: Record<string, unknown>, by: string | null) {
  const { id, about } = brake as { id: string; about: string }
  await scope.sql`
    update brakes set released_at = least(ends_at, public.clock()), released_by = ${by} where id = ${id}`
  const freed = await releaseUnbraked(scope)
  await record(scope, 'brake.taken_off', id, { about, ranOut: by === null, ...freed })
  return freed
}

/** What the brake is on, as it is kept. */
async function target(
  scope: Scope,
  { scope: kind, value = '' }: BrakeWish,
): Promise<{ value: string | null; pattern: string | null; about: string }> {
  if (kind === 'workspace') return { value: null, pattern: null, about: 'the whole workspace' }
  if (kind === 'tag') return { value, pattern: tagPattern(value), about: `the tag “${value}”` }
  if (kind === 'word') return { value, pattern: wordPattern(value), about: `the word “${value}”` }
  const [account] = isId(value)
    ? await scope.sql`
        select id, name, platform from social_accounts where id = ${value} and removed_at is null`
    : []
  if (!account)
    throw new Invalid('This account is not connected here.', [
      { path: 'value', message: 'must be the id of an account that is connected here' },
    ])
  const network = platforms[account.platform as PlatformId].name
  return { value: account.id as string, pattern: null, about: `${account.name} (${network})` }
}

async function endOf(scope: Scope, { until, minutes }: BrakeWish): Promise<Date | null> {
  const [row] = await scope.sql`select public.clock() as now, zone from workspace`
  const now = row?.now as Date
  if (minutes !== undefined) return new Date(now.getTime() + minutes * 60_000)
  if (until === undefined) return null
  const at = typeof until === 'string' ? new Date(until) : instantOf(until).at
  if (at > now) return at
  throw new Invalid(
    `That has passed: it is ${isoIn(now, row?.zone as string)
      .slice(0, 16)
      .replace('T', ' ')} (${row?.zone}) now. Choose a later end, or none.`,
    [{ path: 'until', message: 'has passed' }],
    'time_in_past',
  )
}
