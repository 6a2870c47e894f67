import type postgres from 'postgres'
import { NotFound, Unavailable } from '../errors.ts'
import type { KeyRing } from '../lib/seal.ts'
import type { Role } from '../permissions.ts'
import { type DueColumn, writeLowered } from './due.ts'
import { inWords } from './failures.ts'
import type { Lease, Sql } from './pool.ts'

/** Who acts: data, made by a door for a request or by a job for itself. */
export interface Actor {
  tenantId: string
  /** null for the system: the worker, the clock, the operator's commands. */
  userId: string | null
  role: Role | 'system'
}

export type TenantState = 'creating' | 'active' | 'suspended' | 'erasing'

export interface Tenant {
  id: string
  slug: string
  /** Addresses it had before; they lead to it. */
  formerSlugs: readonly string[]
  /** Doors serve it only while it is active; `within` asks for nothing but its schema, for the operator's own work. */
  state: TenantState
  /** Why it is suspended, in words for its people; null when only its erasure is awaited. */
  stateReason: string | null
  /** From this moment on an erasure that is planned is carried out. */
  eraseAfter: Date | null
  /** Name of the tenant's schema and of its role. */
  schema: string
  /** The tenant's own data keys, for sealing its secrets. */
  keys: KeyRing
}

/** The only SQL that moves and reads get to see. A query sent after the scope is over is refused. */
export interface ScopedSql {
  <T extends readonly object[] = postgres.Row[]>(
    text: TemplateStringsArray,
    ...values: readonly unknown[]
  ): postgres.PendingQuery<T extends readonly postgres.MaybeRow[] ? T : never>
  <T>(value: T, ...columns: string[]): unknown
  json(value: unknown): postgres.Parameter
}

/** One open transaction inside one tenant. The first argument of every move and read. */
export interface Scope {
  sql: ScopedSql
  actor: Actor
  tenant: Tenant
  /** The keyed hash under which a mail address stands in the sign-in directory. */
  hashAddress(address: string): Buffer
  /** What was recorded in this transaction; told to pages and processes once it has committed. */
  happened: { type: string; subjectId: string }[]
  /** When the transaction was asked for, by `performance.now()`: never later than its own clock. */
  askedAt: number
  /** When the tenant is due because of this transaction; written just before it commits. */
  due: Map<DueColumn, Date>
}

export interface ScopeOptions {
  readOnly?: boolean
  /** Deadline of the transaction on both sides, in milliseconds. */
  timeoutMs?: number
  /**
   * On the connection that is this tenant's, where its tables and the plans of its statements are known already. For the
   * worker, who comes again and again with the same few statements.
   */
  home?: true
}

export type Within = <T>(
  actor: Actor,
  work: (scope: Scope) => Promise<T>,
  options?: ScopeOptions,
) => Promise<T>

const schemaName = /^tenant_[0-9a-f]{8}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{12}$/
const defaultTimeoutMs = 15_000
/** The client gives up a little after the server would have. */
const graceMs = 500

/**
 * Makes `within`: the one way into a tenant. What opens the transaction and sets `search_path` and role, all LOCAL,
 * goes out in one message, and the queries of `work` ride behind it unanswered. Nothing is acknowledged before the
 * head's own answer and, where something could be written, COMMIT's are seen. A scope that only reads lets its
 * connection go behind the end of its transaction. Both sides have a deadline.
 *
 * @param find the tenant behind an id; null when there is none
 * @param homes a pool beside `sql`: its connections are the tenants' homes
 * @param serverVersion `server_version_num`; `transaction_timeout` exists from 170000 on
 */
