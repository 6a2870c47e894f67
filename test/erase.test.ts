import { afterAll, beforeAll, describe, expect, setDefaultTimeout, spyOn, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crontab } from '../src/jobs/crontab.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { newId } from '../src/lib/id.ts'
import { eraseDue, eraseTenant } from '../src/tenants/erase.ts'
import { snapshotFolder } from '../src/tenants/find.ts'
import { keepTenant, planErasure } from '../src/tenants/life.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { tracesOf } from './catalog.ts'
import { buildWorld } from './world.ts'

setDefaultTimeout(120_000)

const canary = 'kanarienvogel'
const day = 86_400_000
let house: House
let finch: Person
let heron: Person
let worker: Worker
let logged = ''
const stderr = spyOn(process.stderr, 'write').mockImplementation(part => {
  logged += String(part)
  return true
})
beforeAll(async () => {
  house = await openHouse({ LOG_LEVEL: 'debug', RATE_LIMIT: 'off' })
  worker = createWorker(house.services)
  finch = await house.found(canary)
  heron = await house.found('heron')
})
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
  stderr.mockRestore()
})

/** Runs one line of the crontab now. */
const tick = async (name: string) =>
  crontab(house.services, worker)
    .find(schedule => schedule.name === name)
    ?.run()

/** Every table of every schema that has one of the words in a row: as text, or as bytes in hexadecimal or base64. */
async function tablesWith(words: readonly string[]): Promise<string[]> {
  const { owner } = house.services.db
  const forms = words.flatMap(word => [
    word,
    Buffer.from(word).toString('hex'),
    Buffer.from(word).toString('base64').replace(/.?=*$/, ''),
  ])
  const tables = await owner`
    select schemaname || '.' || quote_ident(tablename) as name from pg_tables where schemaname <> 'information_schema'
      and tablename not in ('pg_statistic') order by 1`
  const found: string[] = []
  for (const { name } of tables)
    for (const form of forms) {
      const [row] = await owner.unsafe(`select 1 from ${name} t where t::text ilike $1 limit 1`, [
        `%${form}%`,
      ])
      if (row) found.push(`${name}: ${form}`)
    }
  return found
}

function filesWith(words: readonly string[]): string[] {
  const { dataDir } = house.services.config
  return readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => words.some(word => path.includes(word) || readFileSync(path).includes(word)))
}

/** A fingerprint of everything that the neighbour has. */
async function neighbour(): Promise<string> {
  const { owner } = house.services.db
  const { schema, id } = heron.tenant
  const tables = await owner`select tablename as name from pg_tables where schemaname = ${schema} order by 1`
  const prints: string[] = []
  for (const { name } of tables) {
    const [row] = await owner.unsafe(
      `select md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) as print from ${schema}."${name}" t`,
    )
    prints.push(`${name} ${row?.print}`)
  }
  return [...prints, JSON.stringify(await tracesOf(owner, id))].join('\n')
}

