import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { prepareKey, useNextKey } from '../src/db/keys.ts'
import { openServices } from '../src/open.ts'
import { operator, type Ran } from './operator.ts'

const folder = mkdtempSync(join(tmpdir(), 'masthead-cli-'))
// Root's database user must be able to reach it.
chmodSync(folder, 0o755)

const run = operator(folder)

const password = 'a quiet desk by the window'
const creation = (slug: string, more: string[] = []) => [
  'create',
  slug,
  ...['--name', 'Northwind Coffee', '--owner-name', 'Ines', '--owner-email', 'ines@northwind.example'],
  ...['--zone', 'Europe/Berlin', '--password-stdin', ...more],
]
const sentence = /^[A-Z"-].*\.\n$/

let first: Ran
beforeAll(async () => {
  // The first command starts the database, makes the cluster and migrates.
  first = await run('tenant', creation('northwind', ['--country', 'DE', '--json']), `${password}\n`)
}, 60_000)
afterAll(async () => {
  await run('db-stop')
  rmSync(folder, { recursive: true, force: true })
})

describe('bun run tenant', () => {
  test('create --json prints one line of JSON on stdout, and nothing else', async () => {
    expect([first.code, first.err.includes('Error')]).toEqual([0, false])
    expect(first.out.trimEnd().split('\n')).toHaveLength(1)
    const made = JSON.parse(first.out)
    expect(Object.keys(made)).toEqual(['tenant', 'owner', 'apiKey'])
    expect(Object.keys(made.tenant)).toEqual(['id', 'slug', 'schema'])
    expect(made.owner).toEqual({ id: expect.any(String), email: 'ines@northwind.example' })
    expect(made.tenant.schema).toBe(`tenant_${made.tenant.id.replaceAll('-', '_')}`)
    expect(made.apiKey).toStartWith(`mh_${made.tenant.id}_`)
  })

  test('refuses in one sentence, exit code 1, nothing on stdout', async () => {
    const cases: [string[], string, string][] = [
      [[], '', 'Say what to do'],
      [['destroy'], '', 'There is no command "destroy"'],
      [['create', 'x'], '', '--name is missing'],
      [['create'], '', 'The slug is missing'],
      [creation('northwind'), password, 'The address "northwind" is taken'],
      [creation('Not A Slug'), password, 'The slug is not right'],
      [creation('short'), 'short', 'at least 12 characters'],
      [creation('zone', ['--zone', 'Europe/Atlantis']), password, 'is not a time zone'],
      [creation('land', ['--country', 'QQ']), password, 'is not a country code'],
      [creation('x').filter(word => word !== '--password-stdin'), password, 'Add --password-stdin'],
      [creation('x', ['--colour', 'red']), password, "Unknown option '--colour'"],
      [['erase', 'nowhere', '--yes'], '', 'There is no workspace "nowhere"'],
      [['erase', 'northwind'], '', 'add --yes'],
    ]
    for (const [args, input, words] of cases) {
      const { code, out, err } = await run('tenant', args, input, { LOG_LEVEL: 'error' })
      expect([args.join(' '), code, out]).toEqual([args.join(' '), 1, ''])
      expect(err).toContain(words)
      expect(err).toMatch(sentence)
      expect(err).not.toContain(password)
    }
  }, 60_000)

  test('--help everywhere', async () => {
    for (const command of [
      'tenant',
      'user',
      'migrate',
      'upgrade',
      'keys',
      'backup',
      'restore',
      'doctor',
      'db-stop',
    ]) {
      const { code, out, err } = await run(command, ['--help'])
      expect([code, err]).toEqual([0, ''])
      expect(out).toContain('bun run')
    }
  })

  test('works beside the running app: a new workspace is there, a reset link works, an erased one is gone', async () => {
    const { services, close } = await openServices(
      readConfig({ DATA_DIR: folder, LOG_LEVEL: 'silent', RATE_LIMIT: 'off' }),
    )
    try {
      const app = createApp(services)
      const origin = 'http://localhost'
      const post = (path: string, fields: Record<string, string>) =>
        app.handle(
          new Request(origin + path, {
            method: 'POST',
            headers: { origin },
            body: new URLSearchParams(fields),
          }),
        )
      const created = await run('tenant', creation('beside', ['--json']), password)
      const { tenant, apiKey } = JSON.parse(created.out)
      const me = () =>
        app.handle(new Request(`${origin}/api/v1/me`, { headers: { authorization: `Bearer ${apiKey}` } }))
      expect(await (await me()).json()).toMatchObject({ tenant: { slug: 'beside' } })
      const signIn = (typed: string) =>
        post('/sign-in', { email: 'ines@northwind.example', password: typed, workspace: 'beside' })
      expect((await signIn(password)).status).toBe(303)

      const shown = await run('user', ['reset-link', 'INES@northwind.example', '--json'], '', {
        PUBLIC_URL: 'https://desk.example.com',
      })
      const links = JSON.parse(shown.out)
      expect(links.map((one: { workspace: string }) => one.workspace)).toEqual(['beside', 'northwind'])
      expect(links[0].link).toStartWith(`https://desk.example.com/reset/${tenant.id}/`)
      const plain = await run('user', ['reset-link', 'ines@northwind.example'], '', { PORT: '4123' })
      expect(plain.out.split('\n')[0]).toStartWith(`beside  http://127.0.0.1:4123/reset/${tenant.id}/`)
      const link = new URL(plain.out.split('\n')[0]?.split('  ')[1] ?? '').pathname
      expect((await post(link, { password: 'a new chair at the desk' })).status).toBe(303)
      expect((await signIn(password)).status).toBe(401)
      expect((await signIn('a new chair at the desk')).status).toBe(303)

      const picture = '00000000-0000-7000-8000-000000000001'
      await services.files.write(tenant.id, picture, 'full', new Uint8Array([1]))
      const erased = await run('tenant', ['erase', 'beside', '--yes', '--now'])
      expect(erased.code).toBe(0)
      for (const words of ['Erased beside', 'Backups', 'within 30 seconds'])
        expect(erased.out).toContain(words)
      expect(existsSync(join(folder, 'media', tenant.id))).toBe(false)
      const { owner } = services.db
      const [left] = await owner`
        select (select count(*) from pg_namespace where nspname = ${tenant.schema})
          + (select count(*) from pg_roles where rolname = ${tenant.schema})
          + (select count(*) from public.tenants where id = ${tenant.id})
          + (select count(*) from public.tenant_due where tenant_id = ${tenant.id})
          + (select count(*) from public.sign_in_directory where tenant_id = ${tenant.id}) as n`
      expect(Number(left?.n)).toBe(0)
      expect([401, 404]).toContain((await me()).status)
      expect((await signIn('a new chair at the desk')).status).toBe(401)
      expect((await run('user', ['reset-link', 'ines@northwind.example'])).out).toStartWith('northwind  http')
    } finally {
      await close()
    }
  }, 60_000)

  test('list shows them, also as JSON', async () => {
    const { out } = await run('tenant', ['list', '--json'])
    expect(JSON.parse(out)).toMatchObject([{ slug: 'northwind', state: 'active', error: null }])
    expect((await run('tenant', ['list'])).out).toMatch(/^northwind {2}active {2}level \d+ {2}since \d{4}-/)
  })
})

describe('bun run user', () => {
  test('refuses in one sentence', async () => {
    const unknown = await run('user', ['reset-link', 'nobody@nowhere.example'], '', { LOG_LEVEL: 'error' })
    expect(unknown).toEqual({
      code: 1,
      out: '',
      err: 'No workspace has a login for nobody@nowhere.example.\n',
    })
    const none = await run('user', ['reset-link'])
    expect(none).toEqual({ code: 1, out: '', err: 'The mail address is missing; see --help.\n' })
  })
})

describe('bun run keys', () => {
  test('status shows the key of each workspace; a change that was cut off is named, and finished by rotate', async () => {
    expect((await run('keys', ['status'])).out).toBe('northwind  key 1\n')
    const { services, close } = await openServices(readConfig({ DATA_DIR: folder, LOG_LEVEL: 'silent' }))
    try {
      const { owner } = services.db
      const [tenant] = await owner`select id from public.tenants where slug = 'northwind'`
      const id = tenant?.id as string
      await prepareKey(owner, services.config.secret, id)
      expect((await run('keys', ['status'])).out).toBe(
        'northwind  key 1; key 2 is made but not in use: call keys rotate to go on\n',
      )
      await useNextKey(owner, id)
      // Long enough ago that nothing has to be waited for.
      await owner`update public.tenant_keys set retired_at = '2026-11-20T10:00Z'`
      expect((await run('keys', ['status'])).out).toBe(
        'northwind  key 2; key 1 until 2026-11-20 10:00 UTC, not all sealed anew: call keys rotate to go on\n',
      )
      const done = await run('keys', ['rotate', '--tenant', 'northwind'])
      expect(done).toMatchObject({
        code: 0,
        out: 'A change of keys that was cut off is finished for 1 workspace: 0 secrets sealed anew. Call it again for further keys.\nRemoved 1 former key that nothing needs any more.\n',
      })
      const status = await run('keys', ['status', '--json'])
      expect(JSON.parse(status.out)).toEqual([{ slug: 'northwind', key: 2, next: null, former: [] }])
    } finally {
      await close()
    }
  }, 60_000)

  test('refuses in one sentence', async () => {
    for (const [args, words] of [
      [['rotate', '--tenant', 'nowhere'], 'There is no workspace "nowhere"'],
      [['status', '--tenant', 'nowhere'], 'There is no workspace "nowhere"'],
      [['rotate', 'northwind'], '"northwind" is one word too many'],
      [['turn'], 'There is no command "turn"'],
    ] as const) {
      const { code, out, err } = await run('keys', [...args], '', { LOG_LEVEL: 'error' })
      expect([args.join(' '), code, out]).toEqual([args.join(' '), 1, ''])
      expect(err).toContain(words)
      expect(err).toMatch(sentence)
    }
  }, 60_000)
})

describe('bun run migrate', () => {
  test('status names each migration, down asks first, undoes the newest, and migrate brings it back', async () => {
    const status = async () =>
      JSON.parse((await run('migrate', ['status', '--json'])).out) as { applied: boolean; behind: number }[]
    const before = await status()
    expect(before.every(({ applied, behind }) => applied && behind === 0)).toBe(true)
    expect((await run('migrate', ['status'])).out).toContain('0001  applied  public  0001_control_plane')
    const asked = await run('migrate', ['down', '--steps', '1'])
    expect([asked.code, asked.err]).toEqual([1, expect.stringContaining('add --yes')])
    for (const steps of ['0', '-1', 'all', '1.5'])
      expect((await run('migrate', ['down', `--steps=${steps}`, '--yes'])).err).toContain('Say how many')
    const done = await run('migrate', ['down', '--steps', '1', '--yes'])
    expect([done.code, done.out]).toEqual([0, expect.stringMatching(/^Undone: \d{4}_/)])
    expect((await status()).map(({ applied }) => applied)).toEqual(
      before.map((_, n) => n < before.length - 1),
    )
    const up = await run('migrate')
    expect([up.code, up.out]).toEqual([0, expect.stringContaining('The database is up to date.')])
    expect((await status()).every(({ applied, behind }) => applied && behind === 0)).toBe(true)
  }, 60_000)
})

describe('bun run db:stop', () => {
  test('stops the database, does not start it, and leaves one of the operator’s own alone', async () => {
    expect((await run('db-stop')).out).toBe('The database is stopped.\n')
    expect(existsSync(join(folder, 'postgres/postmaster.pid'))).toBe(false)
    expect((await run('db-stop')).out).toBe('The database was not running.\n')
    const own = await run('db-stop', [], '', { DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c' })
    expect([own.code, own.err]).toEqual([1, expect.stringContaining('not ours to stop')])
  })
})

test('a wrong setting is one sentence', async () => {
  const wrong = await run('tenant', ['list'], '', { PORT: 'abc' })
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('PORT')])
  expect(wrong.err).toMatch(sentence)
})
