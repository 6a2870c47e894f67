/** When a workspace is due next: who plans lowers it, who claims computes it anew, and neither forgets the other's. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Actor, Scope } from '../src/db/scope.ts'
import { claimJobs } from '../src/jobs/claim.ts'
import { claimDue } from '../src/jobs/visit.ts'
import { scheduleJobs } from '../src/publishing/schedule.ts'
import { type House, openHouse } from './cast.ts'
import { anybodyWaits, hold, until } from './waiting.ts'

let house: House
let account: string
beforeAll(async () => {
  house = await openHouse({ RATE_LIMIT: 'off' })
  account = (await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id
})
afterAll(() => house.close())

const actor = (): Actor => ({ tenantId: house.alice.tenant.id, userId: house.alice.id, role: 'owner' })
const write = async (text: string) => (await house.alice.api('POST', '/content', { text })).body.id as string
const inMs = (ms: number) => new Date(Math.ceil((Date.now() + ms) / 1000) * 1000)
const planIn = (scope: Scope, content: string, at: Date) =>
  scheduleJobs(scope, content, { accounts: [account], at: at.toISOString() })
async function dueAt(): Promise<Date> {
  const [row] = await house.services.db.sql`
    select next_due_at from public.tenant_due where tenant_id = ${house.alice.tenant.id}`
  return row?.next_due_at
}
const rowIsFree = () =>
  house.services.db.owner.begin(async tx => {
    const rows = await tx`
      select 1 from public.tenant_due where tenant_id = ${house.alice.tenant.id} for update skip locked`
    return rows.length === 1
  })

test('who plans has the due row at the end of the transaction only, and lowers it then', async () => {
  const at = inMs(600_000)
  const content = await write('Planned slowly')
  const planning = await hold(house.services.db, actor(), scope => planIn(scope, content, at))
  // Whoever had it here, and then waited for a lock of somebody who wants it, would wait for ever.
  expect(await rowIsFree()).toBe(true)
  await planning.commit()
  expect(await dueAt()).toEqual(at)
})

test('what is planned while a claim is open is due after it, though the row told of something sooner before', async () => {
  const first = await write('Due now')
  await house.alice.api('POST', `/content/${first}/publish-jobs`, { accounts: [account], now: true })
  const at = inMs(5_000)
  const content = await write('Due soon')
  const claim = await hold(house.services.db, actor(), scope =>
    claimDue(scope, 'a worker', { posts: 8, mails: 0, calls: 0 }, new Map(), []),
  )
  let planned = false
  const planning = house.services.db
    .within(actor(), scope => planIn(scope, content, at))
    .finally(() => {
      planned = true
    })
  await until(async () => planned || (await anybodyWaits(house.services.db)))
  await claim.commit()
  await planning
  expect(await dueAt()).toEqual(at)
})

test('who has not got the due row claims nothing, not even what stands behind a claim that is still open', async () => {
  const same = (await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id
  const planned: string[] = []
  // More than a claim of one looks at.
  for (let n = 0; n < 6; n++) {
    const content = await write(`Number ${n} of its account`)
    const made = await house.alice.api('POST', `/content/${content}/publish-jobs`, {
      accounts: [same],
      now: true,
    })
    planned.push(made.body.items[0].id)
  }
  const claim = (scope: Scope) => claimDue(scope, 'a worker', { posts: 1, mails: 8, calls: 8 }, new Map(), [])
  const taken: string[] = []
  const first = await hold(house.services.db, actor(), async scope => {
    for (const { id } of (await claim(scope)).jobs) taken.push(id)
  })
  // It does not see that the account is busy: that is not committed yet.
  const second = await house.services.db.within(actor(), claim)
  await first.commit()
  expect(taken).toEqual(planned.slice(0, 1))
  expect(second).toMatchObject({ jobs: [], runs: [], mails: [], calls: [], aside: 0 })
})

test('a claim takes what is due and nothing that is due in a moment', async () => {
  const other = (await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id
  const plan = async (to: string, when: object) => {
    const content = await write('Of two moments')
    const made = await house.alice.api('POST', `/content/${content}/publish-jobs`, {
      accounts: [to],
      ...when,
    })
    return made.body.items[0].id as string
  }
  const third = (await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id
  const at = inMs(60_000)
  await plan(other, { at: at.toISOString() })
  const due = await plan(third, { at: new Date(at.getTime() - 3_000).toISOString() })
  await house.shiftClock(at.getTime() - Date.now() - 1_500)
  const { jobs } = await house.services.db.within(actor(), scope => claimJobs(scope, 'a worker', 50))
  expect(jobs.map(({ id }) => id)).toContain(due)
  // By the clock of the claim itself, however long the machine took to come here.
  for (const { runAt, claimedAt } of jobs) expect(runAt.getTime()).toBeLessThanOrEqual(claimedAt.getTime())
})