/** What `buildWorld` leaves empty, and the places where words hide: sealed, hashed, remembered, shared. */
async function fillTheRest(): Promise<void> {
  const { db, storage } = house.services
  const { id: tenantId } = finch.tenant
  await finch.api('PATCH', '/workspace', { name: canary })
  await finch.api('POST', '/workspace/address', { slug: `${canary}-roasters` })
  await finch.api('POST', '/content', { text: canary }, { 'idempotency-key': canary })
  await finch.page('POST', `/w/${canary}-roasters/content/new/draft`, { text: canary })
  await finch.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })
  const approved = (await finch.api('POST', '/content', { text: canary })).body.id
  await finch.api('POST', `/content/${approved}/submission`)
  await finch.api('POST', `/content/${approved}/approval`)
  await finch.api('POST', '/forecasts')
  await storage.write(`${snapshotFolder(tenantId)}20261127t000000z-k1.capsule`, Buffer.from(canary))
  await db.within({ tenantId, userId: null, role: 'system' }, async ({ sql }) => {
    const team = newId()
    await sql`insert into teams (id, name) values (${team}, ${canary})`
    await sql`insert into team_members (id, team_id, user_id) values (${newId()}, ${team}, ${finch.id})`
    await sql`
      insert into slots (id, account_id, weekday, local, zone)
      select ${newId()}, id, 1, '09:00', ${canary} from social_accounts limit 1`
    await sql`
      insert into webhooks (id, url, secret) values (${newId()}, ${`https://${canary}.example`}, ${Buffer.from(canary)})`
    await sql`
      insert into deliveries (id, kind, state, body) values (${newId()}, 'webhook', 'delivered', ${sql.json({ canary })})`
    await sql`
      insert into analytics (id, job_id, metric, value) select ${newId()}, id, 'likes', 1 from publish_jobs limit 1`
    await sql`
      insert into rehearsal_posts (id, account_id, key, text, images)
      select ${newId()}, id, ${canary}, ${canary}, '[]' from social_accounts limit 1`
    await sql`update publish_jobs set steps = ${sql.json({ canary })}, error = ${sql.json({ canary })}`
    await sql`
      insert into publish_attempts (id, job_id, number, worker, detail)
      select ${newId()}, id, 90, ${canary}, ${sql.json({ canary })} from publish_jobs limit 1`
    await sql`insert into workflow_runs (id, kind, state, input) values (${newId()}, 'n8n', 'failed', ${sql.json({ canary })})`
  })
}

describe('an erasure', () => {
  let hidden: string[] = []
  let before = ''
  beforeAll(async () => {
    const { owner } = house.services.db
    const { id, schema } = finch.tenant
    await buildWorld(house, finch, canary)
    await fillTheRest()
    before = await neighbour()
    const [keys] = await owner`select encode(data_key, 'hex') as key from public.tenants where id = ${id}`
    const people = await owner.unsafe(`select email from ${schema}.users`)
    hidden = [
      id,
      schema,
      keys?.key as string,
      ...people.map(({ email }) => house.services.db.hashAddress(email as string).toString('hex')),
    ]
  })

  test('the canary sits in every table of the workspace, in shared tables and in files', async () => {
    const { owner } = house.services.db
    const { schema } = finch.tenant
    const tables = await owner`select tablename as name from pg_tables where schemaname = ${schema}`
    const [empty] = await owner.unsafe(
      `select string_agg(name, ', ') as names from (values ${tables
        .map(({ name }) => `('${name}', (select count(*) from ${schema}."${name}"))`)
        .join(', ')}) as t (name, n) where n = 0`,
    )
    expect(empty?.names).toBeNull()
    expect((await tablesWith([canary])).length).toBeGreaterThan(20)
    expect(await tablesWith([canary])).toContainEqual(expect.stringContaining('public.tenants'))
    expect(filesWith([canary]).length).toBeGreaterThanOrEqual(2)
    expect(filesWith([finch.tenant.id]).length).toBeGreaterThanOrEqual(4)
  })

  test('is planned on the owner’s page with the typed address, and carried out after seven days', async () => {
    const slug = `${canary}-roasters`
    const planned = await finch.page('POST', `/w/${slug}/workspace/erasure`, { confirm: slug })
    expect([planned.status, planned.location]).toEqual([303, `/sign-in?left=erasure&next=/w/${slug}`])
    await house.shiftClock(6.9 * day)
    await tick('erase what is to be erased')
    expect((await tracesOf(house.services.db.owner, finch.tenant.id)).schemas).toBe(1)
    await house.shiftClock(7.1 * day)
    await tick('erase what is to be erased')
    expect(await tracesOf(house.services.db.owner, finch.tenant.id)).toEqual({
      tenants: 0,
      due: 0,
      directory: 0,
      schemas: 0,
      roles: 0,
      relations: 0,
    })
  })

  test('leaves no canary, id, key or hashed address in any table, file or line of the log', async () => {
    const { owner } = house.services.db
    await owner`vacuum`
    expect(await tablesWith([canary])).toEqual([])
    const forms = await Promise.all(hidden.map(word => tablesWithPlain(word)))
    expect(forms.flat()).toEqual([])
    expect(filesWith([canary, ...hidden])).toEqual([])
    expect(logged.length).toBeGreaterThan(2_000)
    expect(logged.toLowerCase().includes(canary)).toBe(false)
    // The log says that it happened, by the id; the id is the only thing it knows.
    expect(logged).toContain('a workspace was erased')
  })

  test('leaves the neighbour as it was', async () => {
    expect(await neighbour()).toBe(before)
    expect((await heron.api('GET', '/me')).status).toBe(200)
  })

  test('every door knows the workspace no more, and its addresses are free', async () => {
    const slug = `${canary}-roasters`
    expect((await finch.api('GET', '/me')).status).toBe(401)
    expect((await finch.page('GET', `/w/${slug}`)).status).toBe(303)
    expect((await house.anyone('GET', `/feed/${slug}`)).status).toBe(404)
    expect((await house.anyone('GET', `/feed/${canary}`)).status).toBe(404)
    expect((await heron.api('POST', '/workspace/address', { slug: canary })).status).toBe(200)
    expect((await heron.api('POST', '/workspace/address', { slug: 'heron' })).status).toBe(200)
  })

  /** Words that are as they are stored. */
  async function tablesWithPlain(word: string): Promise<string[]> {
    const { owner } = house.services.db
    const tables = await owner`
      select schemaname || '.' || quote_ident(tablename) as name from pg_tables where schemaname <> 'information_schema'`
    const found: string[] = []
    for (const { name } of tables) {
      const [row] = await owner.unsafe(`select 1 from ${name} t where t::text like $1 limit 1`, [`%${word}%`])
      if (row) found.push(`${name}: ${word}`)
    }
    return found
  }
})

