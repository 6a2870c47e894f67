/** A PostgreSQL cluster of a test's own, of any version, that may be stopped and started under the test's feet. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unprivileged } from '../../src/db/cluster-home.ts'

export interface Cluster {
  /** Folder of the unix socket; it listens nowhere else. */
  socket: string
  /** The bootstrap superuser, for what only he may do. */
  superuser: { user: string; password: string }
  start(): void
  stopServer(mode: 'fast' | 'immediate'): void
  /** Stops the server and takes its files away. */
  remove(): void
}

/** @param binaries of the version wanted; settings are added to the defaults, which do without fsync */
export function makeCluster(
  binaries: { initdb: string; pg_ctl: string },
  settings: Record<string, string> = {},
): Cluster {
  const home = mkdtempSync(join(tmpdir(), 'mh-cluster-'))
  const identity = unprivileged()
  chmodSync(home, 0o700)
  const password = crypto.randomUUID()
  const passwordFile = join(home, 'password')
  writeFileSync(passwordFile, password)
  if ('uid' in identity) for (const path of [home, passwordFile]) chownSync(path, identity.uid, identity.gid)
  const data = join(home, 'data')
  const run = (binary: string, ...args: string[]) => {
    // stdio is ignored because the server inherits it and would keep a pipe open.
    const done = spawnSync(binary, args, {
      ...identity,
      cwd: home,
      stdio: 'ignore',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    })
    if (done.status !== 0)
      throw new Error(`${binary} ${args.join(' ')} failed (${done.error ?? done.status}): see ${home}`)
  }
  const all = {
    listen_addresses: '',
    unix_socket_directories: home,
    fsync: 'off',
    max_connections: '150',
    max_locks_per_transaction: '256',
    ...settings,
  }
  const flags = Object.entries(all).map(([name, value]) => `-c ${name}='${value}'`)
  const start = () =>
    run(binaries.pg_ctl, 'start', '-D', data, '-w', '-l', join(home, 'server.log'), '-o', flags.join(' '))
  const user = 'postgres'
  const auth = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale=C']
  run(binaries.initdb, '-D', data, '-U', user, ...auth)
  start()
  return {
    socket: home,
    superuser: { user, password },
    start,
    stopServer: mode => run(binaries.pg_ctl, 'stop', '-D', data, '-w', '-m', mode),
    remove() {
      spawnSync(binaries.pg_ctl, ['stop', '-D', data, '-w', '-m', 'immediate'], { ...identity, cwd: '/' })
      rmSync(home, { recursive: true, force: true })
    },
  }
}
