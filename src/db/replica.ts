import type { Config } from '../config.ts'
import { Refusal } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { derivePassword } from '../lib/seal.ts'
import { type Database, embeddedAppRole } from './database.ts'
import { codeOf } from './failures.ts'
import type { Marks } from './marks.ts'
import { type Address, behindPooler, openPool, type Sql } from './pool.ts'
import { type Actor, createWithin, type Scope, type Within } from './scope.ts'

/** A replica that is further behind than this is not read from. */
export const mostLagMs = 5_000
const lookEveryMs = 1_000
const lookWithinMs = 1_500
/** A read that takes longer is not for a replica: there it stands in the way of replay. Then the primary is asked. */
const readWithinMs = 2_000

/** A streaming replica for what is only looked at. */
export interface Replica {
  /**
   * Reads there when it has everything that was written in this tenant so far.
   * @returns null whenever it did not come to a result: then the primary is asked, which also has the final word on errors
   */
  read<T>(actor: Actor, work: (scope: Scope) => Promise<T>): Promise<{ value: T } | null>
  /** Whether a read is worth trying just now; a read that goes to the primary for that reason is counted here. */
  offers(): boolean
  /** Call after a transaction that wrote has committed, before its caller is told. Never fails. */
  wrote(tenantId: string): Promise<void>
  close(): Promise<void>
}

type Trouble = 'unreachable' | 'lagging' | 'not a replica' | 'of another cluster'

const inWords: Record<Trouble, string> = {
  unreachable: 'it does not answer',
  lagging: `it is more than ${mostLagMs / 1000} seconds behind`,
  'not a replica': 'it is no replica (any more): DATABASE_READ_URL must name a standby of the database',
  'of another cluster': 'it belongs to another database cluster than DATABASE_URL: correct DATABASE_READ_URL',
}

/** Thrown out of a read's transaction when the replica has not replayed enough. */
class Behind extends Error {}

/**
 * Opens the replica, or keeps asking for it: it may come and go, and nobody who reads notices.
 * @param url DATABASE_READ_URL; when the app's login is ours (no DATABASE_OWNER_URL), its user and password are replaced by it
 */
