import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { ScopedSql } from '../src/db/scope.ts'
import { places } from '../src/jobs/places.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { newId } from '../src/lib/id.ts'
import { rehearsal } from '../src/platforms/rehearsal.ts'
import { type House, openHouse, type Person } from './cast.ts'

let house: House
let worker: Worker
beforeAll(async () => {
  house = await openHouse({ RATE_LIMIT: 'off' })
  worker = createWorker(house.services)
})
afterAll(async () => {
  await worker.stop(100)
  await house.close()
})

const inside = <T>({ tenant }: Person, work: (sql: ScopedSql) => Promise<T>) =>
  house.services.db.within({ tenantId: tenant.id, userId: null, role: 'system' }, ({ sql }) => work(sql))

/** Posts that are due now, spread over so many rehearsal accounts. */
const plan = (person: Person, posts: number, accounts: number, delayMs: number) =>
  inside(person, async sql => {
    const [ids, contents] = [Array.from({ length: accounts }, newId), Array.from({ length: posts }, newId)]
    await sql`
      insert into social_accounts (id, platform, name, handle, remote_id, limits, settings)
      select id, 'rehearsal', 'Rehearsal', 'rehearsal', id::text, ${sql.json(rehearsal.limits)}, ${sql.json({ delayMs })}
      from unnest(${ids}::uuid[]) given (id)`
    await sql`
      insert into content (id, version_id, state) select id, id, 'draft' from unnest(${contents}::uuid[]) given (id)`
    await sql`
      insert into content_versions (id, content_id, number, text)
      select id, id, 1, 'One of many.' from unnest(${contents}::uuid[]) given (id)`
    await sql`
      insert into publish_jobs (id, content_id, version_id, account_id, state, run_at, local, zone)
      select id, id, id, (${ids}::uuid[])[1 + place % ${accounts}], 'scheduled', public.clock(), '2026-01-01T00:00', 'UTC'
      from unnest(${contents}::uuid[]) with ordinality given (id, place)`
    await sql`update tenant_due set next_due_at = public.clock() where role = current_user`
  })

const count = (person: Person, state: string) =>
  inside(person, async sql => {
    const [row] = await sql`select count(*)::int as jobs from publish_jobs where state = ${state}`
    return row?.jobs as number
  })

async function publishNow(person: Person): Promise<string> {
  const feed = (await person.api('GET', '/accounts')).body.items.find(
    (one: { platform: string }) => one.platform === 'feed',
  )
  const content = await person.api('POST', '/content', { text: 'One of one.' })
  const made = await person.api('POST', `/content/${content.body.id}/publish-jobs`, {
    accounts: [feed.id],
    now: true,
  })
  return made.body.items[0].id
}
async function untilPublished(person: Person, id: string): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await Bun.sleep(20)) {
    // As the listener of the process does.
    worker.wake(person.tenant.id)
    if ((await person.api('GET', `/publish-jobs/${id}`)).body.state === 'published') return
  }
  throw new Error('it was not published')
}

test('one workspace’s thousands do not delay another’s one', async () => {
  const { alice, dan } = house
  await plan(alice, 1_500, 120, 0)
  worker.wake()
  while ((await count(alice, 'published')) === 0) await Bun.sleep(10)
  const id = await publishNow(dan)
  const before = await count(alice, 'published')
  await untilPublished(dan, id)
  const meanwhile = (await count(alice, 'published')) - before
  console.log(`places: ${meanwhile} of 1,500 went out while another workspace’s one was planned and sent`)
  expect(meanwhile).toBeLessThan(500)
  await worker.idle()
  expect(await count(alice, 'published')).toBe(1_500)
}, 120_000)

test('a platform that hangs keeps neither another workspace’s posts nor its own workspace’s on other platforms', async () => {
  const { alice, dan } = house
  const before = await count(alice, 'published')
  await plan(alice, 600, 400, 50_000)
  worker.wake()
  while ((await count(alice, 'publishing')) < places) await Bun.sleep(20)
  for (const person of [dan, alice]) await untilPublished(person, await publishNow(person))
  const hanging = await count(alice, 'publishing')
  // All the places once, and those that a slow platform keeps: not one more begins while these hang.
  expect(hanging).toBeLessThan(places + 64 + 24)
  expect(await count(alice, 'published')).toBe(before + 1)
}, 120_000)
