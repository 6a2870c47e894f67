import type postgres from 'postgres'
import { NotFound, Refusal, Unavailable } from '../errors.ts'
import type { KeyRing } from '../lib/seal.ts'
import type { Role } from '../permissions.ts'
import type { Sql } from './pool.ts'

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
}

export interface ScopeOptions {
  readOnly?: boolean
  /** Deadline of the transaction on both sides, in milliseconds. */
  timeoutMs?: number
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

/** What PostgreSQL says when the tenant's role or schema is gone: 22023 unknown role, 3F000 schema. */
const goneCodes = new Set(['22023', '3F000'])
const connectionCodes = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  '57P01',
  '57P02',
  '57P03',
  '57014',
  '25P03',
  '25P04',
  '53300',
])

/**
 * Makes `within`: the one way into a tenant. It opens a transaction, sets `search_path` and role, both LOCAL and in
 * the same round trip as the first query, and calls `work`. Both sides have a deadline.
 *
 * @param find the tenant behind an id; null when there is none
 * @param serverVersion `server_version_num`; `transaction_timeout` exists from 170000 on
 */
export function createWithin(
  sql: Sql,
  find: (id: string) => Promise<Tenant | null>,
  serverVersion: number,
  hashAddress: (address: string) => Buffer,
): Within {
  return async (actor, work, options = {}) => {
    const tenant = await find(actor.tenantId)
    if (!tenant || !schemaName.test(tenant.schema)) throw new NotFound()
    const timeout = Math.trunc(options.timeoutMs ?? defaultTimeoutMs)
    const head = scopeHead(tenant.schema, timeout, serverVersion)
    let open = true
    let givenUp = false
    const started = sql.begin(options.readOnly ? 'read only' : 'read write', async tx => {
      if (givenUp) throw new Unavailable()
      // Sent at once, answered later: the queries of `work` ride behind it. Its own error is the real cause of theirs.
      const headSent = tx.unsafe(head).execute()
      const headFailed = headSent.then(
        () => null,
        (error: unknown) => error,
      )
      const scope: Scope = {
        sql: guarded(tx, () => open),
        actor,
        tenant,
        hashAddress,
      }
      try {
        const result = await work(scope)
        const failed = await headFailed
        if (failed) throw failed
        return { result }
      } catch (error) {
        throw (await headFailed) ?? error
      } finally {
        open = false
      }
    })
    try {
      const { result } = (await deadline(started, timeout + graceMs, () => {
        open = false
        givenUp = true
      })) as { result: Awaited<ReturnType<typeof work>> }
      return result
    } catch (error) {
      throw inWords(error)
    }
  }
}

function scopeHead(schema: string, timeout: number, serverVersion: number): string {
  const limit =
    serverVersion >= 170_000
      ? `set local transaction_timeout = ${timeout}`
      : `set local statement_timeout = ${timeout}; set local idle_in_transaction_session_timeout = ${timeout}`
  return `set local search_path to ${schema}, public; set local role ${schema}; ${limit}`
}

/**
 * The transaction's handle, refusing to send once the scope is over. The check is made when a query is sent, because
 * queries are lazy and a finished handle of the driver would send into the next tenant's transaction (reproduced
 * with postgres 3.4.9).
 */
function guarded(tx: postgres.TransactionSql, isOpen: () => boolean): ScopedSql {
  const call = tx as unknown as (...args: unknown[]) => unknown
  const scoped = (...args: unknown[]) => {
    const made = call(...args)
    const query = made as { handler?: (query: unknown) => unknown; reject?: (error: Error) => void }
    if (typeof query.handler !== 'function') return made
    const send = query.handler
    query.handler = sent => {
      if (isOpen()) return send(sent)
      query.reject?.(new Error('This query was sent after its scope was over: await it inside within()'))
    }
    return made
  }
  return Object.assign(scoped, {
    json: (value: unknown) => {
      if (value === undefined) throw new TypeError('undefined is no JSON value')
      return tx.json(value as postgres.JSONValue)
    },
  }) as unknown as ScopedSql
}

async function deadline<T>(work: Promise<T>, ms: number, onTimeout: () => void): Promise<T> {
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      onTimeout()
      reject(new Unavailable())
    }, ms)
  })
  work.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function inWords(error: unknown): unknown {
  if (error instanceof Refusal) return error
  const code = (error as { code?: string } | null)?.code ?? ''
  if (goneCodes.has(code)) return new NotFound()
  if (connectionCodes.has(code) || code.startsWith('08')) return new Unavailable()
  return error
}
