import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../src/app.ts'
import { slug } from '../src/cli/demo/cast.ts'
import { ahead, past, unplanned } from '../src/cli/demo/posts.ts'
import { readConfig } from '../src/config.ts'
import { stopEmbedded } from '../src/db/embedded.ts'
import { createLog } from '../src/lib/log.ts'
import { openServices } from '../src/open.ts'
import type { Services } from '../src/services.ts'

const root = join(import.meta.dir, '..')
const dataDir = mkdtempSync(join(tmpdir(), 'masthead-demo-'))
chmodSync(dataDir, 0o755)
const environment = { DATA_DIR: dataDir, LOG_LEVEL: 'warn', PORT: '0' }
let services: Services
let close: () => Promise<void>

const run = (script: string, ...args: string[]) =>
  Bun.spawn([process.execPath, '--no-env-file', `src/cli/${script}.ts`, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment },
    stdin: new Blob(['a password for the other one']),
    stdout: 'pipe',
    stderr: 'pipe',
  })

async function ended(child: ReturnType<typeof run>) {
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { out, err, code: await child.exited }
}

/** Whether the running demo has come as far as its accounts. */
async function accountsConnected(): Promise<boolean> {
  const [tenant] = await services.db
    .sql`select id from public.tenants where slug = ${slug} and state = 'active'`
  if (!tenant) return false
  const [row] = await services.db.within(
    { tenantId: tenant.id as string, userId: null, role: 'system' },
    ({ sql }) => sql`select count(*)::int as n from social_accounts`,
  )
  return (row?.n as number) > 2
}

const clock = async () => {
  const [row] = await services.db.sql`
    select extract(epoch from now() - public.clock())::float8 as behind,
      (select prosrc from pg_proc where oid = 'public.clock'::regproc) as body`
  return row as unknown as { behind: number; body: string }
}

beforeAll(async () => {
  const opened = await openServices(readConfig(environment))
  services = opened.services
  close = opened.close
})
afterAll(async () => {
  await close()
  await stopEmbedded(dataDir, createLog({ level: 'silent', json: false }))
  rmSync(dataDir, { recursive: true, force: true })
})

test('a run that is killed leaves no moved clock behind for long, and the next one starts over', async () => {
  const child = run('demo', '--no-start')
  for (;;) {
    const begun = await accountsConnected()
    if (begun) break
    expect(child.exitCode).toBeNull()
    await Bun.sleep(5)
  }
  child.kill('SIGKILL')
  await child.exited
  expect((await clock()).body).toContain('else now() end')
  const [cutOff] = await services.db.sql`select id from public.tenants where slug = ${slug}`
  const again = await ended(run('demo', '--no-start'))
  services.db.forgetTenant(cutOff?.id as string)
  expect(again.err).toBe('')
  expect(again.out).toContain('starting over')
  expect(again.code).toBe(0)
  for (const role of ['owner', 'editor', 'author', 'reviewer']) expect(again.out).toContain(role)
})

test('the clock shows the real time again', async () => {
  expect(await clock()).toEqual({ behind: 0, body: 'select now()' })
})

test('every state is there, as often as the stories say', async () => {
  const found = await services.db.tenantBySlug(slug)
  const { content, jobs, repeated, seen } = await services.db.within(
    { tenantId: found?.id ?? '', userId: null, role: 'system' },
    async ({ sql }) => ({
      content: await sql`select state, count(*)::int as n from content group by state`,
      jobs: await sql`
        select state || coalesce(' for ' || held_for, '') as state, count(*)::int as n from publish_jobs
        where recurrence_id is null group by 1`,
      repeated: await sql`
        select state, count(*)::int as n from publish_jobs where recurrence_id is not null group by 1`,
      seen: await sql`
        select (select count(*)::int from publish_jobs where state = 'published' and published_at > public.clock()) as early,
          (select count(*)::int from media where alt = '') as mute, (select count(*)::int from comments) as comments,
          (select count(*)::int from rehearsal_posts) as rehearsed, (select count(*)::int from slots) as slots,
          (select count(*)::int from brakes where released_at < public.clock()) as brakes,
          (select array_agg(state) from webhooks) as webhooks`,
    }),
  )
  const counted = (rows: readonly Record<string, unknown>[]) =>
    Object.fromEntries(rows.map(row => [row.state, row.n]))
  const all = [...past, ...ahead, ...unplanned]
  expect(Object.values(counted(content)).reduce((a, b) => Number(a) + Number(b), 0)).toBe(all.length + 1)
  const states = counted(jobs)
  expect(Object.keys(states).sort()).toEqual(
    [
      'cancelled',
      'failed',
      'held for approval',
      'held for reconnect',
      'published',
      'scheduled',
      'unconfirmed',
    ].sort(),
  )
  expect(Object.values(states).reduce((a, b) => Number(a) + Number(b), 0)).toBe(
    all.reduce((sum, post) => sum + post.to.length, 0),
  )
  expect(states.failed).toBe(all.filter(post => post.to.includes('trade')).length)
  expect(states.unconfirmed).toBe(1)
  expect(Object.keys(counted(content)).sort()).toEqual([
    'approved',
    'archived',
    'changes_requested',
    'draft',
    'in_review',
  ])
  expect(seen[0]).toMatchObject({ early: 0, mute: 0, slots: 4, brakes: 1, webhooks: ['disabled'] })
  expect(repeated).toMatchObject([{ state: 'scheduled', n: 5 }])
  expect(Number(seen[0]?.comments)).toBeGreaterThan(4)
  expect(Number(seen[0]?.rehearsed)).toBeGreaterThan(10)
})

test('the feed shows what is out and nothing that is not', async () => {
  const app = createApp(services)
  const read = async (path: string) => (await app.handle(new Request(`http://localhost${path}`))).text()
  const out = await read(`/feed/${slug}/feed.json`)
  expect(out).toContain('The dark espresso is back')
  expect(out).not.toContain('One kilo of dark espresso')
  expect(await read(`/feed/${slug}`)).toContain('The dark espresso is back')
})

test('a second run changes nothing', async () => {
  const count = async () => (await services.db.sql`select count(*)::int as n from public.tenants`)[0]?.n
  const before = await count()
  const { out, code } = await ended(run('demo', '--no-start'))
  expect({ code, before, after: await count() }).toEqual({ code: 0, before: 1, after: 1 })
  expect(out).toContain('is there already')
})

test('beside other workspaces it asks first, and it never takes one of the same name for its own', async () => {
  const make = (name: string) =>
    ended(
      run(
        'tenant',
        ...['create', name, '--name', 'Other', '--owner-name', 'Olga', '--owner-email', 'olga@other.example'],
        ...['--zone', 'UTC', '--password-stdin'],
      ),
    )
  expect((await ended(run('tenant', 'erase', slug, '--yes', '--now'))).code).toBe(0)
  expect((await make('other')).code).toBe(0)
  const asked = await ended(run('demo', '--no-start'))
  expect(asked).toMatchObject({ code: 1, out: '' })
  expect(asked.err).toContain('add --yes')
  expect((await make(slug)).code).toBe(0)
  const refused = await ended(run('demo', '--no-start', '--yes'))
  expect(refused).toMatchObject({ code: 1, out: '' })
  expect(refused.err).toContain("not the demo's")
})
