import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withOwner } from '../src/cli/owner.ts'
import { readConfig } from '../src/config.ts'
import { stopEmbedded } from '../src/db/embedded.ts'
import type { Sql } from '../src/db/pool.ts'
import { createLog } from '../src/lib/log.ts'
import { operator } from './operator.ts'
import { freePort, startChild } from './peers/processes.ts'

setDefaultTimeout(120_000)

const root = join(import.meta.dir, '..')
const folder = mkdtempSync(join(tmpdir(), 'masthead-doctor-'))
chmodSync(folder, 0o755)
const home = join(folder, 'data')
const quiet = createLog({ level: 'silent', json: false })
let port = 0

const command = operator(home)
const run = (name: string, args: string[], env: Record<string, string> = {}, input = '') =>
  command(name, args, input, { PORT: `${port}`, ...env })

interface Checked {
  name: string
  state: string
  said: string
  cure?: string
}
async function doctor(env: Record<string, string> = {}) {
  const { code, out, err } = await run('doctor', ['--json'], env)
  expect(err).not.toMatch(/\n\s+at |Error:/)
  const read = JSON.parse(out) as { ok: boolean; checks: Checked[]; skipped: string[] }
  return { code, err, ...read, bad: read.checks.filter(one => one.state !== 'ok') }
}
const withDatabase = (work: (owner: Sql) => Promise<unknown>) =>
  withOwner(
    { config: readConfig({ DATA_DIR: home, LOG_LEVEL: 'silent' }), log: quiet },
    async owner => void (await work(owner)),
  )

beforeAll(async () => {
  port = await freePort()
})
afterAll(async () => {
  await stopEmbedded(home, quiet)
  rmSync(folder, { recursive: true, force: true })
})

describe('bun run doctor on a healthy set-up', () => {
  test('where nothing was set up yet it makes nothing, and warns only', async () => {
    const { code, bad, checks } = await doctor()
    expect(code).toBe(0)
    expect(bad.map(({ name, state }) => `${state} ${name}`)).toEqual([
      'warn data folder',
      'warn secret',
      'warn database',
    ])
    expect(checks.find(({ name }) => name === 'port')?.said).toContain('not running')
    expect(existsSync(home)).toBe(false)
  })

  test('with the app stopped, and running', async () => {
    const creation = ['--name', 'Northwind', '--owner-name', 'Alice', '--owner-email', 'a@northwind.example']
    for (const slug of ['northwind', 'southpaw'])
      await run(
        'tenant',
        ['create', slug, ...creation, '--zone', 'Europe/Berlin', '--password-stdin', '--json'],
        {},
        'a quiet desk by the window',
      )
    const made = await run(
      'backup',
      ['--passphrase-stdin', '--to', join(folder, 'a.backup')],
      {},
      'a warm cup by the window',
    )
    expect(made.code).toBe(0)
    const stopped = await doctor()
    expect({ code: stopped.code, bad: stopped.bad, skipped: stopped.skipped }).toEqual({
      code: 0,
      bad: [],
      skipped: [],
    })
    expect(stopped.checks.length).toBeGreaterThan(16)
    expect(stopped.checks.find(({ name }) => name === 'workspaces')?.said).toStartWith('2,')

    const app = await startChild({
      name: 'masthead',
      command: [process.execPath, 'src/main.ts'],
      cwd: root,
      env: { DATA_DIR: home, PORT: `${port}`, LOG_LEVEL: 'warn', MASTHEAD_SECRET: '', DATABASE_URL: '' },
      ready: output => output.includes('Masthead is ready'),
    })
    const running = await doctor()
    const text = await run('doctor', [])
    await app.stop()
    expect({ code: running.code, bad: running.bad }).toEqual({ code: 0, bad: [] })
    expect(running.checks.find(({ name }) => name === 'port')?.said).toBe(`Masthead runs on ${port}: ready`)
    expect(text.out.trim().split('\n').at(-1)).toBe('Healthy.')
    expect(text.err).toBe('')
    expect(readdirSync(home).sort()).toEqual(['checks', 'last-backup.json', 'postgres', 'run', 'secret'])
  })
})

