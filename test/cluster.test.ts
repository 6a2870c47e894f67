import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readConfig } from '../src/config.ts'
import { createBus } from '../src/db/bus.ts'
import { assemble, type Database } from '../src/db/database.ts'
import { type Hint, hintChannel, readMessage, tellTenantChanged, writeMessage } from '../src/db/hints.ts'
import { createMarks } from '../src/db/marks.ts'
import { joinNeighbours, type Neighbours } from '../src/db/neighbours.ts'
import { openPool } from '../src/db/pool.ts'
import { openRedis } from '../src/db/redis.ts'
import { createReadiness } from '../src/http/readiness.ts'
import { crontab } from '../src/jobs/crontab.ts'
import type { Worker } from '../src/jobs/worker.ts'
import { newId } from '../src/lib/id.ts'
import { createLog } from '../src/lib/log.ts'
import { servicesOf } from './cast.ts'
import { describePeer, type Redis, startRedis } from './peers/index.ts'
import { cloneDatabase, testSecret } from './setup.ts'

setDefaultTimeout(60_000)
const quiet = createLog({ level: 'silent', json: false })

let clone: Awaited<ReturnType<typeof cloneDatabase>>
beforeAll(async () => {
  clone = await cloneDatabase()
})
afterAll(() => clone.drop())

const leaving: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const leave of leaving.splice(0).reverse()) await leave()
})

async function until(test: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const limit = Date.now() + 20_000
  while (!(await test())) {
    if (Date.now() > limit) throw new Error(`It never happens: ${what}`)
    await Bun.sleep(20)
  }
}

interface Process {
  id: string
  db: Database
  neighbours: Neighbours
  bus: ReturnType<typeof createBus>
  heard: Hint[]
  missed: number
}

/** What one process has of its own: pools, a listening connection, a bus. */
async function join(url?: string): Promise<Process> {
  const owner = openPool(clone.address(clone.name), { name: 'masthead owner', max: 2 })
  const sql = openPool(clone.address(clone.name, 'app'), { name: 'masthead', max: 2 })
  const db = await assemble(sql, owner, 'masthead_app', testSecret)
  const redis = url ? openRedis(url, quiet) : null
  if (redis) await new Promise<void>(ready => redis.once('ready', () => ready()))
  const bus = createBus(redis, quiet)
  const id = newId().replaceAll('-', '')
  const neighbours = await joinNeighbours(owner, id, bus.heard, quiet)
  bus.connect(neighbours, id)
  const one: Process = { id, db, neighbours, bus, heard: [], missed: 0 }
  bus.subscribe({
    hints: hints => void one.heard.push(...hints),
    missed: () => void one.missed++,
  })
  leaving.push(async () => {
    bus.close()
    redis?.disconnect()
    await neighbours.leave()
    await db.close()
  })
  return one
}
const hint = (type = 'content.created'): Hint => ({ tenantId: newId(), type, subjectId: newId() })
const leaders = async (all: readonly Process[]) =>
  (await Promise.all(all.map(({ neighbours }) => neighbours.leads()))).flatMap((leads, n) => (leads ? n : []))

describe('the processes of one database', () => {
  test('know of each other at once, and when one has left', async () => {
    const one = await join()
    expect(one.neighbours.aloneSince()).not.toBeNull()
    const two = await join()
    expect(two.neighbours.aloneSince()).toBeNull()
    await until(() => one.neighbours.aloneSince() === null, 'the first hears of the second')
    await (leaving.pop() as () => Promise<void>)()
    await until(() => one.neighbours.aloneSince() !== null, 'the first is alone again')
  })

  test('one of them leads; when it goes, or loses its connection, exactly one does again', async () => {
    const all = [await join(), await join(), await join()]
    expect(await leaders(all)).toEqual([0])
    await clone.db.owner`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query like 'listen "masthead_process_%' and query like ${`%${all[0]?.id}%`}`
    await until(async () => ![0, undefined].includes((await leaders(all))[0]), 'another one leads')
    await until(() => (all[0]?.missed ?? 0) > 0, 'it hears that it may have missed something')
    expect(await leaders(all)).toHaveLength(1)
  })

  test('what shall be done once is done by the one that leads alone', async () => {
    const worker = { wake() {} } as Worker
    const all = [await join(), await join()]
    const swept: number[] = []
    for (const { db, neighbours } of all) {
      const services = {
        ...servicesOf(db, readConfig({ MASTHEAD_SECRET: testSecret })),
        leads: neighbours.leads,
      }
      await clone.db.owner`update public.tenant_due set swept_at = now() - interval '2 days'`
      const within = db.within
      const entered = new Set<string>()
      db.within = (actor, work, options) => {
        entered.add(actor.tenantId)
        return within(actor, work, options)
      }
      await crontab(services, worker)
        .find(({ name }) => name === 'sweep')
        ?.run()
      swept.push(entered.size)
    }
    expect(swept).toEqual([2, 0])
  })

  test('a command that changed a workspace is heard by all of them; noise on the channel by none', async () => {
    const all = [await join(), await join()]
    const { owner } = clone.db
    for (const noise of [
      '',
      'x',
      '{}',
      '{"from":1,"hints":[]}',
      '{"from":"a","hints":[["x"]]}',
      'ö'.repeat(3000),
    ])
      await owner`select pg_notify(${hintChannel}, ${noise})`
    const { id } = clone.cast.dan.tenant
    await tellTenantChanged(owner, id)
    for (const one of all) {
      await until(() => one.heard.length > 0, 'the change is heard')
      expect(one.heard).toEqual([{ tenantId: id, type: 'tenant.changed', subjectId: id }])
    }
  })

  test('a burst reaches the others whole, in few messages, and comes back to nobody', async () => {
    const [one, two] = [await join(), await join()]
    let messages = 0
    const { unlisten } = await clone.db.owner.listen(hintChannel, () => {
      messages++
    })
    const burst = Array.from({ length: 230 }, () => hint())
    for (const each of burst) one.bus.publish([each])
    await until(() => two.heard.length === burst.length, 'all of them are heard')
    const sorted = (hints: readonly Hint[]) => hints.map(({ subjectId }) => subjectId).sort()
    expect(sorted(two.heard)).toEqual(sorted(burst))
    expect(one.heard).toEqual(burst)
    expect(messages).toBeLessThan(8)
    await unlisten()
  })

  test('the longest message fits into a notification', () => {
    const long = { tenantId: newId(), type: 'content.changes_requested', subjectId: newId() }
    const text = writeMessage(newId(), Array(50).fill(long))
    expect(Buffer.byteLength(text)).toBeLessThan(8_000)
    expect(readMessage(text)?.hints).toHaveLength(50)
  })
})

