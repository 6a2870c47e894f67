import { afterAll, beforeAll, describe, expect, setDefaultTimeout, setSystemTime, test } from 'bun:test'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApp } from '../src/app.ts'
import { readMigrations } from '../src/db/migrations.ts'
import { createMetrics } from '../src/lib/metrics.ts'
import { type House, openHouse } from './cast.ts'
import { type Family, readExposition } from './exposition.ts'

setDefaultTimeout(60_000)

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

/** Asks an app that remembers no earlier answer. */
async function fresh(path: string) {
  const answer = await createApp(house.services).handle(new Request(`http://localhost${path}`))
  return { status: answer.status, retry: answer.headers.get('retry-after'), text: await answer.text() }
}

describe('/healthz and /readyz', () => {
  test('a process that serves says so', async () => {
    expect(await fresh('/healthz')).toEqual({ status: 200, retry: null, text: 'ok\n' })
    expect(await fresh('/readyz')).toEqual({ status: 200, retry: null, text: 'ready\n' })
  })

  test('each thing that stops it is named, with 503 and Retry-After', async () => {
    const { services } = house
    const { owner } = services.db
    const checks = join(services.config.dataDir, 'checks')
    const newest = readMigrations().at(-1)
    const faults: [string, () => unknown, () => unknown, string][] = [
      [
        'worker',
        () => Object.assign(services, { lastLook: () => Date.now() - 15_500 }),
        () => Object.assign(services, { lastLook: () => null }),
        'worker: the worker has not looked for due posts for more than 15 seconds',
      ],
      [
        'storage',
        () => {
          rmSync(checks, { recursive: true, force: true })
          writeFileSync(checks, 'a file where a folder has to be')
        },
        () => rmSync(checks),
        'storage: The data folder',
      ],
      [
        'migrations',
        () => owner`delete from public.migrations where number = ${newest?.number ?? 0}`,
        () => owner`
          insert into public.migrations (number, name, side, checksum)
          values (${newest?.number ?? 0}, ${newest?.name ?? ''}, ${newest?.side ?? ''}, ${newest?.checksum ?? ''})`,
        `migrations: the database is at migration ${(newest?.number ?? 0) - 1} and this version needs ${newest?.number}: bun run migrate`,
      ],
      [
        'database',
        () => owner`alter table public.migrations rename to hidden`,
        () => owner`alter table public.hidden rename to migrations`,
        'database: the database does not answer',
      ],
    ]
    for (const [name, breakIt, mend, words] of faults) {
      await breakIt()
      const { status, retry, text } = await fresh('/readyz')
      await mend()
      expect({ name, status, retry, text }).toEqual({
        name,
        status: 503,
        retry: '5',
        text: expect.stringMatching(/^not ready\n/) as unknown as string,
      })
      expect(text).toContain(words)
      expect(text.trim().split('\n')).toHaveLength(2)
      expect((await fresh('/readyz')).status).toBe(200)
    }
  })

  test('a worker that looked within 15 seconds is ready', async () => {
    Object.assign(house.services, { lastLook: () => Date.now() - 14_000 })
    expect((await fresh('/readyz')).status).toBe(200)
    Object.assign(house.services, { lastLook: () => null })
  })

  test('a clock that is off by more than two seconds is said, and stops nothing', async () => {
    for (const [off, words] of [
      [60_000, 'ahead of'],
      [-60_000, 'behind'],
    ] as const) {
      setSystemTime(new Date(Date.now() + off))
      const { status, text } = await fresh('/readyz').finally(() => setSystemTime())
      expect({ status, text }).toEqual({
        status: 200,
        text: expect.stringMatching(
          new RegExp(`^ready\nclock: this process's clock is (59|60)\\.\\d s ${words} the database's`),
        ) as unknown as string,
      })
    }
  })

  test('asked by many at once it looks once', async () => {
    const { db } = house.services
    const { sql } = db
    let asked = 0
    const counting = (...args: Parameters<typeof sql>) => {
      asked++
      return sql(...args)
    }
    const app = createApp({
      ...house.services,
      db: { ...db, sql: Object.assign(counting, sql) as typeof sql },
    })
    const ask = () => app.handle(new Request('http://localhost/readyz'))
    const answers = await Promise.all(Array.from({ length: 50 }, ask))
    expect([answers.every(({ status }) => status === 200), asked]).toEqual([true, 1])
  })
})

