import postgres from 'postgres'
import { Stop } from '../errors.ts'
import type { Log } from '../lib/log.ts'

/** A pool of the driver, with what our patch adds to it (patches/, letters g, j and k). */
export type Sql = postgres.Sql<Record<string, never>> & {
  /**
   * A connection for one transaction, as soon as `head`, the text that begins it, is on its way there.
   * @param key what has the same key meets on the same connection, and prepares statements of its own there
   */
  lease(head: string, key?: string): Promise<Lease>
  /** Cuts off every connection outside a transaction that has waited for an answer for so long; answers how many. */
  stalled(ms: number): number
  /** When the server last sent anything on any connection of the pool, by `performance.now()`. */
  answeredAt(): number
}

export interface Lease {
  /** Sends behind the head, on the same session, or not at all: never into what follows on the connection. */
  sql: postgres.TransactionSql<Record<string, never>>
  /** Settles with the head's own answer. */
  begun: Promise<unknown>
  /** The first query of it that failed, awaited or not. */
  failure: unknown
  /**
   * Sends the statement that ends it, and nothing after that.
   * @param letGo the connection serves others as soon as the statement is on its way, unanswered
   */
  finish(text: 'commit' | 'rollback', letGo: boolean): Promise<{ command: string }>
  /** Cuts the connection, if it is still this one's. */
  destroy(): void
}

export type Address = { url: string } | { socket: string; user: string; password: string; database: string }

export interface PoolOptions {
  /** Name shown in `pg_stat_activity`. */
  name: string
  max: number
  /** False behind a transaction-pooling PgBouncer older than 1.21, which loses prepared statements. */
  prepare?: boolean
  idleSeconds?: number
}

/** Opens a pool; no connection is made before the first query. */
export function openPool(address: Address, options: PoolOptions): Sql {
  const common = {
    max: options.max,
    prepare: options.prepare ?? true,
    idle_timeout: options.idleSeconds ?? 0,
    connect_timeout: 10,
    // The driver's own pause grows to 20 s and is shared by the pool: after a restart of the database that is too long.
    backoff: (failures: number) => Math.min(2 ** failures / 20, 1),
    // Backends that met many tenants grow (measured: 0.3 MB a tenant); a connection is replaced now and then.
    max_lifetime: 15 * 60,
    onnotice() {},
    connection: { application_name: options.name },
  }
  if ('url' in address) return postgres(address.url, common) as Sql
  return postgres({
    ...common,
    path: `${address.socket}/.s.PGSQL.5432`,
    user: address.user,
    password: address.password,
    database: address.database,
  }) as Sql
}

/** Whether a transaction pooler stands between us and PostgreSQL: the backend answering is not the one we logged in to. */
export async function behindPooler(address: Address): Promise<boolean> {
  const probe = openPool(address, { name: 'masthead probe', max: 1, prepare: false })
  try {
    const answer = await probe`select pg_backend_pid() as pid`
    const own = (answer as unknown as { state?: { pid?: number } }).state?.pid
    return own !== undefined && own !== answer[0]?.pid
  } finally {
    await probe.end({ timeout: 2 })
  }
}

/**
 * Whether a pooler keeps prepared statements: several clients prepare and run statements of their own at once, so that
 * each meets server connections that others prepared on. With one client alone a loss does not show (measured with
 * PgBouncer 1.18, which knows none).
 */
export async function keepsPrepared(address: Address): Promise<boolean> {
  const clients = Array.from({ length: 6 }, () => openPool(address, { name: 'masthead probe', max: 2 }))
  const rounds = async (sql: Sql, client: number) => {
    for (let round = 0; round < 8; round++) {
      const asked = [1, 2, 3, 4].map(async n => {
        const [row] = await sql.unsafe(`select $1::int + ${client} as sum, pg_sleep(0.002)`, [round * n], {
          prepare: true,
        })
        return row?.sum === round * n + client
      })
      if ((await Promise.all(asked)).includes(false)) return false
    }
    return true
  }
  try {
    return (await Promise.all(clients.map(rounds))).every(Boolean)
  } catch (error) {
    // 26000: it is not there. 42P05: another client's stands under its name. 08P01: the protocol lost its step.
    if (['26000', '42P05', '08P01'].includes((error as { code?: string }).code ?? '')) return false
    throw error
  } finally {
    await Promise.all(clients.map(client => client.end({ timeout: 1 })))
  }
}

/**
 * Waits until the database answers.
 * @throws Stop with what to do when it does not within `seconds`, or refuses the password.
 */
export async function waitFor(sql: Sql, where: string, log: Log, seconds = 20): Promise<void> {
  const until = Date.now() + seconds * 1000
  for (;;) {
    try {
      await sql`select 1`
      return
    } catch (error) {
      const code = (error as { code?: string }).code ?? ''
      if (code === '28P01' || code === '28000')
        throw new Stop(
          `The database at ${where} refuses the login: check the user and password, or whether MASTHEAD_SECRET is the one it was set up with.`,
        )
      if (code === '3D000')
        throw new Stop(`The database named in ${where} does not exist: create it, or correct the address.`)
      if (Date.now() > until)
        throw new Stop(
          `The database at ${where} cannot be reached (${code || (error as Error).message}): start it, or correct the address.`,
        )
      log.debug('waiting for the database', { code })
      await Bun.sleep(100)
    }
  }
}
