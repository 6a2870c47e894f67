import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withOwner } from '../src/cli/owner.ts'
import { readConfig } from '../src/config.ts'
import { stopEmbedded } from '../src/db/embedded.ts'
import { createLog } from '../src/lib/log.ts'
import { operator, type Ran } from './operator.ts'
import { type Child, freePort, startChild } from './peers/processes.ts'
import { newPicture } from './world.ts'

setDefaultTimeout(180_000)

const root = join(import.meta.dir, '..')
const folder = mkdtempSync(join(tmpdir(), 'masthead-backup-'))
chmodSync(folder, 0o755)
const home = join(folder, 'data')
const back = join(folder, 'back')
const backups = join(folder, 'backups')
const passphrase = 'a warm cup by the window'
const quiet = createLog({ level: 'silent', json: false })

const command = operator(home)
const run = (name: string, args: string[] = [], env: Record<string, string> = {}, input = passphrase) =>
  command(name, args, `${input}\n`, env)
const refused = async (work: Promise<Ran>) => {
  const { code, out, err } = await work
  return { code, out, words: err.trim().split('\n').at(-1) }
}

/** What was really sent: a receiver outside counts every post by its text. */
const arrivals = new Map<string, number>()
const receiver = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    const text = JSON.stringify(await request.json())
    const mark = /mark-[a-z]+/.exec(text)?.[0]
    if (mark) arrivals.set(mark, (arrivals.get(mark) ?? 0) + 1)
    return new Response('ok')
  },
})

async function startApp(dataDir: string): Promise<{ app: Child; url: string }> {
  const port = await freePort()
  const app = await startChild({
    name: 'masthead',
    command: [process.execPath, 'src/main.ts'],
    cwd: root,
    env: {
      DATA_DIR: dataDir,
      PORT: `${port}`,
      OUTBOUND_ALLOW: `127.0.0.1:${receiver.port}`,
      RATE_LIMIT: 'off',
      LOG_LEVEL: 'info',
      MASTHEAD_SECRET: '',
      DATABASE_URL: '',
    },
    ready: output => output.includes('Masthead is ready'),
    readyWithinMs: 60_000,
  })
  return { app, url: `http://127.0.0.1:${port}` }
}

let key = ''
let app: Child
let url = ''
let webhook = ''
const apps: Child[] = []

// biome-ignore lint/suspicious/noExplicitAny: a test reads any answer's fields
async function api(method: string, path: string, body?: unknown): Promise<any> {
  const form = body instanceof FormData
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body && !form ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: form ? body : JSON.stringify(body) } : {}),
  })
  const read = (await answer.json()) as unknown
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(read)}`)
  return read
}
/** Plans a post to the receiver. @returns the job's id */
async function plan(text: string, at: string | null): Promise<string> {
  const content = await api('POST', '/content', { text })
  const jobs = await api('POST', `/content/${content.id}/publish-jobs`, {
    accounts: [webhook],
    ...(at ? { at } : { now: true }),
  })
  return jobs.items[0].id
}
async function until<T>(ask: () => Promise<T>, good: (answer: T) => boolean): Promise<T> {
  for (const end = Date.now() + 30_000; ; ) {
    const answer = await ask()
    if (good(answer)) return answer
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(answer)}`)
    await Bun.sleep(50)
  }
}
const stateOf = async (id: string): Promise<string> => (await api('GET', `/publish-jobs/${id}`)).state
const soon = (ms: number) => new Date(Date.now() + ms).toISOString()

let before = ''
let meanwhile = ''
let later = ''
let file = ''
let made: Record<string, unknown> & { verdict: Record<string, unknown> }

beforeAll(async () => {
  const created = await run(
    'tenant',
    [
      'create',
      'northwind',
      ...['--name', 'Northwind', '--owner-name', 'Alice', '--owner-email', 'alice@northwind.example'],
      ...['--zone', 'Europe/Berlin', '--password-stdin', '--json'],
    ],
    {},
    'a quiet desk by the window',
  )
  key = JSON.parse(created.out).apiKey
  ;({ app, url } = await startApp(home))
  apps.push(app)
  webhook = (
    await api('POST', '/accounts', {
      platform: 'webhook',
      settings: { url: `http://127.0.0.1:${receiver.port}/` },
    })
  ).id
  const form = new FormData()
  form.set('file', await newPicture())
  form.set('alt', 'a cup')
  await api('POST', '/media', form)
  before = await plan('mark-before', null)
  await until(
    () => stateOf(before),
    state => state === 'published',
  )
  meanwhile = await plan('mark-meanwhile', soon(60_000))
  later = await plan('mark-later', soon(3_600_000))
})
afterAll(async () => {
  for (const one of apps) await one.stop()
  receiver.stop(true)
  for (const dir of [home, back]) await stopEmbedded(dir, quiet)
  rmSync(folder, { recursive: true, force: true })
})

