/** Posts that go out with their first call are armed in the commit that claims them, and only those that may be. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { last } from '../src/db/scope.ts'
import { type ClaimedJob, claimJobs } from '../src/jobs/claim.ts'
import { holdLease } from '../src/jobs/lease.ts'
import { recordOutcome } from '../src/jobs/record.ts'
import { claimDue } from '../src/jobs/visit.ts'
import { rehearsal } from '../src/platforms/rehearsal.ts'
import { stopSends } from '../src/publishing/braked.ts'
import { type House, openHouse } from './cast.ts'
import { hold } from './waiting.ts'

let house: House
let account: string
const { now } = performance
beforeAll(async () => {
  house = await openHouse()
  account = (await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id
})
afterEach(async () => {
  performance.now = now
  await inside(({ sql }) => sql`delete from publish_jobs`)
  await house.alice.api('PATCH', '/workspace', { approvalRequired: false })
})
afterAll(() => house.close())

const actor = () => ({ tenantId: house.alice.tenant.id, userId: null, role: 'system' as const })
const inside = <T>(work: Parameters<typeof house.services.db.within<T>>[1]) =>
  house.services.db.within(actor(), work)

/** Plans a post for now and claims it. */
async function claimed(post: object = {}, on = account): Promise<ClaimedJob> {
  await plan(post, on)
  return claim()
}

async function plan(post: object, on = account): Promise<string> {
  const { alice } = house
  const content = await alice.api('POST', '/content', { text: 'In one call.', ...post })
  const made = await alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
    accounts: [on],
    now: true,
  })
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return made.body.items[0].id
}

async function claim(): Promise<ClaimedJob> {
  const { jobs } = await inside(scope => claimJobs(scope, 'test', 5))
  if (!jobs[0]) throw new Error('nothing was claimed')
  return jobs[0]
}

/** The newest attempt, as people see it, and what the job remembers. */
async function written({ id }: { id: string }) {
  const { attempts } = (await house.alice.api('GET', `/publish-jobs/${id}`)).body
  const [row] = await inside(({ sql }) => sql`select steps from publish_jobs where id = ${id}`)
  return { ...attempts.at(-1), steps: row?.steps as Record<string, unknown> }
}

const lease = (job: ClaimedJob) => holdLease(inside, job, 60_000)

describe('armed with the claim', () => {
  test('is what goes out with its first call, with what it sends and when it was planned for', async () => {
    const job = await claimed()
    expect(job.armedSince).not.toBeNull()
    const { armedAt, sentSha256, steps } = await written(job)
    expect(armedAt).not.toBeNull()
    expect(sentSha256).toBe(job.opened?.payload.sha256)
    expect(steps).toEqual({ 'planned-at': job.runAt.toISOString(), 'first-send': expect.any(Number) })
  })

  test('is looked for before it is sent again', async () => {
    const { id } = await claimed()
    await inside(
      ({ sql }) =>
        sql`update publish_jobs set lease_until = public.clock() - interval '1 second' where id = ${id}`,
    )
    expect(await claim()).toMatchObject({ id, armed: true, armedSince: null })
  })

  test('may send at once, and asks again when that was too long ago', async () => {
    const job = await claimed()
    const held = lease(job)
    // Another worker has it by now, which only the database tells.
    await inside(({ sql }) => sql`update publish_jobs set attempt_id = null where id = ${job.id}`)
    await held.arm({})
    await expect(held.arm({})).rejects.toThrow('lease')
    held.end()
    const late = lease(job)
    performance.now = () => now.call(performance) + 15_001
    await expect(late.arm({})).rejects.toThrow('lease')
    late.end()
  })

  test('is durable before it is sent: its commit is waited for', async () => {
    const waits = async () =>
      inside(async scope => {
        await scope.sql`set local synchronous_commit = on`
        await scope.sql`update tenant_due set next_due_at = public.clock() where role = current_user`
        const { jobs } = await claimDue(scope, 'test', { posts: 5, mails: 1, calls: 1 }, new Map(), [])
        const [row] = await scope.sql`show synchronous_commit`
        return [jobs.length, jobs[0]?.armedSince !== null, row?.synchronous_commit]
      })
    await plan({})
    expect(await waits()).toEqual([1, true, 'on'])
    await inside(({ sql }) => sql`delete from publish_jobs`)
    await plan({ thread: [{ text: 'And a second part.' }] })
    expect(await waits()).toEqual([1, false, 'off'])
  })
})

