/**
 * `bun test/bench/scope-forms.ts [number of tenants …]`: what a scope costs, form by form, against a plain select
 * without one. The forms take turns in slices of 200 ms, so that a noisy machine is unfair to none. `client` and
 * `server` are microseconds of processor time a call, of this process and of the server's backends. ROUNDS sets the slices a form gets, default 15.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type postgres from 'postgres'
import { assemble, type Database } from '../../src/db/database.ts'
import { openPool, type Sql } from '../../src/db/pool.ts'
import type { ScopedSql } from '../../src/db/scope.ts'
import { createTenant } from '../../src/db/tenants.ts'
import { cloneDatabase, testSecret } from '../setup.ts'
import { figures } from './figures.ts'

const callers = 16
const connections = 8
const sliceMs = 200
const rounds = Number(process.env.ROUNDS ?? 15)

interface Place {
  id: string
  schema: string
}
type Rows = readonly { state?: string }[]
type Form = (place: Place) => Promise<Rows>
type Tag = (text: TemplateStringsArray, ...values: unknown[]) => Promise<postgres.RowList<postgres.Row[]>>

const head = (schema: string) =>
  `set local search_path to ${schema}, public; set local role ${schema}; set local transaction_timeout = 15000`
const read = (sql: unknown): Promise<Rows> =>
  (sql as Tag)`select id, state, version_id from content where state = ${'draft'} order by updated_at desc limit 10`

function forms(sql: Sql, db: Database): Record<string, Form> {
  const within = (readOnly: boolean) => (place: Place) =>
    db.within({ tenantId: place.id, userId: null, role: 'system' }, scope => read(scope.sql as ScopedSql), {
      readOnly,
    })
  const leased = (letGo: boolean) => async (place: Place) => {
    const lease = await sql.lease(`begin read only; ${head(place.schema)}`)
    const rows = await read(lease.sql)
    const ended = lease.finish('commit', letGo)
    if (!letGo) await ended
    return rows
  }
  return {
    'plain select, no scope': () =>
      sql`select id, state, version_id from plain.content where state = ${'draft'} order by updated_at desc limit 10`,
    'begin and commit only, no scope': () =>
      sql.begin(
        'read only',
        tx =>
          tx`select id, state, version_id from plain.content where state = ${'draft'} order by updated_at desc limit 10`,
      ),
    'begin, head awaited': place =>
      sql.begin('read only', async tx => {
        await tx.unsafe(head(place.schema))
        return read(tx)
      }) as Promise<Rows>,
    'begin, query behind the head': place =>
      sql.begin('read only', async tx => {
        const sent = tx.unsafe(head(place.schema)).execute()
        const rows = await read(tx)
        await sent
        return rows
      }) as Promise<Rows>,
    'one message, COMMIT awaited': leased(false),
    'one message, let go at COMMIT': leased(true),
    'within, may write': within(false),
    'within, reads only': within(true),
    'one text without parameters': async place => {
      const text = `select id, state, version_id from content where state = 'draft' order by updated_at desc limit 10`
      const results = await sql.unsafe(`set transaction read only; ${head(place.schema)}; ${text}`)
      return (results as unknown as Rows[]).at(-1) ?? []
    },
  }
}

/** Processor time of all backends of one pool, in seconds; read from /proc, so Linux only. */
function serverSeconds(title: string): number {
  let ticks = 0
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name)))
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(title)) continue
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // It ended between the two looks.
    }
  return ticks / 100
}

interface Sum {
  times: number[]
  seconds: number
  client: number
  server: number
}

async function measure(all: Record<string, Form>, places: Place[], title: string): Promise<Map<string, Sum>> {
  const sums = new Map<string, Sum>()
  const slice = async (form: Form, ms: number, sum: Sum | null) => {
    const [began, client, server] = [performance.now(), process.cpuUsage(), serverSeconds(title)]
    const times: number[] = []
    await Promise.all(
      Array.from({ length: callers }, async () => {
        while (performance.now() < began + ms) {
          const at = performance.now()
          const rows = await form(places[Math.floor(Math.random() * places.length)] as Place)
          if (rows.length !== 10) throw new Error(`${rows.length} rows instead of 10`)
          times.push(performance.now() - at)
        }
      }),
    )
    if (!sum) return
    sum.times.push(...times)
    sum.seconds += (performance.now() - began) / 1000
    const used = process.cpuUsage(client)
    sum.client += (used.user + used.system) / 1e6
    sum.server += serverSeconds(title) - server
  }
  for (const [name, form] of Object.entries(all)) {
    sums.set(name, { times: [], seconds: 0, client: 0, server: 0 })
    await slice(form, 1000, null)
  }
  for (let round = 0; round < rounds; round++)
    for (const [name, form] of Object.entries(all)) await slice(form, sliceMs, sums.get(name) ?? null)
  return sums
}

function show(sums: Map<string, Sum>, tenants: number): void {
  const plain = sums.values().next().value as Sum
  const base = plain.times.length / plain.seconds
  console.log(`\n${tenants} tenants, ${callers} callers, ${connections} connections`)
  console.log(`${'form'.padEnd(34)}     /s  ÷ plain   p50 ms   p99 ms  client  server`)
  for (const [name, { times, seconds, client, server }] of sums) {
    const { perSecond, p50, p99 } = figures(times, seconds)
    const each = (part: number) => Math.round((part / times.length) * 1e6)
    const cells = [
      Math.round(perSecond).toString().padStart(7),
      (perSecond / base).toFixed(2).padStart(9),
      ...[p50, p99].map(ms => ms.toFixed(2).padStart(9)),
      ...[client, server].map(part => each(part).toString().padStart(8)),
    ]
    console.log(name.padEnd(34) + cells.join(''))
  }
}

const clone = await cloneDatabase()
const { owner, appRole } = clone.db
const title = `masthead_app ${clone.name}`
await owner`create schema plain`
await owner`create table plain.content (id uuid primary key, state text not null, version_id uuid not null, updated_at timestamptz not null)`
await owner`create index on plain.content (updated_at desc)`
await owner.unsafe(
  `grant usage on schema plain to "${appRole}"; grant select on plain.content to "${appRole}"`,
)
const fill = (schema: string) =>
  owner.unsafe(`insert into ${schema}.content (id, state, version_id, updated_at)
    select gen_random_uuid(), 'draft', gen_random_uuid(), now() - n * interval '1 minute' from generate_series(1, 30) n`)
await fill('plain')
const places: Place[] = []
try {
  for (const wanted of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 100]) {
    const made = performance.now()
    await Promise.all(
      [1, 2, 3].map(async () => {
        while (places.length < wanted) {
          const place: Place = { id: '', schema: '' }
          const slug = `bench-${places.push(place)}`
          const tenant = await createTenant(owner, { slug, secret: testSecret, appRole }, async () => {})
          await fill(tenant.schema)
          Object.assign(place, { id: tenant.id, schema: tenant.schema })
        }
      }),
    )
    console.error(`${wanted} tenants made in ${((performance.now() - made) / 1000).toFixed(0)} s`)
    const sql = openPool(clone.address(clone.name, 'app'), { name: 'masthead bench', max: connections })
    const db = await assemble(sql, owner, appRole, testSecret)
    show(await measure(forms(sql, db), places, title), places.length)
    await sql.end({ timeout: 2 })
  }
} finally {
  await clone.drop()
}