describe('bun run backup', () => {
  test('while people write: restored into scratch at once, and every table, key and picture is as it was', async () => {
    let writing = true
    let written = 0
    const writers = [1, 2, 3].map(async () => {
      while (writing) {
        await api('POST', '/content', { text: `written meanwhile ${++written}` })
      }
    })
    const ran = await run('backup', ['--to', `${backups}/`, '--passphrase-stdin', '--json'])
    writing = false
    await Promise.all(writers)
    expect({ code: ran.code, err: ran.err.replace(/^.*(backing|counting|restoring).*\n/gm, '') }).toEqual({
      code: 0,
      err: '',
    })
    made = JSON.parse(ran.out)
    file = made.file as string
    expect(made.verdict).toMatchObject({ workspaces: 1, wrong: [], keys: 1, pictures: 1 })
    expect(made.pictures).toBe(2)
    expect(written).toBeGreaterThan(10)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(backups)).toEqual([file.slice(backups.length + 1)])
    expect(readdirSync(home).filter(name => name.startsWith('.unpacked'))).toEqual([])
    console.log(
      `backup: ${written} posts written meanwhile, ${made.rows} rows, ${made.bytes} bytes, ${made.seconds} s, ${(made.verdict.wrong as string[]).length} differences`,
    )
  })

  test('leaves nothing of the instance readable in the file', () => {
    const bytes = readFileSync(file)
    for (const words of [
      'mark-before',
      'northwind',
      'PG_VERSION',
      readFileSync(join(home, 'secret'), 'utf8').trim(),
    ])
      expect({ words, found: bytes.includes(words) }).toEqual({ words, found: false })
  })

  test('refuses in one sentence', async () => {
    const cases: [string[], Record<string, string>, string, string][] = [
      [[], {}, passphrase, 'Add --passphrase-stdin'],
      [['--passphrase-stdin'], {}, '', 'The passphrase is empty'],
      [['--passphrase-stdin'], {}, 'short', 'at least 12'],
      [['--passphrase-file', join(folder, 'nowhere')], {}, '', 'cannot be read'],
      [['--passphrase-stdin', '--to', file], {}, passphrase, 'is there already'],
      [['--passphrase-stdin', '--to', '/proc/masthead/x'], {}, passphrase, 'cannot be written'],
      [['--passphrase-stdin', '--keep', '0'], {}, passphrase, '--keep 7'],
      [
        ['--passphrase-stdin'],
        { DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c' },
        passphrase,
        'DATABASE_URL is set',
      ],
      [['--passphrase-stdin'], { DATA_DIR: join(folder, 'new') }, passphrase, 'There is no database in'],
      [['drill', '--passphrase-stdin'], {}, passphrase, 'There is no backup in'],
      [['drill', '--passphrase-stdin', '--from', '/nowhere'], {}, passphrase, 'There is no file'],
      [['drill', '--passphrase-stdin', '--from', file], {}, 'another passphrase', 'does not open this file'],
    ]
    for (const [args, env, input, words] of cases)
      expect(await refused(run('backup', args, env, input))).toEqual({
        code: 1,
        out: '',
        words: expect.stringContaining(words) as unknown as string,
      })
    expect(readdirSync(home).filter(name => name.startsWith('.unpacked'))).toEqual([])
  })

  test('--keep deletes the oldest, once the new one is written', async () => {
    const kept = join(folder, 'kept')
    mkdirSync(kept)
    for (const day of ['01', '02', '03'])
      writeFileSync(join(kept, `masthead-2026-01-${day}T000000Z.backup`), '')
    writeFileSync(join(kept, 'notes.txt'), 'mine')
    const ran = await run('backup', ['--to', kept, '--keep', '2', '--no-verify', '--passphrase-stdin'])
    expect(ran.code).toBe(0)
    expect(ran.out).toContain('It was not tried')
    const left = readdirSync(kept).sort()
    expect(left).toHaveLength(3)
    expect(left.slice(0, 1)).toEqual(['masthead-2026-01-03T000000Z.backup'])
    expect(left).toContain('notes.txt')
  })
})

