import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { sealSecret } from '../src/accounts/secret.ts'
import { assemble, type Database } from '../src/db/database.ts'
import { keyStates, spreadMs } from '../src/db/keys.ts'
import { openPool } from '../src/db/pool.ts'
import type { Actor } from '../src/db/scope.ts'
import { createTenant } from '../src/db/tenants.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { newId } from '../src/lib/id.ts'
import { keyIdOf } from '../src/lib/seal.ts'
import { diskStorage } from '../src/storage/disk.ts'
import { dropFormerKeys, snapshotsByKey } from '../src/tenants/former-keys.ts'
import { resealBatch, sealedByKey } from '../src/tenants/reseal.ts'
import { rotateKeys, type Show } from '../src/tenants/rotate.ts'
import { accountSecret, bytesOf, openFor, sealedColumns, sealFor } from '../src/tenants/sealed.ts'
import { type House, openHouse } from './cast.ts'
import { type Served, serve } from './peers/serve.ts'
import { cloneDatabase, testSecret, testServer } from './setup.ts'

setDefaultTimeout(120_000)

const unseen: Show = () => ({ at() {}, end() {} })
const system = (tenantId: string): Actor => ({ tenantId, userId: null, role: 'system' })
/** Shorter than any wait of the real command; who relies on it forgets by hand. */
const soon = 200

/** Puts so many sealed values into each of the columns that last. What is sealed says whose it is. */
async function addSecrets(db: Database, tenantId: string, count: number): Promise<void> {
  await db.within(system(tenantId), async scope => {
    for (const column of sealedColumns.filter(({ lasts }) => lasts))
      for (let n = 0; n < count; n++) {
        const id = newId()
        const bytes = sealFor(scope.tenant, column, { id }, `${tenantId} ${column.table} ${id}`)
        if (column.table === 'social_accounts')
          await scope.sql`
            insert into social_accounts (id, platform, name, handle, remote_id, limits, secret)
            values (${id}, 'webhook', 'x', 'x', ${id}, '{}', ${bytes})`
        else if (column.table === 'workflows')
          await scope.sql`
            insert into workflows (id, name, trigger, path, secret)
            values (${id}, 'x', 'publish_job.published', 'x', ${bytes})`
        else if (column.table === 'webhooks')
          await scope.sql`insert into webhooks (id, url, secret) values (${id}, 'https://x.example', ${bytes})`
        else if (column.table === 'deliveries')
          await scope.sql`
            insert into deliveries (id, kind, purpose, state, body, sealed)
            values (${id}, 'mail', 'notification', 'waiting', '{}', ${bytes})`
        else throw new Error(`this test has no row for ${column.table}`)
      }
  })
}

interface Found {
  values: number
  /** Opened as what was sealed. */
  open: number
  keys: number[]
}

/** Opens everything that lasts in a tenant, with what this database knows of its keys. */
const readAll = (db: Database, tenantId: string): Promise<Found> =>
  db.within(system(tenantId), async scope => {
    const found: Found = { values: 0, open: 0, keys: [] }
    for (const column of sealedColumns.filter(({ lasts }) => lasts)) {
      const rows = await scope.sql`
        select id, ${scope.sql(column.column)} as value from ${scope.sql(column.table)}
        where ${scope.sql(column.column)} is not null`
      for (const row of rows) {
        const bytes = bytesOf(column, row.value)
        found.values++
        if (!found.keys.includes(keyIdOf(bytes))) found.keys.push(keyIdOf(bytes))
        try {
          const words = openFor(scope.tenant, column, row, bytes).toString()
          if (words === `${tenantId} ${column.table} ${row.id}`) found.open++
        } catch {
          // Counted by what is missing.
        }
      }
    }
    found.keys.sort()
    return found
  })

