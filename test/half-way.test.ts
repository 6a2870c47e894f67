import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { migrate, migrateDown } from '../src/db/migrate.ts'
import { type Migration, oldestServedLevel, readMigrations } from '../src/db/migrations.ts'
import type { Scope } from '../src/db/scope.ts'
import { applyTenantSchemaMigration } from '../src/db/tenants.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { quiet } from './catalog.ts'
import { migrationsToCome, wider } from './extra-migrations.ts'
import { buildWorld, type World } from './world.ts'

setDefaultTimeout(90_000)

const all = readMigrations()
const appRole = 'masthead_app'
const toCome = migrationsToCome(wider)
const newer = toCome.added[0] as Migration

let house: House
let northwind: World
let southpaw: World
beforeAll(async () => {
  house = await openHouse()
  northwind = await buildWorld(house, house.alice, 'northwind')
  southpaw = await buildWorld(house, house.dan, 'southpaw')
})
afterAll(async () => {
  await house.close()
  toCome.remove()
})

/** Puts one tenant at a level, by the same moves as a run does. */
async function bringTo({ tenant }: Person, level: number): Promise<void> {
  const { owner } = house.services.db
  const ours = [...all, newer].filter(({ side }) => side === 'tenant')
  for (const migration of ours.toReversed().filter(({ number }) => number > level))
    await applyTenantSchemaMigration(owner, tenant.id, migration, 'down')
  for (const migration of ours.filter(({ number }) => number <= level))
    await applyTenantSchemaMigration(owner, tenant.id, migration, 'up')
  house.services.db.forgetTenant(tenant.id)
}

const tally = { requests: 0, published: 0, failed: [] as string[] }

/** Reads and writes through both doors for both tenants at once, so that they share connections; then what is due goes out. */
async function traffic(rounds: number): Promise<void> {
  const one = async (person: Person, world: World) => {
    const ask = async (kind: 'api' | 'page', method: string, path: string, body?: object) => {
      const { status } = await (kind === 'api'
        ? person.api(method, path, body)
        : person.page(method, `/w/${world.slug}${path}`))
      tally.requests++
      if (status >= 400) tally.failed.push(`${world.slug} ${method} ${path}: ${status}`)
    }
    const made = await person.api('POST', '/content', { text: `${world.mark} goes on`, tags: ['half-way'] })
    const path = `/content/${made.body.id}`
    await ask('api', 'PATCH', path, { text: `${world.mark} goes on and on` })
    await ask('api', 'POST', `${path}/publish-jobs`, { accounts: [world.feed], now: true })
    await Promise.all([
      ...['', '/content', '/calendar', '/accounts', '/people', '/notifications', path, '/review'].map(at =>
        ask('page', 'GET', at),
      ),
      ...['/content', path, '/publish-jobs', '/accounts', '/users', '/media'].map(at =>
        ask('api', 'GET', at),
      ),
    ])
  }
  for (let round = 0; round < rounds; round++)
    await Promise.all(
      [
        [house.alice, northwind],
        [house.dan, southpaw],
        [house.alice, northwind],
        [house.dan, southpaw],
      ].map(([person, world]) => one(person as Person, world as World)),
    )
  const worker = createWorker(house.services)
  await worker.idle()
  await worker.stop(5_000)
  for (const person of [house.alice, house.dan]) {
    const { body } = await person.api('GET', '/publish-jobs?state=scheduled,publishing,failed&limit=100')
    const due = (body.items as { runAt: string }[]).filter(job => Date.parse(job.runAt) < Date.now())
    expect(due).toEqual([])
    tally.published += rounds * 2
  }
}