export function createWithin(
  sql: Sql,
  find: (id: string) => Promise<Tenant | null>,
  serverVersion: number,
  hashAddress: (address: string) => Buffer,
  homes: Sql = sql,
): Within {
  return async (actor, work, options = {}) => {
    const askedAt = performance.now()
    const timeout = Math.trunc(options.timeoutMs ?? defaultTimeoutMs)
    const readOnly = options.readOnly ?? false
    try {
      const tenant = await find(actor.tenantId)
      if (!tenant || !schemaName.test(tenant.schema)) throw new NotFound()
      const head = scopeHead(tenant.schema, timeout, serverVersion, readOnly)
      const lease = options.home
        ? () => homes.lease(`${head}; ${keptPlans}`, tenant.schema)
        : () => sql.lease(head)
      return await transaction(lease, readOnly, timeout + graceMs, async scoped => {
        const scope: Scope = {
          sql: scoped,
          actor,
          tenant,
          hashAddress,
          happened: [],
          askedAt,
          due: new Map(),
        }
        const result = await work(scope)
        last(writeLowered(scope))
        return result
      })
    } catch (error) {
      throw inWords(error)
    }
  }
}

/**
 * For statements at the end of a transaction whose answers nobody needs: it is sent here and now, COMMIT rides behind it,
 * and fails with its cause where it failed. It takes the statement itself: what another function awaits may be sent too late.
 */
export function last(statement: postgres.PendingQuery<postgres.Row[]> | null): void {
  statement?.catch(() => {})
}

/** `pg_temp` is named, and last: left out it would come first, and a table left in it would stand before the tenant's. */
function scopeHead(schema: string, timeout: number, serverVersion: number, readOnly: boolean): string {
  const limit =
    serverVersion >= 170_000
      ? `set local transaction_timeout = ${timeout}`
      : `set local statement_timeout = ${timeout}; set local idle_in_transaction_session_timeout = ${timeout}`
  const begin = readOnly ? 'begin read only' : 'begin'
  return `${begin}; set local search_path to ${schema}, public, pg_temp; set local role ${schema}; ${limit}`
}

/** The same statements come again, each for a set of items whose number says nothing: one plan does for all. */
const keptPlans = 'set local plan_cache_mode = force_generic_plan'

/** One transaction on the connection that `begin` gets. When it is late the connection is cut: the answer of a hung one may never come. */
function transaction<T>(
  begin: () => Promise<Lease>,
  readOnly: boolean,
  withinMs: number,
  work: (sql: ScopedSql) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let lease: Lease | null = null
    let late = false
    const timer = setTimeout(() => {
      late = true
      lease?.destroy()
      reject(new Unavailable())
    }, withinMs)
    const run = async () => {
      lease = await begin()
      try {
        if (late) throw new Unavailable()
        const result = await work(lease.sql as unknown as ScopedSql)
        await lease.begun
        if (lease.failure) throw lease.failure
        if (readOnly) {
          // Nothing to commit: who comes next on this connection rides behind the end of this transaction.
          lease.finish('commit', true)
          return result
        }
        return await committed(lease, result)
      } catch (error) {
        throw await rolledBack(lease, readOnly, error)
      }
    }
    run()
      .finally(() => clearTimeout(timer))
      .then(resolve, reject)
  })
}

async function committed<T>(lease: Lease, result: T): Promise<T> {
  const { command } = await lease.finish('commit', false)
  // A transaction that had failed answers COMMIT with ROLLBACK, and no error.
  if (command !== 'COMMIT') throw lease.failure ?? new Error('The transaction was rolled back by the server.')
  return result
}

/** Ends a failed transaction and answers its cause: the head's error before those of the queries behind it. */
async function rolledBack(lease: Lease, readOnly: boolean, error: unknown): Promise<unknown> {
  const headFailure = await lease.begun.then(
    () => null,
    (failed: unknown) => failed,
  )
  if ((headFailure as { code?: string } | null)?.code === '42501') {
    // The app may become every tenant, so what this backend remembers of its memberships is taken to be out of date: it is
    // let go. Met once on 18.4 while tenants were made four at a time; the cause inside PostgreSQL was not looked into.
    lease.destroy()
    return new Unavailable()
  }
  const rollback = lease.finish('rollback', readOnly).catch(() => null)
  // Until a writer's locks are gone, who tries again at once would meet them.
  if (!readOnly) await rollback
  if (headFailure) return headFailure
  return (error as { code?: string } | null)?.code === '25P02' ? (lease.failure ?? error) : error
}
