/**
 * What docs/operating.md says about a PostgreSQL of one's own, done step by step with its own tools: base backup, WAL
 * archive, a point in time, a standby, its promotion, a migration undone. Prints each step and what it found.
 *
 *   bun test/drills/own-postgres.ts [folder of PostgreSQL's programs, default /usr/lib/postgresql/15/bin]
 */
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unprivileged } from '../../src/db/cluster-home.ts'
import { type Child, freePort, startChild } from '../peers/processes.ts'

const bin = process.argv[2] ?? '/usr/lib/postgresql/15/bin'
if (!existsSync(join(bin, 'pg_basebackup')))
  throw new Error(`${bin} has no pg_basebackup: apt-get install postgresql, or name another folder.`)
const root = join(import.meta.dir, '../..')
const identity = unprivileged()
const folder = mkdtempSync(join(tmpdir(), 'masthead-own-'))
const archive = join(folder, 'archive')
const secret = 'the secret of a drill, of more than thirty-two characters'
const password = 'drill'
const started = performance.now()
const say = (what: string) =>
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${what}`)

function own(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if ('uid' in identity) chownSync(path, identity.uid, identity.gid)
  return path
}
function tool(name: string, args: string[]): string {
  const done = spawnSync(join(bin, name), args, {
    ...identity,
    cwd: '/',
    env: { ...process.env, PGPASSWORD: password, LC_ALL: 'C.UTF-8' },
    encoding: 'utf8',
    stdio: name === 'pg_ctl' ? ['ignore', 'ignore', 'pipe'] : 'pipe',
  })
  if (done.status !== 0)
    throw new Error(`${name} ${args.join(' ')}: ${done.stderr || done.stdout || done.error}`)
  return `${done.stdout ?? ''}`.trim()
}
const running = new Set<string>()
function startServer(data: string, port: number, more: string[] = []): void {
  const flags = [`-p ${port}`, `-k ${folder}`, '-h 127.0.0.1', ...more].join(' ')
  tool('pg_ctl', ['start', '-D', data, '-w', '-t', '60', '-l', join(data, 'server.log'), '-o', flags])
  running.add(data)
}
function stopServer(data: string): void {
  tool('pg_ctl', ['stop', '-D', data, '-m', 'fast', '-w'])
  running.delete(data)
}
const ask = (port: number, sql: string, database = 'masthead') =>
  tool('psql', ['-h', folder, '-p', `${port}`, '-U', 'admin', '-d', database, '-Atc', sql])
const urlOf = (port: number) => `postgres://masthead_owner:${password}@127.0.0.1:${port}/masthead`

function masthead(
  command: string,
  args: string[],
  port: number,
  input = '',
  more: Record<string, string> = {},
) {
  const done = spawnSync(process.execPath, [join('src/cli', `${command}.ts`), ...args], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      DATA_DIR: join(folder, 'data'),
      MASTHEAD_SECRET: secret,
      DATABASE_URL: urlOf(port),
      LOG_LEVEL: 'error',
      ...more,
    },
    input,
    encoding: 'utf8',
  })
  return { code: done.status, out: done.stdout.trim(), err: done.stderr.trim() }
}
function workspace(slug: string, port: number): void {
  const args = [
    'create',
    slug,
    '--name',
    slug,
    '--owner-name',
    'Ines',
    '--owner-email',
    `ines@${slug}.example`,
  ]
  const made = masthead(
    'tenant',
    [...args, '--zone', 'UTC', '--password-stdin', '--json'],
    port,
    'a quiet desk by the window',
  )
  if (made.code !== 0) throw new Error(made.err)
}
async function ready(port: number): Promise<string> {
  const http = await freePort()
  const app: Child = await startChild({
    name: 'masthead',
    command: [process.execPath, 'src/main.ts'],
    cwd: root,
    env: {
      DATA_DIR: join(folder, 'data'),
      MASTHEAD_SECRET: secret,
      DATABASE_URL: urlOf(port),
      PORT: `${http}`,
    },
    ready: output => output.includes('Masthead is ready'),
  })
  const answer = await fetch(`http://127.0.0.1:${http}/readyz`)
  const held = app.output().includes('may have gone out since') ? ', overdue posts held' : ''
  await app.stop()
  return `${answer.status} ${(await answer.text()).trim()}${held}`
}
async function until(what: string, good: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !good(); await Bun.sleep(100))
    if (Date.now() > end) throw new Error(`${what} did not happen`)
}
function must(what: string, is: unknown, wanted: unknown): void {
  if (is !== wanted) throw new Error(`${what}: ${is} instead of ${wanted}`)
}