describe('armed by itself, later', () => {
  const unarmed = async (job: ClaimedJob) => {
    expect(job.armedSince).toBeNull()
    expect(await written(job)).toMatchObject({ armedAt: null, sentSha256: null, steps: {} })
  }

  test('is a thread', async () => unarmed(await claimed({ thread: [{ text: 'And a second part.' }] })))

  test('is what will be refused', async () => {
    const { id } = await claimed()
    await inside(
      ({ sql }) => sql`
        update publish_jobs set state = 'scheduled', attempt_id = null, steps = '{}' where id = ${id}`,
    )
    await inside(
      ({ sql }) =>
        sql`update social_accounts set limits = jsonb_set(limits, '{text,max}', '3') where id = ${account}`,
    )
    await unarmed(await claim())
    await inside(
      ({ sql }) =>
        sql`update social_accounts set limits = ${sql.json(rehearsal.limits)} where id = ${account}`,
    )
  })

  test('is what an account that asks to be connected again would send', async () => {
    await plan({})
    await inside(({ sql }) => sql`update social_accounts set state = 'reconnect' where id = ${account}`)
    await unarmed(await claim())
    await inside(({ sql }) => sql`update social_accounts set state = 'connected' where id = ${account}`)
  })

  test('is what is not what was approved', async () => {
    await plan({})
    await inside(({ sql }) => sql`update workspace set approval_required = true`)
    await unarmed(await claim())
    await inside(({ sql }) => sql`update workspace set approval_required = false`)
  })

  test('is everything while a brake is being put on', async () => {
    await plan({})
    const brake = await hold(house.services.db, actor(), stopSends)
    const job = await claim()
    await brake.commit()
    await unarmed(job)
  })

  test('is a first comment whose post’s id is not known', async () => {
    for (const id of ['the-post', null]) {
      const post = await claimed({ firstComment: 'And a link.' })
      await inside(scope =>
        recordOutcome(scope, post, { is: 'published', remoteId: 'the-post', remoteUrl: null }),
      )
      await inside(({ sql }) => sql`update publish_jobs set remote_id = ${id} where id = ${post.id}`)
      const comment = await claim()
      expect(comment).toMatchObject({ firstCommentOf: post.id, answersTo: id })
      if (id === null) await unarmed(comment)
      else expect(comment.armedSince).not.toBeNull()
      await inside(({ sql }) => sql`delete from publish_jobs`)
    }
  })

  test('is what has taken a worker down with it before', async () => {
    const { id, attemptId } = await claimed()
    await inside(async ({ sql }) => {
      await sql`update publish_attempts set armed_at = null where id = ${attemptId}`
      await sql`
        update publish_jobs set steps = '{}', lease_until = public.clock() - interval '1 second' where id = ${id}`
    })
    const again = await claim()
    expect(again).toMatchObject({ id, armed: false, lost: 1 })
    await unarmed(again)
  })

  test('is what the network makes wait before it takes it', async () => {
    const slow = await house.alice.api('POST', '/accounts', {
      platform: 'rehearsal',
      settings: { answer: 'throttled' },
    })
    await unarmed(await claimed({}, slow.body.id))
  })
})

test('a claim that cannot be written is none', async () => {
  const id = await plan({})
  const claiming = inside(async scope => {
    const { jobs } = await claimJobs(scope, 'test', 5)
    last(scope.sql`select 1 / 0`)
    return jobs
  })
  await expect(claiming).rejects.toThrow('division by zero')
  expect((await house.alice.api('GET', `/publish-jobs/${id}`)).body).toMatchObject({
    state: 'scheduled',
    attempts: [],
  })
})
