/** Walks through every order in which things can happen, each state once. */
import type { Bounds, World } from './world.ts'

export interface Explored {
  /** Distinct states between two steps. */
  states: number
  /** Orders of events that were carried out, each from the start. */
  schedules: number
  steps: number
  /** Orders that ended, not counting those that came to a state known already. */
  ends: number
  /** How each end was recorded. */
  outcomes: Record<string, number>
  /** What was not as it must be, with the order that led there. */
  wrong: { what: string[]; after: string[] }[]
}

/** @param most an upper bound of schedules; to come to it is an error of the bounds */
export async function explore(world: World, bounds: Bounds, most = 3_000): Promise<Explored> {
  const found: Explored = { states: 0, schedules: 0, steps: 0, ends: 0, outcomes: {}, wrong: [] }
  const seen = new Set<string>()
  const open: string[][] = [[]]
  for (let prefix = open.pop(); prefix; prefix = open.pop()) {
    if (++found.schedules > most) throw new Error(`More than ${most} schedules`)
    await world.begin(bounds)
    const done: string[] = []
    for (;;) {
      const look = await world.look()
      if (done.length >= prefix.length) {
        const key = world.key(look)
        if (seen.has(key)) break
        seen.add(key)
      }
      const can = world.actions(look)
      const planned = prefix[done.length]
      const next = planned ?? can[0]
      if (planned === undefined) for (const other of can.slice(1)) open.push([...done, other])
      if (next === undefined) {
        const last = await world.drain()
        const what = await world.verdict(last)
        found.ends += 1
        found.outcomes[last.state] = (found.outcomes[last.state] ?? 0) + 1
        if (what.length > 0) found.wrong.push({ what, after: done })
        break
      }
      if (!can.includes(next))
        throw new Error(`"${next}" cannot happen after ${done.join(', ')}: ${can.join(', ')}`)
      await world.perform(next)
      done.push(next)
      found.steps += 1
    }
    await world.abandon()
  }
  found.states = seen.size
  return found
}
