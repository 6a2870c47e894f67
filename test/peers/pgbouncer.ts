/** A real PgBouncer in transaction pooling in front of a PostgreSQL that a test names. */
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { program } from './present.ts'
import { answersTcp, startChild, withFreshPort } from './processes.ts'

export interface PgbouncerOptions {
  /** Socket folder (begins with `/`) or host name of the PostgreSQL behind it. */
  pgSocketOrHost: string
  /** Port of that PostgreSQL; for a socket the number in its file name. */
  port: number
  /** Database in the answered addresses; every other database of the server is reachable through the pooler too. */
  database: string
  /** Login name → password, for both sides. */
  users: Record<string, string>
  /** Server connections per user and database, default 4: few, so that clients really share them. */
  poolSize?: number
  /** More lines of the `[pgbouncer]` section. */
  settings?: Record<string, string>
}

export interface Pgbouncer {
  port: number
  pid: number
  /** postgres:// address through the pooler, for one of `users`. */
  url(user: string, database?: string): string
  stop(): Promise<void>
}

/** The account PgBouncer drops to: it refuses to run as root, and a socket folder may be open to its owner only. */
function serviceUser(pgSocketOrHost: string): { name: string; uid: number; gid: number } {
  const lookUp = (who: string) => {
    const found = Bun.spawnSync(['getent', 'passwd', who]).stdout.toString().trim().split(':')
    return found.length > 3 ? { name: found[0] ?? who, uid: Number(found[2]), gid: Number(found[3]) } : null
  }
  const owner = pgSocketOrHost.startsWith('/') ? statSync(pgSocketOrHost).uid : 0
  const user = (owner !== 0 ? lookUp(`${owner}`) : null) ?? lookUp('postgres') ?? lookUp('nobody')
  if (!user)
    throw new Error(
      'PgBouncer refuses to run as root, and there is no user `postgres` or `nobody` to run it as.',
    )
  return user
}

const quote = (text: string) => `"${text.replaceAll('"', '""')}"`

/** Starts PgBouncer with `pool_mode = transaction` on a free port of 127.0.0.1 (about 0.1 s). */
export async function startPgbouncer(options: PgbouncerOptions): Promise<Pgbouncer> {
  const binary = program('pgbouncer')
  if (!binary) throw new Error('pgbouncer is not installed: apt-get install pgbouncer')
  const folder = mkdtempSync(join(tmpdir(), 'masthead-pgbouncer-'))
  const asUser = process.getuid?.() === 0 ? serviceUser(options.pgSocketOrHost) : null

  return withFreshPort(async port => {
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: `${port}`,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: join(folder, 'users.txt'),
      pool_mode: 'transaction',
      default_pool_size: `${options.poolSize ?? 4}`,
      max_client_conn: '500',
      server_reset_query: '',
      ...options.settings,
    }
    const files = {
      'pgbouncer.ini': [
        '[databases]',
        `* = host=${options.pgSocketOrHost} port=${options.port}`,
        '[pgbouncer]',
        ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
        '',
      ].join('\n'),
      'users.txt': Object.entries(options.users)
        .map(([name, password]) => `${quote(name)} ${quote(password)}\n`)
        .join(''),
    }
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      if (asUser) chownSync(join(folder, name), asUser.uid, asUser.gid)
    }
    chmodSync(folder, 0o700)
    if (asUser) chownSync(folder, asUser.uid, asUser.gid)

    const child = await startChild({
      name: 'pgbouncer',
      command: [binary, ...(asUser ? ['-u', asUser.name] : []), join(folder, 'pgbouncer.ini')],
      ready: () => answersTcp(port),
    })
    return {
      port,
      pid: child.pid,
      url(user, database = options.database) {
        const password = options.users[user]
        if (password === undefined) throw new Error(`PgBouncer was started without the user ${user}.`)
        return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`
      },
      async stop() {
        await child.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  })
}
