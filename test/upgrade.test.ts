import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../src/config.ts'
import { ownerUser, startEmbedded, stopEmbedded } from '../src/db/embedded.ts'
import { readMigrations } from '../src/db/migrations.ts'
import { openPool, type Sql } from '../src/db/pool.ts'
import { derivePassword } from '../src/lib/seal.ts'
import { quiet } from './catalog.ts'
import { checkoutToCome, wider } from './extra-migrations.ts'
import { operator } from './operator.ts'

setDefaultTimeout(120_000)

const known = readMigrations().length
const password = 'a quiet desk by the window'
const folder = mkdtempSync(join(tmpdir(), 'masthead-upgrade-'))
chmodSync(folder, 0o755)
/** The version to come: one shared migration, one of workspaces; it needs both. */
const newer = checkoutToCome(
  {
    side: 'public',
    up: 'create table public.campaigns (id uuid primary key);\ngrant select on public.campaigns to {app};\n',
    down: 'drop table public.campaigns;\n',
  },
  wider,
)
const goal = known + 2
const levelFile = join(newer.folder, 'src/db/migrations.ts')
writeFileSync(
  levelFile,
  readFileSync(levelFile, 'utf8').replace(/oldestServedLevel = \d+/, `oldestServedLevel = ${goal}`),
)

const environment = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  DATA_DIR: folder,
  PORT: '0',
  LOG_LEVEL: 'error',
}

const run = operator(folder)
/** What the operator of the new version types. */
const typed = operator(folder, newer.folder)
const type = (command: string, ...args: string[]) =>
  typed(command, args, '', { LOG_LEVEL: 'error', PORT: '0' })

const keys = new Map<string, string>()
let owner: Sql
beforeAll(async () => {
  for (const slug of ['northwind', 'southpaw', 'eastside']) {
    const words = ['--name', slug, '--owner-name', 'Ines', '--owner-email', `ines@${slug}.example`]
    const made = await run(
      'tenant',
      ['create', slug, ...words, '--zone', 'Europe/Berlin', '--password-stdin', '--json'],
      password,
    )
    keys.set(slug, JSON.parse(made.out).apiKey)
  }
  const { secret } = readConfig({ DATA_DIR: folder })
  const ownerPassword = derivePassword(secret, 'database owner')
  const { socket } = await startEmbedded(folder, ownerPassword, quiet)
  owner = openPool(
    { socket, user: ownerUser, password: ownerPassword, database: 'masthead' },
    { name: 'a test', max: 2 },
  )
})
afterAll(async () => {
  await owner?.end({ timeout: 1 })
  await stopEmbedded(folder, quiet)
  newer.remove()
  rmSync(folder, { recursive: true, force: true })
})

const schemaOf = async (slug: string) =>
  (await owner`select schema_name from public.tenants where slug = ${slug}`)[0]?.schema_name as string
const levels = async () => {
  const rows = await owner`select slug, schema_version from public.tenants order by slug`
  return Object.fromEntries(rows.map(row => [row.slug, row.schema_version]))
}
const everyone = (level: number) => ({ northwind: level, southpaw: level, eastside: level })
const names = newer.added.map(({ name }) => name)
const sentence = /^[A-Z"-][^\n]*\.\n$/

describe('bun run upgrade check', () => {
  test('tells what is pending, whether it goes through, and what it costs; nothing is changed', async () => {
    const shown = await type('upgrade', 'check')
    expect([shown.code, shown.err]).toEqual([0, ''])
    const lines = shown.out.trimEnd().split('\n')
    expect(lines.slice(0, 2)).toEqual([
      `Pending: ${names[0]} (shared tables)`,
      `Pending: ${names[1]} (workspaces)`,
    ])
    expect(lines[2]).toMatch(
      /^Rehearsed on copies of 3 of 3 workspaces to migrate, in [\d.]+ s: everything went through, and no row is lost\.$/,
    )
    expect(lines[3]).toMatch(/^Time: about [\d.]+ s, the slowest workspace \(\w+\) [\d.]+ s\.$/)
    expect(lines[4]).toMatch(/^Disk: it writes up to \d+ MB; [\d,]+ MB are free\.$/)
    expect(lines).toHaveLength(5)
    expect(await levels()).toEqual(everyone(known))

    const json = await type('upgrade', 'check', 'southpaw', '--json')
    expect([json.code, json.out.trimEnd().split('\n').length]).toEqual([0, 1])
    expect(JSON.parse(json.out)).toMatchObject({
      ok: true,
      tenants: 3,
      rehearsed: 1,
      problems: [],
      slowest: { slug: 'southpaw' },
    })
  })

  test('says in one sentence what speaks against it, with exit code 1', async () => {
    const schema = await schemaOf('eastside')
    await owner.unsafe(`alter table ${schema}.content add column campaign text`)
    try {
      const { code, out, err } = await type('upgrade', 'check')
      expect(code).toBe(1)
      expect(out).toContain(
        `Problem: ${names[1]} fails: column "campaign" of relation "content" already exists (1 workspace: eastside).`,
      )
      expect(err).toMatch(sentence)
      expect(err).toContain('The upgrade would not go well')
      const json = JSON.parse((await type('upgrade', 'check', '--json')).out)
      expect(json).toMatchObject({ ok: false, problems: [{ tenants: 1, slugs: ['eastside'] }] })
      const refused = await type('upgrade', '--yes')
      expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('Nothing was changed')])
      expect(await levels()).toEqual(everyone(known))
    } finally {
      await owner.unsafe(`alter table ${schema}.content drop column campaign`)
    }
  })

  test('refuses what it does not understand in one sentence, with nothing on stdout', async () => {
    const cases: [string, string[], string][] = [
      ['upgrade', ['check', 'nowhere'], 'There is no workspace "nowhere"'],
      ['upgrade', ['check', 'a', 'b'], '"b" is one word too many'],
      ['upgrade', ['check', '--colour'], "Unknown option '--colour'"],
      ['upgrade', ['now'], 'There is no command "now"'],
      ['upgrade', ['--workers', '0'], '--workers 1 to 32'],
      ['upgrade', ['--workers', '33', '--yes'], '--workers 1 to 32'],
      ['migrate', ['--workers', 'many'], '--workers 1 to 32'],
      ['migrate', ['down'], 'Say how many migrations to undo'],
      ['migrate', ['down', '--to', '2', '--steps', '1'], 'one of the two'],
      ['migrate', ['down', '--to', 'zero'], 'Say how many migrations to undo'],
      ['migrate', ['down', '--to', '9999', '--yes'], 'Nothing newer than 9999 is applied'],
    ]
    for (const [command, args, words] of cases) {
      const { code, out, err } = await type(command, ...args)
      expect([args.join(' '), code, out]).toEqual([args.join(' '), 1, ''])
      expect(err).toMatch(sentence)
      expect(err).toContain(words)
    }
    expect((await type('upgrade', '--help')).out).toContain('bun run upgrade check')
  })
})