describe('/metrics', () => {
  test('is what a strict reader takes, and names nobody', async () => {
    await house.anyone('GET', '/sign-in')
    await house.anyone('GET', '/nothing-here')
    const app = createApp(house.services)
    const ask = async () => (await app.handle(new Request('http://localhost/metrics'))).text()
    await ask()
    // The jobs are counted behind the answer.
    let text = ''
    for (const end = Date.now() + 10_000; !text.includes('masthead_publish_jobs{'); ) {
      if (Date.now() > end) throw new Error('the jobs were never counted')
      text = await ask()
    }
    const families = readExposition(text)
    for (const name of [
      'masthead_requests_total',
      'masthead_request_seconds',
      'masthead_publish_lateness_seconds',
      'masthead_build_info',
      'masthead_worker_look_age_seconds',
      'masthead_database_up',
      'masthead_database_connections',
      'masthead_tenants',
      'masthead_tenants_not_migrated',
      'masthead_due_tenants',
      'masthead_due_lag_seconds',
      'masthead_publish_jobs',
      'masthead_publish_jobs_counted_seconds',
      'masthead_deliveries',
      'masthead_delivery_oldest_seconds',
      'masthead_clock_skew_seconds',
      'process_resident_memory_bytes',
      'process_start_time_seconds',
      'process_cpu_seconds_total',
    ])
      expect([name, families.has(name)]).toEqual([name, true])
    const value = (name: string, labels: Record<string, string>) =>
      families.get(name)?.samples.find(one => Object.entries(labels).every(([k, v]) => one.labels[k] === v))
        ?.value
    expect(value('masthead_tenants', { state: 'active' })).toBe(2)
    expect(value('masthead_database_up', {})).toBe(1)
    expect(value('masthead_requests_total', { door: 'public', status: '404' })).toBeGreaterThan(0)
    expect(text).not.toMatch(/northwind|southpaw|[0-9a-f]{8}-[0-9a-f]{4}-/i)
  })

  test('counts the jobs of every workspace by state, not at each asking', async () => {
    const app = createApp(house.services)
    const ask = async () =>
      readExposition(await (await app.handle(new Request('http://localhost/metrics'))).text())
    await ask()
    const counted = async () => {
      for (;;) {
        const family = (await ask()).get('masthead_publish_jobs')
        if (family) return Object.fromEntries(family.samples.map(one => [one.labels.state, one.value]))
      }
    }
    const before = await counted()
    const content = await house.alice.api('POST', '/content', { text: 'Planned' })
    const { body } = await house.alice.api('GET', '/accounts')
    await house.alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [body.items[0].id],
      at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    expect(await counted()).toEqual(before)
    const again = createApp(house.services)
    await again.handle(new Request('http://localhost/metrics'))
    for (let now = before; ; ) {
      const text = await (await again.handle(new Request('http://localhost/metrics'))).text()
      const family = readExposition(text).get('masthead_publish_jobs')
      if (!family) continue
      now = Object.fromEntries(family.samples.map(one => [one.labels.state, one.value]))
      expect(now).toEqual({ ...before, scheduled: (before.scheduled ?? 0) + 1 })
      break
    }
  })

  test('counts the mails and messages that are not delivered, and how long the oldest has waited', async () => {
    await house.services.db.within(
      { tenantId: house.dan.tenant.id, userId: null, role: 'system' },
      async ({ sql }) => {
        const hook = crypto.randomUUID()
        await sql`
          insert into webhooks (id, url, events, secret) values (${hook}, 'https://hooks.example', '{}', ${new Uint8Array(1)})`
        for (const [kind, state, minutes] of [
          ['webhook', 'waiting', 9],
          ['webhook', 'sending', 4],
          ['webhook', 'failed', 500],
          ['webhook', 'delivered', 600],
          ['mail', 'failed', 700],
        ] as const)
          await sql`
            insert into deliveries (id, kind, purpose, webhook_id, state, body, created_at)
            values (${crypto.randomUUID()}, ${kind}, ${kind === 'mail' ? 'reset' : null}, ${kind === 'mail' ? null : hook}, ${state}, '{}',
              public.clock() - ${minutes} * interval '1 minute')`
      },
    )
    const app = createApp(house.services)
    let families = new Map<string, Family>()
    for (const end = Date.now() + 10_000; !families.has('masthead_deliveries'); ) {
      if (Date.now() > end) throw new Error('the deliveries were never counted')
      families = readExposition(await (await app.handle(new Request('http://localhost/metrics'))).text())
    }
    const value = (name: string, ...labels: string[]) =>
      families.get(name)?.samples.find(one => Object.values(one.labels).join() === labels.join())?.value ?? -1
    const counts = ['waiting', 'sending', 'failed'].flatMap(state =>
      ['webhook', 'mail'].map(kind => value('masthead_deliveries', kind, state)),
    )
    expect(counts).toEqual([1, 0, 1, 0, 1, 1])
    const oldest = value('masthead_delivery_oldest_seconds', 'webhook')
    expect(oldest).toBeGreaterThanOrEqual(540)
    expect(oldest).toBeLessThan(900)
    expect(value('masthead_delivery_oldest_seconds', 'mail')).toBe(0)
  })

  test('labels and help are escaped, and the strict reader refuses what is not', () => {
    const metrics = createMetrics()
    metrics.attempt('a "quoted"\\\nplatform', 'published')
    metrics.lateness(0.2)
    metrics.request('api', 200, 0.003)
    const text = metrics.render({ masthead_x: { help: 'two\nlines \\', value: 1.5e-9 } })
    const families = readExposition(text)
    expect(families.get('masthead_publish_attempts_total')?.samples[0]?.labels.platform).toBe(
      'a "quoted"\\\nplatform',
    )
    for (const wrong of [
      'masthead_x 1\n',
      '# HELP a b\n# TYPE a gauge\na{b="c"d="e"} 1\n',
      '# HELP a b\n# TYPE a gauge\na 1\na 1\n',
      '# HELP a b\n# TYPE a gauge\na one\n',
      text.replace(/(lateness_seconds_bucket\{le="600"\}) 1/, '$1 0'),
      text.trimEnd(),
    ])
      expect(() => readExposition(wrong)).toThrow()
  })
})