describe('a change of keys', () => {
  let clone: Awaited<ReturnType<typeof cloneDatabase>>
  let db: Database
  let alice: string
  let dan: string
  const others: Database[] = []
  const folder = mkdtempSync(join(tmpdir(), 'masthead-keys-'))
  beforeAll(async () => {
    clone = await cloneDatabase()
    db = clone.db
    alice = clone.cast.alice.tenant.id
    dan = clone.cast.dan.tenant.id
    await addSecrets(db, alice, 60)
    await addSecrets(db, dan, 3)
  })
  afterAll(async () => {
    for (const other of others) await other.sql.end({ timeout: 1 })
    await clone.drop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Another process: it knows of the tenants what it has read, until it forgets. */
  async function another(): Promise<Database> {
    const sql = openPool(clone.address(clone.name, 'app'), { name: 'masthead test keys', max: 2 })
    const other = await assemble(sql, clone.db.owner, clone.db.appRole, testSecret)
    others.push(other)
    return other
  }

  test('of one workspace seals all of it anew, and leaves the others alone', async () => {
    const done = await rotateKeys(db, testSecret, 'northwind', unseen, soon)
    expect(done).toEqual({ tenants: 1, finished: false, resealed: 240, unreadable: [], failed: [] })
    expect(await readAll(db, alice)).toEqual({ values: 240, open: 240, keys: [2] })
    expect(await readAll(db, dan)).toEqual({ values: 12, open: 12, keys: [1] })
    const [state] = await keyStates(db.owner, 'northwind')
    expect(state).toMatchObject({ current: 2, next: null, former: [{ id: 1, resealedAt: expect.any(Date) }] })
  })

  test('keeps answers for repeated requests as they were sealed, and a next change leads to a third key', async () => {
    const row = { owner: newId(), route: 'POST /x', key: 'k' }
    const answer = sealedColumns.find(({ lasts }) => !lasts) ?? accountSecret
    await db.within(system(alice), async scope => {
      const text = sealFor(scope.tenant, answer, row, 'the answer').toString('base64')
      await scope.sql`
        insert into idempotency_keys (id, owner, route, key, request_hash, status, answer)
        values (${newId()}, ${row.owner}, ${row.route}, ${row.key}, 'x', 200, ${text})`
    })
    expect((await rotateKeys(db, testSecret, null, unseen, soon)).tenants).toBe(2)
    expect(await readAll(db, alice)).toEqual({ values: 240, open: 240, keys: [3] })
    expect(await readAll(db, dan)).toEqual({ values: 12, open: 12, keys: [2] })
    await db.within(system(alice), async scope => {
      const [kept] = await scope.sql`select answer from idempotency_keys where owner = ${row.owner}`
      const bytes = bytesOf(answer, kept?.answer)
      expect([keyIdOf(bytes), openFor(scope.tenant, answer, row, bytes).toString()]).toEqual([
        2,
        'the answer',
      ])
      expect([...(await sealedByKey(scope)).entries()].sort()).toEqual([
        [2, 1],
        [3, 240],
      ])
    })
  })

  test('a process that does not know of the switch yet opens what is sealed anew, and what it seals is found', async () => {
    const stale = await another()
    const none = await another()
    await readAll(stale, alice)
    await readAll(none, alice)
    const id = newId()
    let during: Promise<{ opens: Found; knowsNothing: Found }> | null = null
    const show: Show = what => {
      // What half a minute does in a real process: it reads again, and learns the next key.
      if (what.startsWith('waiting until every')) {
        stale.forgetTenant(alice)
        during = readAll(stale, alice).then(() => ({ opens: null as never, knowsNothing: null as never }))
      }
      if (what.startsWith('waiting until no process'))
        during = (async () => {
          const opens = await readAll(stale, alice)
          const knowsNothing = await readAll(none, alice)
          await stale.within(system(alice), scope => {
            expect(scope.tenant.keys.current.id).toBe(3)
            return scope.sql`
              insert into social_accounts (id, platform, name, handle, remote_id, limits, secret) values
              (${id}, 'webhook', 'x', 'x', ${id}, '{}', ${sealFor(scope.tenant, accountSecret, { id }, `${alice} social_accounts ${id}`)})`
          })
          return { opens, knowsNothing }
        })()
      return { at() {}, end() {} }
    }
    const done = await rotateKeys(db, testSecret, 'northwind', show, 1_000)
    const seen = await (during as unknown as Promise<{ opens: Found; knowsNothing: Found }>)
    expect(seen.opens).toEqual({ values: 240, open: 240, keys: [4] })
    // Why it is waited for: who has not heard of the next key opens nothing.
    expect(seen.knowsNothing).toEqual({ values: 240, open: 0, keys: [4] })
    expect(done.resealed).toBe(241)
    expect(await readAll(db, alice)).toEqual({ values: 241, open: 241, keys: [4] })
  })

  test('waits as long as a process may go on with what it knows', () => {
    // 30 s that a tenant is remembered, and the 15 s a request has that began at their end.
    expect(spreadMs).toBeGreaterThanOrEqual(45_000)
  })

  test('never puts a former value over one that is written meanwhile', async () => {
    const [row] = await db.owner.unsafe(
      `select id from ${clone.cast.alice.tenant.schema}.social_accounts where secret is not null order by id limit 1`,
    )
    const id = row?.id as string
    await db.owner`update public.tenants set key_id = 9 where id = ${alice}`
    await db.owner`
      insert into public.tenant_keys (tenant_id, key_id, data_key, retired_at)
      select id, 4, data_key, now() from public.tenants where id = ${alice}`
    db.forgetTenant(alice)
    const locked = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const writer = db.within(system(alice), async scope => {
      await scope.sql`
        update social_accounts set secret = ${sealSecret(scope, id, { token: 'renewed' })} where id = ${id}`
      locked.resolve()
      await go.promise
    })
    await locked.promise
    const pass = db.within(system(alice), scope => resealBatch(scope, accountSecret, null))
    for (;;) {
      const [waiting] = await db.owner`
        select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
      if (waiting) break
      await Bun.sleep(5)
    }
    go.resolve()
    await Promise.all([writer, pass])
    await db.within(system(alice), async scope => {
      const [kept] = await scope.sql`select secret from social_accounts where id = ${id}`
      const bytes = bytesOf(accountSecret, kept?.secret)
      expect(JSON.parse(openFor(scope.tenant, accountSecret, { id }, bytes).toString())).toEqual({
        token: 'renewed',
      })
    })
    await db.owner`delete from public.tenant_keys where tenant_id = ${alice} and key_id = 4`
    await db.owner`update public.tenants set key_id = 4 where id = ${alice}`
    db.forgetTenant(alice)
    await db.owner.unsafe(`update ${clone.cast.alice.tenant.schema}.social_accounts set secret = null`)
    await db.owner.unsafe(`delete from ${clone.cast.alice.tenant.schema}.workflows`)
  })

  test('says which value opens with no key, and goes on with the rest', async () => {
    const { schema } = clone.cast.dan.tenant
    const [row] = await db.owner.unsafe(
      `update ${schema}.workflows set secret = set_byte(secret, 40, get_byte(secret, 40) # 1)
       where id = (select min(id::text)::uuid from ${schema}.workflows) returning id`,
    )
    const done = await rotateKeys(db, testSecret, 'southpaw', unseen, soon)
    expect(done).toMatchObject({
      resealed: 11,
      unreadable: [{ slug: 'southpaw', table: 'workflows', id: row?.id }],
    })
    expect(await readAll(db, dan)).toEqual({ values: 12, open: 11, keys: [2, 3] })
    await db.owner.unsafe(`delete from ${schema}.workflows where id = $1`, [row?.id as string])
  })

  test('a former key goes when no value and no snapshot needs it, and not a moment before', async () => {
    const storage = diskStorage(folder)
    const snapshot = `snapshots/${alice}/2026-11-26t03-00-00z-k3.capsule`
    await storage.write(snapshot, new Uint8Array([1]))
    expect([...(await snapshotsByKey(storage, alice))]).toEqual([[3, 1]])
    const former = async (slug: string) => (await keyStates(db.owner, slug))[0]?.former.map(({ id }) => id)
    expect(await former('northwind')).toEqual([1, 2, 3])
    expect(await dropFormerKeys(db, storage)).toBe(0)
    await db.owner`update public.tenant_keys set retired_at = now() - interval '1 hour'`
    // Of Northwind key 1 only: 2 seals an answer, 3 a snapshot. Of Southpaw both.
    expect(await dropFormerKeys(db, storage)).toBe(3)
    expect(await former('northwind')).toEqual([2, 3])
    expect(await former('southpaw')).toEqual([])
    await db.owner.unsafe(`delete from ${clone.cast.alice.tenant.schema}.idempotency_keys`)
    await storage.remove(snapshot)
    expect(await dropFormerKeys(db, storage)).toBe(2)
    expect(await former('northwind')).toEqual([])
    expect(await readAll(db, dan)).toEqual({ values: 11, open: 11, keys: [3] })
  })
})

describe('killed by SIGKILL', () => {
  const tally = { kills: 0, lost: 0 }
  afterAll(() => console.log(`keys: ${tally.kills} kills, secrets lost ${tally.lost}`))

  async function start(database: string, at = '', spread = soon) {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, 'keys-child.ts')], {
      env: { ...process.env, KEYS_DATABASE: database, KEYS_AT: at, KEYS_SPREAD: String(spread) },
      stdout: 'pipe',
      stderr: 'inherit',
    })
    await child.stdout.getReader().read()
    return child
  }

  async function stage() {
    const clone = await cloneDatabase()
    const tenants = [clone.cast.alice.tenant.id, clone.cast.dan.tenant.id]
    for (let n = 0; n < 3; n++) {
      const slug = `more-${n}-${newId().slice(-8)}`
      const made = await createTenant(
        clone.db.owner,
        { slug, secret: testSecret, appRole: clone.db.appRole },
        async () => {},
      )
      tenants.push(made.id)
    }
    for (const id of tenants) await addSecrets(clone.db, id, 60)
    const whole = async (keys: number[][]) => {
      for (const id of tenants) {
        clone.db.forgetTenant(id)
        const found = await readAll(clone.db, id)
        tally.lost += found.values - found.open
        expect(found).toMatchObject({ values: 240, open: 240 })
        expect(keys).toContainEqual(found.keys)
      }
    }
    return {
      ...clone,
      whole,
      async drop() {
        for (const id of tenants.slice(2))
          await clone.db.owner.unsafe(`drop schema tenant_${id.replaceAll('-', '_')} cascade`)
        await clone.drop()
      },
    }
  }

  test.each([
    'making keys 2',
    'making keys all',
    'waiting until every process knows the keys 0',
    'switching 0',
    'switching 3',
    'sealing anew 0',
    'sealing anew 2',
    'waiting until no process uses a former key 0',
    'looking once more 1',
  ])('at "%s" it is finished by the next call, with one new key each', async step => {
    const { db, name, whole, drop } = await stage()
    try {
      // Long enough that there is still something to wait for when the machine is slow.
      const victim = await start(name, step, step.startsWith('waiting until no') ? 3_000 : soon)
      await victim.exited
      expect(victim.signalCode).toBe('SIGKILL')
      tally.kills++
      await whole([[1], [2], [1, 2]])
      const done = await rotateKeys(db, testSecret, null, unseen, soon)
      expect(done).toMatchObject({ failed: [], unreadable: [] })
      await whole([[2]])
      for (const { current, next, former } of await keyStates(db.owner, null))
        expect({
          current,
          next,
          former: former.map(({ id, resealedAt }) => [id, resealedAt !== null]),
        }).toEqual({ current: 2, next: null, former: [[1, true]] })
    } finally {
      await drop()
    }
  })

  test('again and again at any moment, no secret is lost and the rotation comes to its end', async () => {
    const { db, name, whole, drop } = await stage()
    try {
      for (let round = 0; ; round++) {
        const child = await start(name)
        const killer = setTimeout(() => child.kill('SIGKILL'), 10 + round * 25)
        await child.exited
        clearTimeout(killer)
        if (child.exitCode === 0) break
        tally.kills++
        const states = await keyStates(db.owner, null)
        expect(states.every(({ former }) => former.length <= 1)).toBe(true)
        // Killed after its last word: it was done, and another call would begin anew.
        if (states.every(({ former }) => former.length === 1 && former[0]?.resealedAt !== null)) break
      }
      await whole([[2]])
    } finally {
      await drop()
    }
  })
})

describe('while the keys change', () => {
  let house: House
  let receiver: Served
  beforeAll(async () => {
    receiver = await serve(() => Response.json({}))
    house = await openHouse({ OUTBOUND_ALLOW: new URL(receiver.url).host, RATE_LIMIT: 'off' })
  })
  afterAll(async () => {
    await house.close()
    await receiver.stop()
  })

  test('posts go out, each once, signed with the secret that was there before', async () => {
    const { db } = house.services
    const made = await house.alice.api('POST', '/accounts', {
      platform: 'webhook',
      settings: { url: receiver.url },
    })
    const { secret, id } = made.body
    const [row] = await db.owner`select current_database() as name`
    const address = await testServer()
    // A worker in a process of its own, as far as what it remembers goes: for half of what the rotation waits.
    const sql = openPool(address(row?.name as string, 'app'), { name: 'masthead test worker', max: 4 })
    const other = await assemble(sql, db.owner, db.appRole, testSecret)
    const forgets = setInterval(() => other.forgetTenant(house.alice.tenant.id), 300)
    const worker = createWorker({ ...house.services, db: other })
    let rotating = true
    const rotations = (async () => {
      for (let n = 0; n < 3; n++) await rotateKeys(db, testSecret, null, unseen, 600)
      rotating = false
    })()
    let planned = 0
    while (rotating) {
      const content = await house.alice.api('POST', '/content', { text: `post ${++planned}` })
      const job = await house.alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
        accounts: [id],
        now: true,
      })
      expect(job.status).toBe(201)
      worker.wake()
      await Bun.sleep(20)
    }
    await rotations
    await worker.idle()
    await worker.stop(5_000)
    clearInterval(forgets)
    await sql.end({ timeout: 1 })
    const words = receiver.requests.flatMap(({ raw, headers }) => {
      const body = Buffer.from(raw).toString()
      new Webhook(secret).verify(body, Object.fromEntries(headers))
      const { type, data } = JSON.parse(body)
      return type === 'post.published' ? [data.text as string] : []
    })
    expect(planned).toBeGreaterThan(20)
    expect(words.sort()).toEqual(Array.from({ length: planned }, (_, n) => `post ${n + 1}`).sort())
    const [state] = await keyStates(db.owner, 'northwind')
    expect(state?.current).toBe(4)
    console.log(`keys: ${planned} posts during 3 rotations, each once`)
  })

  test('an answer that was kept before is given again after, to the same body only', async () => {
    const key = { 'idempotency-key': 'before-the-change' }
    const ask = (text: string) => house.alice.api('POST', '/content', { text }, key)
    const first = await ask('once')
    await rotateKeys(house.services.db, testSecret, null, unseen, soon)
    const again = await ask('once')
    expect([again.status, again.body]).toEqual([201, first.body])
    expect((await ask('twice')).body.code).toBe('idempotency_key_reused')
  })
})