describe('bun run upgrade', () => {
  test('asks first, then migrates, and the command that it names goes back', async () => {
    const asked = await type('upgrade')
    expect(asked.code).toBe(1)
    expect(asked.err).toBe('Nothing was changed: add --yes to make a safety copy and migrate.\n')
    expect(await levels()).toEqual(everyone(known))

    const done = await type('upgrade', '--yes')
    expect(done.code).toBe(0)
    expect(done.out).toContain(`Applied: ${names[0]}\nApplied: ${names[1]}\nMoved 3 workspaces in`)
    expect(await levels()).toEqual(everyone(goal))
    const back = /^To go back, with the files of this version: bun run (.*)$/m.exec(done.out)?.[1] ?? ''
    expect(back).toBe('migrate down --steps 2 --yes')
    expect((await type('upgrade', 'check')).out).toBe(
      'Nothing is pending: the database is at the level of this version.\n',
    )
    expect(JSON.parse((await type('upgrade', '--json')).out)).toEqual({ ok: true, applied: [] })

    const [command = '', ...args] = back.split(' ')
    const undone = await type(command, ...args)
    expect(undone.code).toBe(0)
    expect(undone.out).toStartWith(`Undone: ${names[1]}\nUndone: ${names[0]}\nMoved 3 workspaces in`)
    expect(await levels()).toEqual(everyone(known))
    // The version before runs on it again.
    expect((await run('migrate', ['--json'])).out).toContain('"ok":true')
  })
})

test('a workspace that fails does not keep the app from starting; it follows when it is mended', async () => {
  const schema = await schemaOf('southpaw')
  await owner.unsafe(`alter table ${schema}.content add column campaign text`)
  const failing = await type('migrate', '--workers', '2')
  expect([failing.code, failing.out]).toEqual([
    1,
    expect.stringMatching(new RegExp(`^Applied: ${names[0]}\nApplied: ${names[1]}\nMoved 2 workspaces`)),
  ])
  // The log's line for it, then the sentence.
  expect(failing.err.trimEnd().split('\n').at(-1)).toBe(
    `1 workspace could not be moved: southpaw at ${names[1]} (column "campaign" of relation "content" already exists). The others are done; mend it and run "bun run migrate" again.`,
  )
  const json = JSON.parse((await type('migrate', '--json')).out)
  expect(json).toMatchObject({
    ok: false,
    applied: [],
    workspaces: 0,
    failed: [{ slug: 'southpaw', migration: names[1] }],
  })
  expect((await type('migrate', 'status')).out).toContain(`${names[1]}  1 workspaces behind`)

  const app = Bun.spawn([process.execPath, 'src/main.ts'], {
    cwd: newer.folder,
    env: environment,
    stdout: 'pipe',
    stderr: 'pipe',
  })
  try {
    let line = ''
    for await (const part of app.stdout.pipeThrough(new TextDecoderStream() as never)) {
      line += part
      if (line.includes('\n')) break
    }
    const address = /http:\/\/[^ \n]+/.exec(line)?.[0] ?? ''
    const ask = async (slug: string) => {
      const response = await fetch(`${address}/api/v1/content`, {
        headers: { authorization: `Bearer ${keys.get(slug)}` },
      })
      return { status: response.status, body: (await response.json()) as { detail?: string } }
    }
    expect((await ask('northwind')).status).toBe(200)
    const waiting = await ask('southpaw')
    expect([waiting.status, waiting.body.detail]).toEqual([
      503,
      expect.stringContaining('still being brought up'),
    ])
    await owner.unsafe(`alter table ${schema}.content drop column campaign`)
    const mended = await type('migrate')
    expect([mended.code, mended.out]).toEqual([
      0,
      expect.stringMatching(/^Moved 1 workspace in .*\nThe database is up to date\.\n$/),
    ])
    expect((await ask('southpaw')).status).toBe(200)
  } finally {
    app.kill('SIGTERM')
    await app.exited
  }
  const down = await type('migrate', 'down', '--to', String(known), '--yes', '--json')
  expect(JSON.parse(down.out)).toMatchObject({ ok: true, undone: names.toReversed(), workspaces: 3 })
})
