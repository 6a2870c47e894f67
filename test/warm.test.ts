import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { type House, openHouse, type Person } from './cast.ts'

let house: House
let worker: Worker
beforeAll(async () => {
  house = await openHouse()
  worker = createWorker(house.services)
})
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
})

/**
 * How many of the worker's statements are planned for these people's workspaces on their home connections. Two may be
 * at home on the same one, each with statements of its own there: so it is asked of all of them together.
 */
async function planned(...people: Person[]): Promise<number> {
  const found = new Set<string>()
  for (const { tenant } of people)
    await house.services.db.within(
      { tenantId: tenant.id, userId: null, role: 'system' },
      async ({ sql }) => {
        const rows = await sql`
          select pg_backend_pid() || name as one from pg_prepared_statements
          where statement ~ ${planning.join('|')} and statement !~ 'pg_prepared_statements' and generic_plans > 0`
        for (const { one } of rows) found.add(one)
      },
      { home: true },
    )
  return found.size
}
const planning = [
  'as deliveries',
  'for update of j skip locked',
  'insert into publish_attempts',
  'set armed_at',
  'insert into events',
  'set next_due_at = least\\(\\s*\\(select min',
]
/** Two of them find what is to be sent: what is due, and what will be. */
const statements = planning.length + 1

test('what falls due soon is made ready for, and nothing of it is changed', async () => {
  const { alice, dan } = house
  const [account] = (await alice.api('GET', '/accounts')).body.items
  const content = await alice.api('POST', '/content', { text: 'In an hour.' })
  const at = new Date(Date.now() + 3_600_000).toISOString()
  const made = await alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
    accounts: [account.id],
    at,
  })
  const before = (await alice.api('GET', `/publish-jobs/${made.body.items[0].id}`)).body
  worker.wake()
  await worker.idle()
  expect(await planned(alice, dan)).toBe(0)
  await house.shiftClock(3_598_000)
  worker.wake()
  for (const until = Date.now() + 20_000; (await planned(alice)) < statements && Date.now() < until; )
    await Bun.sleep(20)
  expect(await planned(alice)).toBe(statements)
  // Nothing of the other workspace is due.
  expect(await planned(alice, dan)).toBe(statements)
  const read = async () => (await alice.api('GET', `/publish-jobs/${before.id}`)).body
  // The clock may have come to its moment meanwhile.
  const warm = await read()
  if (warm.state === 'scheduled') expect(warm).toEqual(before)
  await house.shiftClock(3_602_000)
  worker.wake()
  await worker.idle()
  const sent = await read()
  expect(sent).toMatchObject({ state: 'published', attempts: [{ outcome: 'published' }] })
  expect(Date.parse(sent.attempts[0].startedAt)).toBeGreaterThanOrEqual(Date.parse(before.runAt))
}, 60_000)