describe('a version whose migration has reached half of the tenants', () => {
  test('a statement that does not name its columns breaks between two shapes: the control of what follows', async () => {
    await bringTo(house.alice, newer.number)
    await bringTo(house.dan, oldestServedLevel)
    const say = ({ sql }: Scope, text: string) =>
      sql(Object.assign([text], { raw: [text] }) as unknown as TemplateStringsArray)
    const codes: string[] = []
    for (let n = 0; n < 20; n++)
      for (const { tenant } of [house.alice, house.dan])
        await house.services.db
          .within({ tenantId: tenant.id, userId: null, role: 'system' }, scope =>
            say(scope, 'select * from content limit 1'),
          )
          .catch(error => codes.push(error.code))
    expect(new Set(codes)).toEqual(new Set(['0A000']))
  })

  test('reads, writes and publishes in both, before, between and after, and while it is under way', async () => {
    const { owner } = house.services.db
    const columns = async () => {
      const rows = await owner`
        select nspname from pg_attribute a join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace
        where attname = 'campaign' and relname = 'content'`
      return rows.map(row => row.nspname).sort()
    }
    await bringTo(house.alice, oldestServedLevel)
    await bringTo(house.dan, oldestServedLevel)
    await traffic(2)
    await bringTo(house.alice, newer.number)
    expect(await columns()).toEqual([house.alice.tenant.schema])
    await traffic(3)
    await bringTo(house.alice, oldestServedLevel)
    await bringTo(house.dan, newer.number)
    expect(await columns()).toEqual([house.dan.tenant.schema])
    await traffic(3)
    // The run itself, and the way back, in the middle of the work.
    await Promise.all([
      traffic(5),
      (async () => {
        for (let n = 0; n < 3; n++) {
          await migrate(owner, appRole, quiet, { folder: toCome.folder })
          await migrateDown(owner, { to: all.length }, quiet, { folder: toCome.folder })
        }
      })(),
    ])
    expect(tally.failed).toEqual([])
    console.log(
      `half-way: ${tally.requests} requests and ${tally.published} posts with tenants at two levels, ${tally.failed.length} failed`,
    )
  })
})

describe('a tenant below the oldest level that is served', () => {
  beforeEach(async () => {
    await bringTo(house.alice, all.length)
    await bringTo(house.dan, oldestServedLevel - 1)
  })

  test('is answered 503 in words through every door; the others are served', async () => {
    const { dan, alice } = house
    const api = await dan.api('GET', '/content')
    expect([api.status, api.body.code, api.headers.get('retry-after')]).toEqual([503, 'unavailable', '60'])
    expect(api.body.detail).toContain('still being brought up')
    const page = await dan.page('GET', `/w/${southpaw.slug}/content`)
    expect(page.status).toBe(503)
    expect(page.html).toContain('still being brought up')
    expect((await house.anyone('GET', `/feed/${southpaw.slug}`)).status).toBe(503)
    const signIn = (person: Person) =>
      house.app.handle(
        new Request('http://localhost/api/v1/sessions', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            workspace: person.tenant.slug,
            email: person.email,
            password: 'a quiet desk by the window',
          }),
        }),
      )
    expect((await signIn(dan)).status).toBe(503)
    expect((await signIn(alice)).status).toBe(201)
    expect((await alice.api('GET', '/content')).status).toBe(200)
    expect((await house.anyone('GET', '/readyz')).status).toBe(200)
  })

  test('its posts wait, without a word a second in the log, and go out once it is migrated', async () => {
    const { owner } = house.services.db
    await bringTo(house.dan, all.length)
    const planned = async (person: Person, world: World): Promise<string> => {
      const written = await person.api('POST', '/content', { text: `${world.mark} waits` })
      const made = await person.api('POST', `/content/${written.body.id}/publish-jobs`, {
        accounts: [world.feed],
        now: true,
      })
      return made.body.items[0].id as string
    }
    const dans = await planned(house.dan, southpaw)
    const alices = await planned(house.alice, northwind)
    await bringTo(house.dan, oldestServedLevel - 1)
    const lines: unknown[] = []
    const log = { ...house.services.log, error: (...line: unknown[]) => void lines.push(line) }
    const worker = createWorker({ ...house.services, log })
    await worker.idle()
    const state = async (schema: string, id: string) =>
      (await owner.unsafe(`select state from ${schema}.publish_jobs where id = '${id}'`))[0]?.state
    expect(await state(house.alice.tenant.schema, alices)).toBe('published')
    expect(await state(house.dan.tenant.schema, dans)).toBe('scheduled')
    expect(lines).toEqual([])
    // Whoever asked while it was behind is not kept waiting for what was remembered.
    expect((await house.dan.api('GET', '/content')).status).toBe(503)
    expect(await migrate(owner, appRole, quiet)).toMatchObject({ failed: [] })
    expect((await house.dan.api('GET', '/content')).status).toBe(200)
    await worker.idle()
    await worker.stop(5_000)
    expect(await state(house.dan.tenant.schema, dans)).toBe('published')
  })
})

test('the rule names a level that tenants can have', () => {
  const levels = all.filter(({ side }) => side === 'tenant').map(({ number }) => number)
  expect(levels).toContain(oldestServedLevel)
})
