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

/** How many of the worker's statements are planned on the connection that is this workspace's home. */
const planned = ({ tenant }: Person) =>
  house.services.db.within(
    { tenantId: tenant.id, userId: null, role: 'system' },
    async ({ sql }) => {
      const [row] = await sql`
        select count(*)::int as statements from pg_prepared_statements
        where statement ~ 'for update of j skip locked|insert into publish_attempts|set armed_at|insert into events'
          and statement !~ 'pg_prepared_statements' and generic_plans > 0`
      return row?.statements as number
    },
    { home: true },
  )

test('what falls due soon is made ready for, and nothing of it is changed', async () => {
  const { alice } = house
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
  expect(await planned(alice)).toBe(0)
  await house.shiftClock(3_598_000)
  worker.wake()
  for (const until = Date.now() + 20_000; (await planned(alice)) < 5 && Date.now() < until; )
    await Bun.sleep(20)
  expect(await planned(alice)).toBe(5)
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
