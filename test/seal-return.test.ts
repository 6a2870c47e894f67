/**
 * Sealed posts of a workspace that is put back, or brought elsewhere: a seal still stands, or is seen to be broken, and
 * nothing goes out that no approval has pinned.
 */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Scope } from '../src/db/scope.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { readSeal } from '../src/publishing/seal-sheet.ts'
import { snapshotFolder } from '../src/tenants/find.ts'
import { importTenant } from '../src/tenants/import.ts'
import { resumeTenant } from '../src/tenants/life.ts'
import { rewindTenant } from '../src/tenants/rewind.ts'
import { secretOf, takeSnapshot } from '../src/tenants/snapshots.ts'
import { exported, fileOf, groundOf } from './capsules.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { newPicture } from './world.ts'

setDefaultTimeout(60_000)
const hour = 3_600_000

let house: House
let alice: Person
let worker: Worker
let account: string
beforeEach(async () => {
  house = await openHouse()
  alice = house.alice
  worker = createWorker(house.services)
  // The hours that pass here are not what is tested.
  await alice.api('PATCH', '/workspace', { approvalRequired: true, lateMinutes: 43_200 })
  account = await connect()
})
afterEach(async () => {
  await worker.stop(5_000)
  await house.close()
})

const inside = <T>(work: (scope: Scope) => Promise<T>, tenantId = alice.tenant.id) =>
  house.services.db.within({ tenantId, userId: null, role: 'system' }, work)
