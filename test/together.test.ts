/** Small writes of one moment share a transaction, and one workspace's many of them do not keep another's waiting. */
import { describe, expect, test } from 'bun:test'
import type { Actor, Scope, Within } from '../src/db/scope.ts'
import { places as allPlaces, createPlaces } from '../src/jobs/places.ts'
import { createTogether } from '../src/jobs/together.ts'

/** A way into tenants that only notes who came in, and how many were inside at once. */
function door() {
  const entered: string[] = []
  let inside = 0
  let mostInside = 0
  const within = (async (actor: Actor, work: (scope: Scope) => Promise<unknown>) => {
    entered.push(actor.tenantId)
    inside += 1
    mostInside = Math.max(mostInside, inside)
    await Bun.sleep(1)
    const done = await work({} as Scope).finally(() => {
      inside -= 1
    })
    return done
  }) as Within
  return { within, entered, mostInside: () => mostInside }
}

const echo = async (_: Scope, items: readonly number[]) => items.map(item => item * 2)

describe('writes of one workspace', () => {
  test('give their lane back after each transaction: another’s one does not wait for all of them', async () => {
    const { within, entered } = door()
    const records = createTogether(within, { open: () => 1 })
    const many = Array.from({ length: 100 }, (_, n) => records.inSet('many', echo, n))
    const one = records.inSet('one', echo, 21)
    expect(await one).toBe(42)
    expect(await Promise.all(many)).toEqual(Array.from({ length: 100 }, (_, n) => n * 2))
    // A hundred are four transactions of at most 32.
    expect(entered).toEqual(['many', 'one', 'many', 'many', 'many'])
  })

  test('are in no more lanes than are open, and in more as soon as more are', async () => {
    const { within, mostInside } = door()
    let open = 2
    const records = createTogether(within, { open: () => open })
    const tenants = Array.from({ length: 12 }, (_, n) => `tenant ${n}`)
    await Promise.all(tenants.map(tenant => records.inSet(tenant, echo, 1)))
    expect(mostInside()).toBe(2)
    const again = tenants.map(tenant => records.inSet(tenant, echo, 1))
    open = 5
    await Promise.all(again)
    expect(mostInside()).toBe(5)
  })
})

test('a write that waits for a lock gives its lane back after a moment, and nobody waits for it', async () => {
  const stuck = Promise.withResolvers<void>()
  const within = (async (actor: Actor, work: (scope: Scope) => Promise<unknown>) => {
    if (actor.tenantId === 'stuck') await stuck.promise
    return work({} as Scope)
  }) as Within
  const records = createTogether(within, { open: () => 1 })
  const late = records.inSet('stuck', echo, 1)
  expect(await records.inSet('other', echo, 21)).toBe(42)
  stuck.resolve()
  expect(await late).toBe(2)
})

describe('places', () => {
  const nobody = () => {}

  test('are free once the platform has answered, before that is written down', () => {
    let freed = 0
    const places = createPlaces(() => {
      freed += 1
    }, nobody)
    const taken = Array.from({ length: allPlaces }, () => places.take('one', 'rehearsal'))
    expect(places.free()).toBe(0)
    taken[0]?.answered()
    expect([places.free(), freed, places.heldBy('one')]).toEqual([1, 1, allPlaces])
    for (const place of taken) place.ended()
    expect([places.free(), places.heldBy('one')]).toEqual([allPlaces, 0])
  })

  test('are none while two thousand and more answers are not written down', () => {
    const places = createPlaces(nobody, nobody)
    const unrecorded = Array.from({ length: 2_048 - 3 }, () => {
      const place = places.take('one', 'rehearsal')
      place.answered()
      return place
    })
    expect(places.free()).toBe(3)
    for (let n = 0; n < 3; n++) {
      const place = places.take('one', 'rehearsal')
      place.answered()
      unrecorded.push(place)
    }
    expect(places.free()).toBe(0)
    for (const place of unrecorded.slice(0, 7)) place.ended()
    expect(places.free()).toBe(7)
    for (const place of unrecorded.slice(7)) place.ended()
    expect(places.free()).toBe(allPlaces)
  })
})