describe('an erasure that does not go smoothly', () => {
  const dans = () => ({ tenantId: heron.tenant.id, userId: null, role: 'system' }) as const
  const state = async () =>
    (await house.services.db.owner`select state from public.tenants where id = ${heron.tenant.id}`)[0]?.state

  test('taken back, it is not carried out, however late', async () => {
    const { db } = house.services
    await house.shiftClock(0)
    await planErasure(db, dans())
    await house.shiftClock(8 * day)
    expect(await keepTenant(db, dans())).toMatchObject({ served: true })
    await tick('erase what is to be erased')
    expect(await state()).toBe('active')
    expect(eraseTenant(db, house.services.storage, heron.tenant.id, true)).rejects.toThrow('taken back')
    await house.shiftClock(0)
  })

  test('while another process does it, this one leaves it alone', async () => {
    const { db } = house.services
    await planErasure(db, dans())
    await house.shiftClock(8 * day)
    const other = await db.owner.reserve()
    await other`select pg_advisory_lock(hashtext(${`masthead tenant ${heron.tenant.id}`}))`
    await tick('erase what is to be erased')
    expect(await state()).toBe('suspended')
    await other`select pg_advisory_unlock_all()`
    other.release()
  })

  test('cut off after the schema is gone, it is found and finished, and nobody enters meanwhile', async () => {
    const { db, storage } = house.services
    const broken = {
      ...house.services,
      storage: {
        ...storage,
        removeFolder: async () => {
          throw new Error('the disk is away')
        },
      },
    }
    await eraseDue(broken)
    expect(await state()).toBe('erasing')
    expect(logged).toContain('it is tried again')
    expect((await heron.api('GET', '/me')).status).toBe(401)
    expect((await house.anyone('GET', '/feed/heron')).status).toBe(404)
    await tick('erase what is to be erased')
    expect(await state()).toBeUndefined()
    expect((await tracesOf(db.owner, heron.tenant.id)).roles).toBe(0)
  })
})
