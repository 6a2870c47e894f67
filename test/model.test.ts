/**
 * The life of a publish job, checked as a model: two workers, a worker's death at any point, a person's wish at any
 * moment and time that passes, in every order. Whatever comes, it goes out at most once and ends somewhere, and what is
 * recorded is true.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type House, openHouse } from './cast.ts'
import { type Explored, explore } from './model/explore.ts'
import { type Bounds, World } from './model/world.ts'

setDefaultTimeout(300_000)

let house: House
let world: World
const all: Explored[] = []
beforeAll(async () => {
  house = await openHouse()
  world = await World.open(house)
})
afterAll(async () => {
  const sum = (of: 'states' | 'schedules' | 'steps' | 'ends') =>
    all.reduce((total, one) => total + one[of], 0)
  console.log(
    `model: ${all.length} worlds, ${sum('states')} states, ${sum('schedules')} schedules, ${sum('steps')} steps, ${sum('ends')} ends`,
  )
  world.close()
  await house.close()
})

const worlds: Record<string, Bounds> = {
  'keyed, a death': { platform: 'keyed', direct: false, wishes: [], kills: 1, lapses: 1 },
  'looked, a death': { platform: 'looked', direct: false, wishes: [], kills: 1, lapses: 1 },
  'blind, a death': { platform: 'blind', direct: false, wishes: [], kills: 1, lapses: 1 },
  'keyed, cancelled': { platform: 'keyed', direct: false, wishes: ['cancel'], kills: 0, lapses: 1 },
  'keyed, edited': { platform: 'keyed', direct: false, wishes: ['edit'], kills: 0, lapses: 1 },
  'keyed, a death, armed with the claim': {
    platform: 'keyed',
    direct: true,
    wishes: [],
    kills: 1,
    lapses: 1,
  },
  'looked, a death, armed with the claim': {
    platform: 'looked',
    direct: true,
    wishes: [],
    kills: 1,
    lapses: 1,
  },
  'blind, a death, armed with the claim': {
    platform: 'blind',
    direct: true,
    wishes: [],
    kills: 1,
    lapses: 1,
  },
  'keyed, cancelled, armed with the claim': {
    platform: 'keyed',
    direct: true,
    wishes: ['cancel'],
    kills: 0,
    lapses: 1,
  },
  'blind, edited and archived, armed with the claim': {
    platform: 'blind',
    direct: true,
    wishes: ['edit', 'archive'],
    kills: 0,
    lapses: 1,
  },
  'keyed, archived': { platform: 'keyed', direct: false, wishes: ['archive'], kills: 0, lapses: 1 },
}

describe('in every order', () => {
  for (const [name, bounds] of Object.entries(worlds))
    test(name, async () => {
      const found = await explore(world, bounds)
      all.push(found)
      expect(found.wrong.slice(0, 3)).toEqual([])
      // A world in which nothing goes out proves nothing.
      expect(found.outcomes.published ?? 0).toBeGreaterThan(2)
    })
})