export async function openReplica(
  config: Config,
  url: string,
  db: Database,
  marks: Marks,
  metrics: Pick<Metrics, 'read'>,
  log: Log,
): Promise<Replica> {
  const address = readAddress(config, url)
  const [version] = await db.sql`select current_setting('server_version_num')::int as number`
  /** Where the primary stood and when: the replica must have reached what is old enough. */
  const history: { at: number; position: bigint }[] = []
  let pool: { sql: Sql; within: Within } | null = null
  let prepare: boolean | null = null
  let trouble: Trouble | null = 'unreachable'
  let said: Trouble | null = null
  let blindUntil = 0
  let closed = false
  let probe: Sql | null = null
  let looking: Promise<void> | null = null

  function open(): { sql: Sql; within: Within } {
    const sql = openPool(address, { name: 'masthead reads', max: 10, prepare: prepare ?? false })
    return { sql, within: createWithin(sql, db.tenantById, version?.number as number, db.hashAddress) }
  }

  async function examine(): Promise<Trouble | null> {
    const [primary] = await db.sql`
      select (pg_current_wal_insert_lsn() - '0/0')::text as position, system_identifier::text as cluster
      from pg_control_system()`
    const now = Date.now()
    history.push({ at: now, position: BigInt(primary?.position as string) })
    while ((history[1]?.at ?? now) <= now - mostLagMs) history.shift()
    probe ??= openPool(address, { name: 'masthead replica watch', max: 1, prepare: false })
    const [there] = await probe`
      select pg_is_in_recovery() as replica, (pg_last_wal_replay_lsn() - '0/0')::text as position,
        system_identifier::text as cluster from pg_control_system()`
    if (there?.cluster !== primary?.cluster) return 'of another cluster'
    if (!there?.replica || there.position === null) return 'not a replica'
    prepare ??= !(await behindPooler(address))
    const [oldest] = history
    const due = oldest && oldest.at <= now - mostLagMs ? oldest.position : 0n
    return BigInt(there.position as string) < due ? 'lagging' : null
  }

  /** One look, with its own end: a server that hangs counts as one that does not answer. */
  async function lookOnce(): Promise<void> {
    let error: unknown
    const found = await Promise.race([
      examine().catch(failed => {
        error = failed
        return 'unreachable' as const
      }),
      Bun.sleep(lookWithinMs).then(() => 'unreachable' as const),
    ])
    if (closed) return
    if (found === 'unreachable') {
      // Connections to a server that has gone may hang for long: none of them is used again.
      leave(probe)
      leave(pool?.sql)
      probe = pool = null
    } else pool ??= open()
    trouble = found
    if (found && found !== said) log.warn(`nothing is read from the replica: ${inWords[found]}`, { error })
    if (!found && said) log.info('the replica is read from again')
    said = found
  }
  function look(): Promise<void> {
    looking ??= lookOnce().finally(() => {
      looking = null
    })
    return looking
  }

  await look()
  if (!trouble) log.info('lists and pages are read from the replica')
  const timer = setInterval(() => void look(), lookEveryMs)
  timer.unref()

  return {
    offers() {
      if (trouble) fallen(trouble)
      return trouble === null
    },
    async read(actor, work) {
      const { within } = pool ?? {}
      if (trouble || !within) return fallen(trouble ?? 'unreachable')
      const mark = Date.now() < blindUntil ? null : await marks.read(actor.tenantId)
      if (mark === null) return fallen('unknown')
      try {
        const value = await within(
          actor,
          async scope => {
            // Sent ahead of the work's queries, in the same round trip; they see at least what it saw.
            const asked =
              scope.sql`select pg_last_wal_replay_lsn() - '0/0' >= ${String(mark)}::numeric as enough`.execute()
            const [[row], value] = await Promise.all([asked, work(scope)])
            if (!row?.enough) throw new Behind()
            return value
          },
          { readOnly: true, timeoutMs: readWithinMs },
        )
        metrics.read('replica', 'fresh')
        return { value }
      } catch (error) {
        const why = reason(error)
        if (why === 'lost') void look()
        return fallen(why)
      }
    },
    async wrote(tenantId) {
      try {
        const [row] = await db.sql`select (pg_current_wal_insert_lsn() - '0/0')::text as position`
        await marks.raise(tenantId, BigInt(row?.position as string))
      } catch {
        // The primary went away after the commit. What was written is replayed by then, or the replica is left out.
        blindUntil = Date.now() + 2 * mostLagMs
      }
    },
    async close() {
      closed = true
      clearInterval(timer)
      await Promise.all([probe?.end({ timeout: 1 }), pool?.sql.end({ timeout: 1 })])
    },
  }

  function fallen(why: string): null {
    metrics.read('primary', why)
    return null
  }
}

function leave(sql: Sql | null | undefined): void {
  sql?.end({ timeout: 0 }).catch(() => {})
}

/**
 * 40001: replay had to go on past what the read needed. 22023, 3F000, 42P01: a tenant that the replica does not have
 * yet. All but the last the scope has already put into words.
 */
function reason(error: unknown): string {
  if (error instanceof Behind) return 'behind'
  if (error instanceof Refusal) {
    if (error.code === 'unavailable') return codeOf(error.cause) === '40001' ? 'conflict' : 'lost'
    return error.code === 'not_found' ? 'missing' : 'refused'
  }
  return codeOf(error) === '42P01' ? 'missing' : 'error'
}

function readAddress(config: Config, url: string): Address {
  if (config.databaseOwnerUrl) return { url }
  const app = new URL(url)
  app.username = embeddedAppRole
  app.password = derivePassword(config.secret, 'database app')
  return { url: app.href }
}