describePeer('redis', 'several processes with Redis', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.stop())

  test('hints go by Redis; while it is gone, by PostgreSQL; none of those after its return are lost', async () => {
    const own = await startRedis()
    const [one, two] = [await join(own.url), await join(own.url)]
    let notified = 0
    const { unlisten } = await clone.db.owner.listen(hintChannel, () => {
      notified++
    })
    const send = async (what: string) => {
      const sent = hint()
      one.bus.publish([sent])
      await until(() => two.heard.some(({ subjectId }) => subjectId === sent.subjectId), what)
    }
    await send('by Redis')
    expect(notified).toBe(0)
    process.kill(own.pid, 'SIGKILL')
    await until(async () => {
      const sent = hint()
      one.bus.publish([sent])
      await Bun.sleep(100)
      return two.heard.some(({ subjectId }) => subjectId === sent.subjectId)
    }, 'by PostgreSQL')
    expect(notified).toBeGreaterThan(0)
    await unlisten()
    await own.stop()
  })

  test('a process whose connection to Redis broke is told that it may have missed something', async () => {
    const one = await join(redis.url)
    const killer = openRedis(redis.url, quiet)
    await new Promise<void>(ready => killer.once('ready', () => ready()))
    await until(async () => String(await killer.client('LIST', 'TYPE', 'PUBSUB')).length > 10, 'subscribed')
    await killer.client('KILL', 'TYPE', 'PUBSUB')
    await until(() => one.missed > 0, 'it is told')
    killer.disconnect()
  })

  test('how far each workspace has written is known to every process, and never goes back', async () => {
    const clients = [openRedis(redis.url, quiet), openRedis(redis.url, quiet)]
    await Promise.all(clients.map(client => new Promise<void>(ready => client.once('ready', () => ready()))))
    const [one, two] = clients.map(client => createMarks(client, () => null, 50))
    const tenant = newId()
    expect(await two?.read(tenant)).toBeNull()
    await Bun.sleep(60)
    expect(await two?.read(tenant)).toBe(0n)
    await one?.raise(tenant, 5_000_000_000_000n)
    await two?.raise(tenant, 4_999_999_999_999n)
    expect(await two?.read(tenant)).toBe(5_000_000_000_000n)
    expect(await one?.read(tenant)).toBe(5_000_000_000_000n)
    // Redis goes: nothing is known. It comes back: nothing is trusted until the replica has had time to catch up.
    clients[1]?.disconnect(true)
    await until(() => clients[1]?.status !== 'ready', 'the connection is gone')
    expect(await two?.read(tenant)).toBeNull()
    await until(async () => (await two?.read(tenant)) === 5_000_000_000_000n, 'it is trusted again')
    for (const client of clients) client.disconnect()
  })
})

describe('how far each workspace has written, in one process', () => {
  test('is known in memory while it is alone, and not at all beside others', async () => {
    let alone: number | null = Date.now() - 1_000
    const marks = createMarks(null, () => alone, 500)
    const tenant = newId()
    expect(await marks.read(tenant)).toBe(0n)
    await marks.raise(tenant, 7n)
    await marks.raise(tenant, 3n)
    expect(await marks.read(tenant)).toBe(7n)
    alone = null
    expect(await marks.read(tenant)).toBeNull()
    alone = Date.now()
    expect(await marks.read(tenant)).toBeNull()
  })

  test('what is forgotten for want of room holds for everybody', async () => {
    const marks = createMarks(null, () => 0, 0)
    const first = newId()
    await marks.raise(first, 900n)
    for (let n = 0; n < 20_000; n++) await marks.raise(newId(), 1_000n + BigInt(n))
    expect(await marks.read(first)).toBe(900n)
    expect(await marks.read(newId())).toBe(900n)
  })
})

describe('a process that leaves', () => {
  test('waits until whoever balances was told twice, if anybody has asked lately', async () => {
    const readiness = createReadiness()
    expect(readiness.asked()).toBe(true)
    let left = false
    const leaving = readiness.leave(20_000).then(() => {
      left = true
    })
    await Bun.sleep(50)
    expect(left).toBe(false)
    expect(readiness.asked()).toBe(false)
    await Bun.sleep(20)
    expect(left).toBe(false)
    expect(readiness.asked()).toBe(false)
    await leaving
  })

  test('waits for nobody when nobody asks, not for ever, and not when it is hurried', async () => {
    await createReadiness().leave(20_000)
    const silent = createReadiness()
    silent.asked()
    await silent.leave(30)
    const hurried = createReadiness()
    hurried.asked()
    const leaving = hurried.leave(20_000)
    await hurried.leave(0)
    await leaving
  })
})
