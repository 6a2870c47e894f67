/** The operator's commands that move a workspace, as processes of their own, between two instances with secrets of their own. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { openServices } from '../src/open.ts'
import type { Services } from '../src/services.ts'
import { newPicture } from './world.ts'

setDefaultTimeout(240_000)

const root = join(import.meta.dir, '..')
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'masthead-move-'))
  // Root's database user must be able to reach it.
  chmodSync(made, 0o755)
  return made
}
const [here, there, files] = [folder(), folder(), folder()]
const capsule = join(files, 'northwind.capsule')
const passphrase = 'a warm cup by the window'
const password = 'a quiet desk by the window'

function begin(dataDir: string, args: string[], input = `${passphrase}\n`) {
  return Bun.spawn([process.execPath, 'src/cli/tenant.ts', ...args], {
    cwd: root,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      DATA_DIR: dataDir,
      LOG_LEVEL: 'error',
    },
    stdin: new Blob([input]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
}
async function run(dataDir: string, args: string[], input?: string) {
  const child = begin(dataDir, args, input)
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, out, err }
}
async function json(dataDir: string, args: string[]) {
  const { code, out, err } = await run(dataDir, [...args, '--json'])
  if (code !== 0) throw new Error(`${args.join(' ')}: ${err}`)
  return JSON.parse(out)
}
const exporting = (to: string) => ['export', 'northwind', '--to', to, '--passphrase-stdin']
const importing = (from: string, ...more: string[]) => ['import', from, '--passphrase-stdin', ...more]

let services: Services
let close: () => Promise<void>
let call: (
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ status: number; body: Record<string, unknown> }>
let tenant: { id: string; slug: string; schema: string }
beforeAll(async () => {
  const made = await run(
    here,
    [
      'create',
      'northwind',
      '--name',
      'Northwind Coffee',
      '--owner-name',
      'Ines',
      '--owner-email',
      'ines@northwind.example',
      '--zone',
      'Europe/Berlin',
      '--password-stdin',
      '--json',
    ],
    `${password}\n`,
  )
  const { apiKey, ...rest } = JSON.parse(made.out)
  tenant = rest.tenant
  ;({ services, close } = await openServices(
    readConfig({ DATA_DIR: here, LOG_LEVEL: 'silent', RATE_LIMIT: 'off' }),
  ))
  const app = createApp(services)
  call = async (method, path, body) => {
    const answer = await app.handle(
      new Request(`http://localhost/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(body && !(body instanceof FormData) ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: body instanceof FormData ? body : JSON.stringify(body) } : {}),
      }),
    )
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const form = new FormData()
  form.append('file', await newPicture())
  const picture = await call('POST', '/media', form)
  await call('POST', '/content', { text: 'The winter roast is here', media: [picture.body.id] })
  // Enough that a kill finds it at work.
  await services.db.within(
    { tenantId: tenant.id, userId: null, role: 'system' },
    ({ sql }) =>
      sql`insert into events (id, type, subject_id, data, created_at)
      select gen_random_uuid(), 'workspace.changed', ${tenant.id}, jsonb_build_object('n', g, 'words', repeat(md5(g::text), 8)),
        public.clock() - interval '1 hour'
      from generate_series(1, 60000) g`,
  )
})
afterAll(async () => {
  await close?.()
  for (const dataDir of [here, there])
    await Bun.spawn([process.execPath, 'src/cli/db-stop.ts'], {
      cwd: root,
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', DATA_DIR: dataDir },
    }).exited
  for (const one of [here, there, files]) rmSync(one, { recursive: true, force: true })
})

test('a workspace goes to another instance, and its tables and pictures are there what they were here', async () => {
  const sent = await json(here, exporting(capsule))
  expect(sent).toMatchObject({
    tenant: { slug: 'northwind' },
    pictures: 2,
    missing: [],
    bytes: statSync(capsule).size,
  })
  expect(statSync(capsule).mode & 0o777).toBe(0o600)
  const taken = await json(there, importing(capsule))
  expect(taken).toMatchObject({
    tenant: { id: tenant.id, slug: 'northwind' },
    state: 'suspended',
    tables: sent.tables,
  })
  const back = await json(there, exporting(join(files, 'back.capsule')))
  expect(back.tables).toEqual(sent.tables)
  console.log(
    `capsule: ${(sent.contentBytes / 1e6).toFixed(1)} MB out at ${sent.mbPerSecond} MB/s, in at ${taken.mbPerSecond} MB/s`,
  )
  const [line] = await json(there, ['list'])
  expect(line).toMatchObject({
    slug: 'northwind',
    state: 'suspended',
    reason: expect.stringContaining('Imported from a capsule'),
  })
  expect((await run(there, ['resume', 'northwind'])).code).toBe(0)
  const other = await openServices(readConfig({ DATA_DIR: there, LOG_LEVEL: 'silent', RATE_LIMIT: 'off' }))
  try {
    expect(other.services.config.secret).not.toBe(services.config.secret)
    const signIn = await createApp(other.services).handle(
      new Request('http://localhost/sign-in', {
        method: 'POST',
        headers: { origin: 'http://localhost' },
        body: new URLSearchParams({ email: 'ines@northwind.example', password }),
      }),
    )
    expect(signIn.status).toBe(303)
  } finally {
    await other.close()
  }
})

test('an import that is killed leaves nothing that is served, and the next one makes it', async () => {
  const { db } = services
  const child = begin(here, importing(capsule, '--copy', '--slug', 'killed'))
  const loading = async () =>
    (await db.owner`select 1 from pg_stat_activity where query like 'copy%from stdin' and state = 'active'`)
      .length > 0
  for (let n = 0; n < 2_000 && !(await loading()); n++) await Bun.sleep(5)
  child.kill('SIGKILL')
  await child.exited
  const [left] = await db.owner`select id, state, schema_name from public.tenants where slug = 'killed'`
  expect(left?.state).toBe('creating')
  await db.owner`update public.tenants set created_at = created_at - interval '11 minutes' where slug = 'killed'`
  // The lock of the killed one goes with its connection.
  const done = await json(here, importing(capsule, '--copy', '--slug', 'killed'))
  expect(done.tenant.slug).toBe('killed')
  const [schema] = await db.owner`select 1 from pg_namespace where nspname = ${left?.schema_name}`
  expect(schema).toBeUndefined()
})

describe('rewind', () => {
  const texts = async () => {
    const { body } = await call('GET', '/content')
    return (body.items as { text: string }[]).map(({ text }) => text).sort()
  }
  const rows = async () => {
    const found = await services.db.owner`
      select text from ${services.db.owner(`${tenant.schema}.content_versions`)} order by 1`
    return found.map(row => row.text)
  }
  const line = async () =>
    (await services.db.owner`select state, state_reason from public.tenants where id = ${tenant.id}`)[0]

  test('killed in the middle leaves all as it was; called again it is done, and the app goes on', async () => {
    const taken = await json(here, ['snapshot', 'northwind'])
    expect((await run(here, ['snapshot', 'northwind', '--list'])).out).toStartWith(taken.name)
    await call('POST', '/content', { text: 'Written since' })
    expect(await texts()).toEqual(['The winter roast is here', 'Written since'])
    for (const [step, reached] of [
      ['while the earlier state is loaded', "query like 'copy%rewind_%from stdin'"],
      ['while the rows are exchanged', `query like 'insert into "${tenant.schema}"%'`],
    ] as const) {
      const child = begin(here, ['rewind', 'northwind', '--to', 'latest', '--yes'])
      const there = async () =>
        (
          await services.db.owner.unsafe(
            `select 1 from pg_stat_activity where ${reached} and pid <> pg_backend_pid()`,
          )
        ).length > 0
      let seen = false
      for (let n = 0; n < 4_000 && !seen && child.exitCode === null; n++) {
        seen = await there()
        if (!seen) await Bun.sleep(2)
      }
      child.kill('SIGKILL')
      await child.exited
      expect({ step, seen }).toEqual({ step, seen: true })
      expect({ step, rows: await rows() }).toEqual({
        step,
        rows: ['The winter roast is here', 'Written since'],
      })
      expect((await line())?.state).toBe('suspended')
    }
    const done = await json(here, ['rewind', 'northwind', '--to', taken.name, '--yes'])
    expect(await rows()).toEqual(['The winter roast is here'])
    expect(await line()).toEqual({ state: 'active', state_reason: null } as never)
    const undone = await run(here, ['rewind', 'northwind', '--to', done.safety, '--yes'])
    expect(undone.out).toContain('To undo this: bun run tenant rewind northwind --to ')
    expect(undone.out).toContain('sessions, API keys and open links have ended')
    expect(await rows()).toEqual(['The winter roast is here', 'Written since'])
  })
})

test('what is not right is said in one sentence', async () => {
  const cut = join(files, 'cut.capsule')
  await Bun.write(cut, Bun.file(capsule))
  truncateSync(cut, statSync(cut).size - 100)
  const cases: [string[], string, string][] = [
    [
      ['export', 'nowhere', '--to', join(files, 'x'), '--passphrase-stdin'],
      passphrase,
      'There is no workspace "nowhere"',
    ],
    [exporting(capsule), passphrase, 'is there already: name another file'],
    [exporting(join(files, 'no/such/folder')), passphrase, 'does not exist: make it first'],
    [exporting(join(files, 'x')), 'short', 'The passphrase is too short'],
    [['export', 'northwind', '--to', join(files, 'x')], '', 'Add --passphrase-stdin'],
    [['export', 'northwind'], '', '--to is missing'],
    [importing(join(files, 'none')), passphrase, 'There is no file'],
    [importing(cut, '--copy', '--slug', 'cut'), passphrase, 'damaged or cut off'],
    [importing(capsule), 'another passphrase', 'The passphrase does not open this file.'],
    [importing(capsule), passphrase, 'is here already (northwind)'],
    [['rewind', 'northwind'], '', '--to is missing'],
    [['rewind', 'northwind', '--to', 'latest'], '', 'add --yes if you mean it'],
    [
      ['rewind', 'northwind', '--to', '20200101t000000000z-k1', '--yes'],
      '',
      'There is no snapshot 20200101t000000000z-k1',
    ],
    [['rewind', 'northwind', '--to', join(files, 'none'), '--yes'], '', 'There is no file'],
    [['rewind', 'northwind', '--to', cut, '--yes', '--passphrase-stdin'], passphrase, 'damaged or cut off'],
  ]
  for (const [args, input, words] of cases) {
    const { code, out, err } = await run(here, args, input)
    expect([args.join(' '), code, out]).toEqual([args.join(' '), 1, ''])
    expect(err).toContain(words)
    expect(err).toMatch(/^[A-Z/"-].*\.\n$/m)
    expect(err).not.toContain(passphrase)
  }
  expect(readdirSync(files).sort()).toEqual(['back.capsule', 'cut.capsule', 'northwind.capsule'])
  expect(existsSync(join(here, 'spool')) ? readdirSync(join(here, 'spool')).length : 0).toBeLessThanOrEqual(2)
})