try {
  chmodSync(folder, 0o755)
  if ('uid' in identity) chownSync(folder, identity.uid, identity.gid)
  own(archive)
  const primary = own(join(folder, 'primary'))
  const [port, later, standbyPort] = [await freePort(), await freePort(), await freePort()]
  await Bun.write(join(folder, 'pw'), password)
  if ('uid' in identity) chownSync(join(folder, 'pw'), identity.uid, identity.gid)
  tool('initdb', [
    '-D',
    primary,
    '-U',
    'admin',
    '--auth=scram-sha-256',
    `--pwfile=${join(folder, 'pw')}`,
    '--encoding=UTF8',
    '--locale=C.UTF-8',
  ])
  appendFileSync(
    join(primary, 'postgresql.conf'),
    `archive_mode = on\narchive_command = 'test ! -f ${archive}/%f && cp %p ${archive}/%f'\nmax_locks_per_transaction = 1024\n`,
  )
  startServer(primary, port)
  ask(port, `create role masthead_owner login createrole password '${password}'`, 'postgres')
  ask(port, 'create database masthead owner masthead_owner', 'postgres')
  ask(port, `create role standby login replication password '${password}'`, 'postgres')
  workspace('before', port)
  say(`${tool('postgres', ['--version'])}: set up with an owner that is no superuser; one workspace`)

  const base = own(join(folder, 'base'))
  tool('pg_basebackup', [
    '-h',
    '127.0.0.1',
    '-p',
    `${port}`,
    '-U',
    'standby',
    '-D',
    base,
    '-X',
    'stream',
    '-c',
    'fast',
  ])
  tool('pg_verifybackup', [base])
  say('base backup taken while it runs, and verified')

  workspace('between', port)
  await Bun.sleep(1_100)
  const moment = ask(port, 'select now()')
  await Bun.sleep(1_100)
  workspace('mistake', port)
  ask(port, 'select pg_switch_wal()')
  const last = ask(port, 'select last_archived_wal from pg_stat_archiver')
  await until(
    'archiving',
    () =>
      ask(port, 'select last_archived_wal from pg_stat_archiver') !== last || readdirSync(archive).length > 2,
  )
  await until(
    'archiving',
    () => ask(port, `select count(*) from pg_stat_archiver where last_archived_time > '${moment}'`) === '1',
  )
  say(`WAL archive: ${readdirSync(archive).length} files`)

  appendFileSync(
    join(base, 'postgresql.auto.conf'),
    `restore_command = 'cp ${archive}/%f %p'\nrecovery_target_time = '${moment}'\nrecovery_target_action = 'promote'\n`,
  )
  await Bun.write(join(base, 'recovery.signal'), '')
  startServer(base, later, ['-c archive_mode=off'])
  await until('recovery', () => ask(later, 'select pg_is_in_recovery()') === 'f')
  must(
    'workspaces at the moment',
    ask(later, "select string_agg(slug, ',' order by slug) from public.tenants"),
    'before,between',
  )
  say(`back to ${moment}: "before" and "between" are there, "mistake" is not`)
  must('mark', masthead('restore', ['mark'], later).code, 0)
  say(`app on it: ${await ready(later)}`)
  const health = masthead('doctor', ['--json'], later, '', { PORT: '0' })
  say(`doctor on it: exit ${health.code}${health.code === 0 ? '' : ` ${health.out}`}`)
  stopServer(base)

  const standby = own(join(folder, 'standby'))
  tool('pg_basebackup', [
    '-h',
    '127.0.0.1',
    '-p',
    `${port}`,
    '-U',
    'standby',
    '-D',
    standby,
    '-X',
    'stream',
    '-c',
    'fast',
    '-R',
    '-C',
    '-S',
    'standby_1',
  ])
  startServer(standby, standbyPort, ['-c archive_mode=off'])
  await until('streaming', () => ask(port, 'select state from pg_stat_replication') === 'streaming')
  workspace('followed', port)
  await until('replay', () => ask(standbyPort, 'select count(*) from public.tenants') === '4')
  say('standby streams, and has the fourth workspace')
  const replica = masthead('doctor', ['--json'], port, '', {
    DATABASE_READ_URL: urlOf(standbyPort),
    PORT: '0',
  })
  const found = (JSON.parse(replica.out).checks as { name: string; said: string }[]).find(
    one => one.name === 'replica',
  )
  say(`doctor with DATABASE_READ_URL: replica: ${found?.said}`)

  const fell = performance.now()
  stopServer(primary)
  tool('pg_ctl', ['promote', '-D', standby, '-w'])
  const took = performance.now() - fell
  must('promoted', ask(standbyPort, 'select pg_is_in_recovery()'), 'f')
  say(`primary stopped, standby promoted in ${Math.round(took)} ms; app on it: ${await ready(standbyPort)}`)
  must('workspaces', ask(standbyPort, 'select count(*) from public.tenants'), '4')

  const down = masthead('migrate', ['down', '--steps', '1', '--yes'], standbyPort)
  must('migrate down', down.code, 0)
  const up = masthead('migrate', [], standbyPort)
  must('migrate', up.code, 0)
  say(`migration undone and applied again: ${down.out}; ${up.out.split('\n').at(-1)}`)
  say('every step was done')
} finally {
  for (const data of [...running]) stopServer(data)
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)
