/** Snapshots by schedule: of whom, how long they stay, and that nobody but the tenant's own key opens them. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, readdirSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { crontab } from '../src/jobs/crontab.ts'
import { newId } from '../src/lib/id.ts'
import type { Log } from '../src/lib/log.ts'
import { listSnapshots, snapshotFolder } from '../src/tenants/find.ts'
import { kept, outlived } from '../src/tenants/retention.ts'
import { findSnapshot, secretOf, snapshotAll } from '../src/tenants/snapshots.ts'
import { fileOf, groundOf, unpack } from './capsules.ts'
import { type House, openHouse } from './cast.ts'
import { newPicture } from './world.ts'

setDefaultTimeout(60_000)

const hour = 3_600_000
const day = 24 * hour

describe('of the snapshots there are', () => {
  const at = (ms: number) => ({ at: new Date(Date.UTC(2026, 0, 1) + ms).toISOString() })

  test('one a day of 7 days, one a week of 4 weeks, and all of two days stay', () => {
    let all: { at: string }[] = []
    for (let night = 0; night < 90; night++) {
      all.push(at(night * day + 4 * hour))
      const over = new Set(outlived(all, all.at(-1)?.at ?? ''))
      all = all.filter(one => !over.has(one))
    }
    const ages = all
      .map(one => (Date.parse(all.at(-1)?.at ?? '') - Date.parse(one.at)) / day)
      .sort((a, b) => a - b)
    expect(ages.slice(0, kept.days)).toEqual([0, 1, 2, 3, 4, 5, 6])
    // 31 March 2026 is a Tuesday: its week, and the three before, each by its Sunday.
    expect(ages.slice(kept.days)).toEqual([9, 16])
    expect(ages).toContain(2)
  })

  test('the newest always stays, a dormant workspace keeps what it has, and nothing recent goes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 * 24 }), { minLength: 1 }), hours => {
        const all = hours.map(one => at(one * hour))
        const now = at(401 * day)
        const over = outlived(all, now.at)
        const left = all.filter(one => !over.includes(one))
        const newest = Math.max(...hours)
        expect(left).toContainEqual(at(newest * hour))
        // Nothing happens any more: when the last hours are over, what is left stays for ever.
        const over2 = outlived(left, at(500 * day).at)
        const settled = left.filter(one => !over2.includes(one))
        expect(settled).toContainEqual(at(newest * hour))
        expect(outlived(settled, at(4_000 * day).at)).toEqual([])
        expect(left.length).toBeLessThanOrEqual(
          kept.days + kept.weeks + hours.filter(one => one > 399 * 24).length,
        )
        const recent = hours.filter(one => 401 * 24 - one <= kept.hours)
        expect(left.length).toBeGreaterThanOrEqual(new Set(recent).size)
      }),
    )
  })
})

describe('the nightly round', () => {
  let house: House
  const said: string[] = []
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (words: string, about?: object) => void said.push(`${words} ${JSON.stringify(about)}`),
  } as unknown as Log
  beforeAll(async () => {
    house = await openHouse()
  })
  afterAll(() => house.close())
  const round = (ground = groundOf(house)) => snapshotAll(ground, log)
  const countOf = async (person: { tenant: { id: string } }) =>
    (await listSnapshots(groundOf(house).storage, person.tenant.id)).length
  const later = (ms: number) => house.shiftClock(ms)

  test('takes one of everybody in whose workspace something happened, once', async () => {
    await later(2 * hour)
    expect(await round()).toEqual({ taken: 2, failed: 0 })
    await later(day)
    expect(await round()).toEqual({ taken: 0, failed: 0 })
    await house.alice.api('POST', '/content', { text: 'News at Northwind' })
    await later(day + 2 * hour)
    expect(await round()).toEqual({ taken: 1, failed: 0 })
    expect([await countOf(house.alice), await countOf(house.dan)]).toEqual([2, 1])
    expect(crontab(house.services, { wake() {} } as never).map(({ name }) => name)).toContain(
      'take snapshots',
    )
  })

  test('of two processes takes one', async () => {
    await house.alice.api('POST', '/content', { text: 'More news' })
    await later(2 * day)
    const taken = await Promise.all([round(), round()])
    expect(taken.reduce((sum, one) => sum + one.taken, 0)).toBe(1)
    expect((await round()).taken).toBe(0)
    expect(await countOf(house.alice)).toBe(3)
  })

  test('goes on behind one that fails, says so, and leaves nothing on the way', async () => {
    for (const person of [house.alice, house.dan]) await person.api('POST', '/content', { text: 'Again' })
    await later(3 * day)
    const ground = groundOf(house)
    const failing = {
      ...ground,
      storage: {
        ...ground.storage,
        write: (path: string, body: Uint8Array | ReadableStream<Uint8Array>) =>
          path.startsWith(snapshotFolder(house.alice.tenant.id))
            ? Promise.reject(new Error('the disk is full'))
            : ground.storage.write(path, body),
      },
    }
    expect(await round(failing)).toEqual({ taken: 1, failed: 1 })
    expect(said.join()).toContain(house.alice.tenant.id)
    const spool = join(house.services.config.dataDir, 'spool')
    expect(existsSync(spool) ? readdirSync(spool) : []).toEqual([])
    expect(await round()).toEqual({ taken: 1, failed: 0 })
  })

  test('lets go of what is outlived', async () => {
    for (let night = 4; night < 16; night++) {
      await house.alice.api('POST', '/content', { text: `Night ${night}` })
      await later(night * day)
      await round()
    }
    const left = await countOf(house.alice)
    expect(left).toBeGreaterThanOrEqual(kept.days)
    expect(left).toBeLessThan(12)
  })

  test('clears away files that no picture names, and nothing that may still get its row', async () => {
    const { storage } = groundOf(house)
    const folder = `media/${house.alice.tenant.id}/`
    const form = new FormData()
    form.append('file', await newPicture())
    const { id } = (await house.alice.api('POST', '/media', form)).body
    const [old, young] = [newId(), newId()]
    for (const name of [old, `${old}.thumbnail`, young])
      await storage.write(`${folder}${name}`, Buffer.from('x'))
    const longAgo = new Date(Date.now() - 3 * day)
    for (const name of [old, `${old}.thumbnail`, id, `${id}.thumbnail`])
      await utimes(join(house.services.config.dataDir, folder, name), longAgo, longAgo)
    await later(17 * day)
    await round()
    const left: string[] = []
    for await (const { path } of storage.list(folder)) left.push(path.slice(folder.length))
    expect(left.sort()).toEqual([id, `${id}.thumbnail`, young].sort())
  })

  test('writes files that only the tenant’s own key opens', async () => {
    const { storage, db } = groundOf(house)
    const [alice, dan] = await Promise.all(
      [house.alice, house.dan].map(({ tenant }) => db.tenantById(tenant.id)),
    )
    if (!alice || !dan) throw new Error('They are not there')
    const latest = await findSnapshot(storage, alice.id, 'latest')
    const file = await new Response(await storage.read(`${snapshotFolder(alice.id)}${latest.name}`)).bytes()
    expect(Buffer.from(file).includes('Northwind')).toBe(false)
    const path = await fileOf(file)
    const entries = await unpack(path, secretOf(alice, latest.name))
    expect(entries.map(({ name }) => name)).toContain('tables/content/000001')
    expect(Buffer.concat(entries.map(({ body }) => body)).includes('News at Northwind')).toBe(true)
    await expect(unpack(path, secretOf(dan, latest.name))).rejects.toThrow('does not open')
    // Its key was destroyed: another of the same number is another.
    const ring = { ...alice, keys: { current: { id: 2, key: Buffer.alloc(32) }, others: new Map() } }
    expect(() => secretOf(ring, latest.name)).toThrow('is no longer here: nothing opens it')
    await expect(findSnapshot(storage, alice.id, '20200101t000000000z-k1')).rejects.toThrow(
      'see tenant snapshot --list',
    )
  })
})