const connect = async () =>
  (await alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id as string
async function picture(alt: string): Promise<string> {
  const form = new FormData()
  form.append('file', await newPicture())
  form.append('alt', alt)
  return (await alice.api('POST', '/media', form)).body.id
}
const write = async (given: object) => (await alice.api('POST', '/content', given)).body.id as string
async function approve(content: string): Promise<string> {
  await alice.api('POST', `/content/${content}/submission`)
  expect((await alice.api('POST', `/content/${content}/approval`)).status).toBe(201)
  return content
}
async function plan(content: string, hours: number, on = account): Promise<string> {
  const at = new Date(Date.now() + hours * hour).toISOString()
  const made = await alice.api('POST', `/content/${content}/publish-jobs`, { accounts: [on], at })
  expect(made.status).toBe(201)
  return made.body.items[0].id
}
const read = async (id: string) => (await alice.api('GET', `/publish-jobs/${id}`)).body
const sealOf = async (content: string, on = account) => {
  const { accounts, ...seal } = (await alice.api('GET', `/content/${content}/seal`)).body
  return { ...seal, sha256: accounts.find((one: { accountId: string }) => one.accountId === on)?.sha256 }
}
/** To a moment after what was planned for so many hours from now, which is not late then. */
async function passHours(hours: number): Promise<void> {
  await house.shiftClock(hours * hour + 2_000)
  await worker.idle()
}

/** A snapshot of the workspace as it is now. @returns puts it back, and gives Alice her key again, so that she can look */
async function keep(): Promise<() => Promise<void>> {
  const { db, storage } = house.services
  const { id, schema } = alice.tenant
  const { name } = await takeSnapshot(groundOf(house), id)
  const body = await storage.read(`${snapshotFolder(id)}${name}`)
  const tenant = await db.tenantById(id)
  if (!body || !tenant) throw new Error('The snapshot is not there')
  const file = { path: await fileOf(body), secret: secretOf(tenant, name) }
  const keys = db.owner(`${schema}.api_keys`)
  return async () => {
    const [own] = await db.owner`
      select id, name, hint, token_hash, user_id from ${keys} where user_id = ${alice.id} order by id limit 1`
    await rewindTenant(groundOf(house), id, file)
    await db.owner`insert into ${keys} ${db.owner(own as never)}`
  }
}

describe('put back to an earlier state', () => {
  test('a seal that was broken since stands again, and what goes out is what it pinned', async () => {
    const media = await picture('A cup')
    const content = await approve(await write({ text: 'With a picture.', media: [media] }))
    const id = await plan(content, 2)
    const before = await sealOf(content)
    const putBack = await keep()
    await alice.api('PATCH', `/media/${media}`, { alt: 'A mug' })
    expect((await sealOf(content)).state).toBe('broken')
    await putBack()
    expect(await sealOf(content)).toEqual(before)
    expect(await read(id)).toMatchObject({ state: 'scheduled' })
    await passHours(2)
    const { state, attempts } = await read(id)
    expect([state, attempts.at(-1).sentSha256]).toEqual(['published', before.sha256])
  })

  test('what was approved since then waits again, and nothing of it goes out', async () => {
    const content = await write({ text: 'Not looked at yet.' })
    const id = await plan(content, 2)
    const putBack = await keep()
    await approve(content)
    expect(await read(id)).toMatchObject({ state: 'scheduled' })
    await putBack()
    expect((await sealOf(content)).state).toBe('none')
    await passHours(2)
    expect(await read(id)).toMatchObject({ state: 'held', heldFor: 'approval', attempts: [] })
  })

  test('what went out since keeps its words, its approval and its seal; the rest goes out as it was approved then', async () => {
    const other = await connect()
    const content = await approve(await write({ text: 'The first words.' }))
    const [soon, late] = [await plan(content, 1), await plan(content, 10, other)]
    const first = await sealOf(content, other)
    const putBack = await keep()
    await alice.api('PATCH', `/content/${content}`, { text: 'The second words.' })
    await approve(content)
    const second = await sealOf(content)
    await passHours(1)
    await putBack()
    const receipt = (await alice.api('GET', `/publish-jobs/${soon}/receipt`)).body
    expect(receipt).toMatchObject({
      post: { text: 'The second words.' },
      approval: { by: 'Alice' },
      seal: { sha256: second.sha256, kept: true },
    })
    await passHours(10)
    const { state, attempts } = await read(late)
    expect([state, attempts.at(-1).sentSha256]).toEqual(['published', first.sha256])
  })

  test('what was a draft then, and was approved and went out since, keeps on whose word it did', async () => {
    const content = await write({ text: 'A draft at first.', firstComment: 'And a link.' })
    const id = await plan(content, 1)
    const putBack = await keep()
    await approve(content)
    const pinned = await sealOf(content)
    await passHours(1)
    await putBack()
    const receipt = (await alice.api('GET', `/publish-jobs/${id}/receipt`)).body
    expect(receipt).toMatchObject({ approval: { by: 'Alice' }, seal: { sha256: pinned.sha256, kept: true } })
    // What is planned of it waits for a word all the same.
    const again = await plan(content, 5)
    expect(await read(again)).toMatchObject({ state: 'held', heldFor: 'approval' })
  })
})

test('brought elsewhere a seal stands; what is no longer what was approved is stopped, and seen', async () => {
  const [cup, plate] = [await picture('A cup'), await picture('A plate')]
  const stays = await approve(await write({ text: 'As it was approved.', media: [cup] }))
  const differs = await approve(await write({ text: 'Not as it was approved.', media: [plate] }))
  const bare = await write({ text: 'Nobody has approved this.' })
  const jobs = { stays: await plan(stays, 1), differs: await plan(differs, 1), bare: await plan(bare, 1) }
  const pinned = await sealOf(stays)
  const { path } = await exported(house, alice.tenant.id, 'a passphrase of the copy')
  const { tenant } = await importTenant(
    groundOf(house),
    { path, secret: 'a passphrase of the copy' },
    { copy: true, slug: 'elsewhere' },
  )
  const there = <T>(work: (scope: Scope) => Promise<T>) => inside(work, tenant.id)
  expect(await there(scope => readSeal(scope, stays))).toMatchObject({ state: 'intact', by: 'Alice' })
  // As if the file or its row had been changed on the way.
  await there(({ sql }) => sql`update media set alt = 'A saucer' where id = ${plate}`)
  expect(await there(scope => readSeal(scope, differs))).toMatchObject({
    state: 'broken',
    changes: ['the alt text of picture 1 is now “A saucer”, it was “A plate”'],
  })
  await resumeTenant(house.services.db, tenant.id)
  await passHours(1)
  const read = async (id: string) =>
    (
      await there(
        ({ sql }) => sql`
          select j.state, j.held_for, (select sent_sha256 from publish_attempts a where a.job_id = j.id
            order by number desc limit 1) as sent from publish_jobs j where j.id = ${id}`,
      )
    )[0]
  expect(await read(jobs.stays)).toEqual({ state: 'published', held_for: null, sent: pinned.sha256 })
  expect(await read(jobs.differs)).toEqual({ state: 'held', held_for: 'approval', sent: null })
  expect(await read(jobs.bare)).toEqual({ state: 'held', held_for: 'approval', sent: null })
  const arrived = await there(({ sql }) => sql`select text from rehearsal_posts`)
  expect(arrived.map(({ text }) => text)).toEqual(['As it was approved.'])
})