describe('bun run doctor on a broken set-up', () => {
  /** Breaks one thing, lets the doctor look, mends it. */
  const cases: {
    name: string
    env?: () => Record<string, string>
    breakIt?: () => unknown
    mend?: () => unknown
    finds: string
    state?: 'warn' | 'fail'
    said: RegExp
    cure: RegExp
  }[] = [
    {
      name: 'a setting is wrong',
      env: () => ({ PORT: 'eighty', S3_URL: 'nonsense' }),
      finds: 'settings',
      said: /PORT must be a port number.*S3_URL/,
      cure: /\.env/,
    },
    {
      name: 'the secret can be read by others',
      breakIt: () => chmodSync(join(home, 'secret'), 0o644),
      mend: () => chmodSync(join(home, 'secret'), 0o600),
      finds: 'secret',
      said: /read by others \(mode 644\)/,
      cure: /chmod 600/,
    },
    {
      name: 'the secret is lost',
      breakIt: () => renameSync(join(home, 'secret'), join(folder, 'secret')),
      mend: () => renameSync(join(folder, 'secret'), join(home, 'secret')),
      finds: 'secret',
      said: /there is no secret/,
      cure: /restore it from a backup/,
    },
    {
      name: 'the secret is another one',
      env: () => ({ MASTHEAD_SECRET: 'another secret of more than thirty-two' }),
      finds: 'database',
      said: /refuses the login/,
      cure: /MASTHEAD_SECRET is the one it was set up with/,
    },
    {
      name: 'the data folder is a file',
      env: () => ({ DATA_DIR: join(root, 'package.json') }),
      finds: 'data folder',
      said: /is no folder/,
      cure: /DATA_DIR/,
    },
    {
      name: 'the database cannot be reached',
      env: () => ({ DATABASE_URL: 'postgres://masthead:secret-word@127.0.0.1:1/masthead' }),
      finds: 'database',
      said: /127\.0\.0\.1:1 cannot be reached/,
      cure: /start it, or correct the address/,
    },
    {
      name: 'a table of a workspace is gone',
      breakIt: () =>
        withDatabase(async owner => {
          const [row] = await owner`select schema_name from public.tenants where slug = 'northwind'`
          await owner.unsafe(`alter table ${row?.schema_name}.analytics rename to lost`)
        }),
      mend: () =>
        withDatabase(async owner => {
          const [row] = await owner`select schema_name from public.tenants where slug = 'northwind'`
          await owner.unsafe(`alter table ${row?.schema_name}.lost rename to analytics`)
        }),
      finds: 'workspaces',
      said: /^northwind lacks analytics$/,
      cure: /restore/,
    },
    {
      name: 'a workspace has no schema',
      breakIt: () =>
        withDatabase(
          owner => owner`
          insert into public.tenants (id, slug, schema_name, data_key, state)
          select '00000000-0000-4000-8000-000000000001', 'nowhere', 'tenant_00000000_0000_4000_8000_000000000001', data_key, 'active'
          from public.tenants where slug = 'northwind'`,
        ),
      mend: () => withDatabase(owner => owner`delete from public.tenants where slug = 'nowhere'`),
      finds: 'workspaces',
      said: /nowhere has no schema.*nowhere has no role/,
      cure: /restore/,
    },
    {
      name: 'a schema has no workspace',
      breakIt: () =>
        withDatabase(owner => owner.unsafe('create schema tenant_00000000_0000_4000_8000_000000000002')),
      mend: () =>
        withDatabase(owner => owner.unsafe('drop schema tenant_00000000_0000_4000_8000_000000000002')),
      finds: 'left-overs',
      state: 'warn',
      said: /schemas without a workspace: tenant_0/,
      cure: /drop schema/,
    },
    {
      name: 'the app’s login is a superuser that inherits',
      breakIt: () => withDatabase(owner => owner.unsafe('alter role masthead_app superuser inherit')),
      mend: () => withDatabase(owner => owner.unsafe('alter role masthead_app nosuperuser noinherit')),
      finds: "the app's login",
      said: /masthead_app is a superuser, inherits/,
      cure: /nosuperuser/,
    },
    {
      name: 'a key does not open',
      breakIt: () =>
        withDatabase(
          owner => owner`
          insert into public.tenant_keys (tenant_id, key_id, data_key)
          select id, 9, decode(repeat('01', 61), 'hex') from public.tenants where slug = 'northwind'`,
        ),
      mend: () => withDatabase(owner => owner`delete from public.tenant_keys where key_id = 9`),
      finds: 'keys',
      said: /1 of 3 keys of workspaces do not open/,
      cure: /MASTHEAD_SECRET/,
    },
    {
      name: 'a migration failed in a workspace',
      breakIt: () =>
        withDatabase(
          owner => owner`update public.tenants set migration_error = '0004: no room' where slug = 'southpaw'`,
        ),
      mend: () => withDatabase(owner => owner`update public.tenants set migration_error = null`),
      finds: 'migrations',
      said: /southpaw: 0004: no room/,
      cure: /bun run migrate/,
    },
    {
      name: 'a migration was changed after it was applied',
      breakIt: () =>
        withDatabase(
          owner => owner`update public.migrations set checksum = 'x' || checksum where number = 1`,
        ),
      mend: () =>
        withDatabase(
          owner => owner`update public.migrations set checksum = substr(checksum, 2) where number = 1`,
        ),
      finds: 'migrations',
      said: /0001_control_plane was changed/,
      cure: /put the file back/,
    },
    {
      name: 'nobody takes up what is due',
      breakIt: () =>
        withDatabase(
          owner => owner`update public.tenant_due set next_due_at = now() - interval '10 minutes'`,
        ),
      mend: () => withDatabase(owner => owner`update public.tenant_due set next_due_at = null`),
      finds: 'due posts',
      said: /2 workspaces have something due, the oldest for 10 min/,
      cure: /start it/,
    },
    {
      name: 'the clock of the database is moved',
      breakIt: () => moveClock("now() - interval '3 days'"),
      mend: () => moveClock('now()'),
      finds: 'clock',
      state: 'warn',
      said: /moved by -259200 s/,
      cure: /demo/,
    },
    {
      name: 'another program has the port',
      env: () => ({ PORT: `${stranger.port}` }),
      finds: 'port',
      said: /another program listens/,
      cure: /PORT/,
    },
    {
      name: 'the last backup is old',
      breakIt: () => noteBackup(30),
      mend: () => noteBackup(0),
      finds: 'backups',
      state: 'warn',
      said: /the last was made 30 days ago/,
      cure: /bun run backup/,
    },
    {
      name: 'PUBLIC_URL has a path',
      env: () => ({ PUBLIC_URL: 'https://desk.example.com/masthead' }),
      finds: 'public address',
      said: /has a path/,
      cure: /root of a host/,
    },
    {
      name: 'Redis does not answer',
      env: () => ({ REDIS_URL: 'redis://127.0.0.1:1' }),
      finds: 'Redis',
      said: /127\.0\.0\.1:1 does not answer \(ECONNREFUSED\)/,
      cure: /REDIS_URL/,
    },
    {
      name: 'N8N_URL names something else',
      env: () => ({ N8N_URL: `http://127.0.0.1:${stranger.port}` }),
      finds: 'n8n',
      said: /answers with 418 at \/healthz/,
      cure: /N8N_URL/,
    },
    {
      name: 'ComfyUI does not answer',
      env: () => ({ COMFYUI_URL: 'http://127.0.0.1:1' }),
      finds: 'ComfyUI',
      said: /does not answer/,
      cure: /COMFYUI_URL/,
    },
    {
      name: 'the replica does not answer',
      env: () => ({ DATABASE_READ_URL: 'postgres://masthead:secret-word@127.0.0.1:1/masthead' }),
      finds: 'replica',
      said: /127\.0\.0\.1:1 does not answer/,
      cure: /DATABASE_READ_URL/,
    },
  ]
  const moveClock = (sql: string) =>
    withDatabase(owner =>
      owner.unsafe(
        `create or replace function public.clock() returns timestamptz language sql stable parallel safe as 'select ${sql.replaceAll("'", "''")}'`,
      ),
    )
  const noteBackup = (days: number) =>
    writeFileSync(
      join(home, 'last-backup.json'),
      JSON.stringify({
        file: 'x',
        madeAt: new Date(Date.now() - days * 86_400_000).toISOString(),
        tried: true,
      }),
    )
  const stranger = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => new Response('a teapot', { status: 418 }),
  })
  afterAll(() => stranger.stop(true))

  test.each(cases)('$name', async ({ env, breakIt, mend, finds, state = 'fail', said, cure }) => {
    await breakIt?.()
    const given = env?.() ?? {}
    const found = await doctor(given).finally(() => mend?.())
    const one = found.checks.find(({ name }) => name === finds)
    expect(one).toEqual({
      name: finds,
      state,
      said: expect.stringMatching(said) as unknown as string,
      cure: expect.stringMatching(cure) as unknown as string,
    })
    expect(found.code).toBe(state === 'fail' ? 1 : 0)
    expect(found.ok).toBe(state !== 'fail')
    if (state === 'fail') expect(found.err).toMatch(/^\d+ of \d+ checks failed: .*\.\n$/)
    expect(JSON.stringify(found.checks) + found.err).not.toContain('secret-word')
  })

  test('mended, it is healthy again', async () => {
    expect((await doctor()).bad).toEqual([])
  })
})