describe('bun run restore', () => {
  test('refuses what is damaged, cut off, something else or another’s, and changes nothing', async () => {
    const empty = join(folder, 'empty')
    const cut = join(folder, 'cut')
    cpSync(file, cut)
    truncateSync(cut, Math.floor(statSync(file).size * 0.7))
    const changed = join(folder, 'changed')
    const bytes = readFileSync(file)
    bytes[bytes.length - 2_000] = (bytes[bytes.length - 2_000] ?? 0) ^ 1
    writeFileSync(changed, bytes)
    const other = join(folder, 'other')
    writeFileSync(other, 'a letter')
    const cases: [string, string, string, string][] = [
      [cut, passphrase, empty, 'damaged or cut off'],
      [changed, passphrase, empty, 'damaged'],
      [other, passphrase, empty, 'no archive of Masthead'],
      [file, 'another passphrase', empty, 'does not open this file'],
      [join(folder, 'nowhere'), passphrase, empty, 'There is no file'],
      [file, passphrase, home, 'A database runs in'],
      [file, passphrase, backups, 'is not empty'],
    ]
    for (const [from, input, into, words] of cases) {
      expect(await refused(run('restore', [from, '--passphrase-stdin', '--into', into], {}, input))).toEqual({
        code: 1,
        out: '',
        words: expect.stringContaining(words) as unknown as string,
      })
      if (into === empty && existsSync(empty)) expect(readdirSync(empty)).toEqual([])
    }
    expect(await stateOf(before)).toBe('published')
  })

  test('killed half-way it leaves nothing that counts, and the next one clears up', async () => {
    mkdirSync(back, { mode: 0o755 })
    const child = Bun.spawn(
      [process.execPath, 'src/cli/restore.ts', file, '--passphrase-stdin', '--into', back],
      {
        cwd: root,
        env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', DATA_DIR: home },
        stdin: new Blob([passphrase]),
        stdout: 'ignore',
        stderr: 'ignore',
      },
    )
    await until(
      async () => readdirSync(back, { recursive: true }).length,
      count => count > 200,
    )
    child.kill('SIGKILL')
    await child.exited
    expect(readdirSync(back).every(name => name.startsWith('.unpacked'))).toBe(true)
  })

  test('puts it back as it was; what went out since is not sent again unasked', async () => {
    // The former instance goes on after the backup: this one goes out of it.
    await api('PATCH', `/publish-jobs/${meanwhile}`, { now: true })
    await until(
      () => stateOf(meanwhile),
      state => state === 'published',
    )
    await app.stop()
    expect(Object.fromEntries(arrivals)).toEqual({ 'mark-before': 1, 'mark-meanwhile': 1 })

    const ran = await run('restore', [file, '--passphrase-stdin', '--into', back, '--json'])
    expect({ code: ran.code, wrong: JSON.parse(ran.out || '{}').wrong }).toEqual({ code: 0, wrong: [] })
    expect(readdirSync(back).sort()).toEqual(['media', 'postgres', 'restored.json', 'secret'])
    expect(readFileSync(join(back, 'secret'), 'utf8')).toBe(readFileSync(join(home, 'secret'), 'utf8'))
    expect(statSync(join(back, 'secret')).mode & 0o777).toBe(0o600)

    // The moment of what was planned has passed by now, as the restored database sees it.
    const started = await withClock(back, 120_000)
    ;({ app, url } = started)
    apps.push(app)
    expect(app.output()).toContain('may have gone out since the backup')
    expect(existsSync(join(back, 'restored.json'))).toBe(false)
    expect(await stateOf(before)).toBe('published')
    expect(await stateOf(meanwhile)).toBe('held')
    expect(await stateOf(later)).toBe('scheduled')
    expect(Object.fromEntries(arrivals)).toEqual({ 'mark-before': 1, 'mark-meanwhile': 1 })

    // Asked, it goes out; what is new goes out by itself.
    const fresh = await plan('mark-fresh', null)
    await until(
      () => stateOf(fresh),
      state => state === 'published',
    )
    expect(Object.fromEntries(arrivals)).toEqual({ 'mark-before': 1, 'mark-meanwhile': 1, 'mark-fresh': 1 })
    const media = await api('GET', '/media')
    const picture = await fetch(`${url}${media.items[0].url}`, {
      headers: { authorization: `Bearer ${key}` },
    })
    expect([picture.status, media.items.length]).toEqual([200, 1])
  })

  test('what was restored is backed up and restored again', async () => {
    const ran = await run('backup', ['--to', `${join(back, 'backups')}/`, '--passphrase-stdin', '--json'], {
      DATA_DIR: back,
    })
    expect(JSON.parse(ran.out || '{}').verdict).toMatchObject({ wrong: [], workspaces: 1, keys: 1 })
    const drilled = await run('backup', ['drill', '--passphrase-stdin'], { DATA_DIR: back })
    expect([drilled.code, drilled.out]).toEqual([0, expect.stringContaining('It is good')])
  })
})

/** Starts the app on a data folder whose database's clock runs ahead. */
async function withClock(dataDir: string, ms: number) {
  const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: 'silent' })
  await withOwner({ config, log: quiet }, owner =>
    owner.unsafe(
      `create or replace function public.clock() returns timestamptz language sql stable parallel safe as 'select now() + interval ''${ms} milliseconds'''`,
    ),
  )
  return startApp(dataDir)
}
