import postgres from 'postgres'
import { Stop } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import type { Sql } from './pool.ts'

/** A backend that met this many tenants is replaced: it remembers the tables of each (measured: 0.3 MB a tenant). */
const itemsABackend = 250
/** How often an item may go to the back of the line before it is given up. */
const mostTries = 5
const firstPauseMs = 250

/** Another pool to the same place as `sql`, for work that needs connections of its own. `onClose` hears of each one that ends. */
export function openBeside(sql: Sql, given: { name: string; max: number; onClose?: () => void }): Sql {
  const { options } = sql
  const beside = {
    ...options,
    max: given.max,
    idle_timeout: null,
    max_lifetime: null,
    onclose: given.onClose ?? (() => {}),
    connection: { ...options.connection, application_name: given.name },
  }
  return postgres(beside as unknown as postgres.Options<Record<string, never>>) as unknown as Sql
}

/**
 * Runs `work` while no other process does anything under the same name; waits for its turn. The lock belongs to a
 * session of its own and outside any transaction, so that a run of an hour holds back no vacuum; it ends with the
 * process. `sql` must be direct: behind a transaction pooler a session is shared.
 *
 * @param work gets a signal that is aborted when the session, and the lock with it, is lost
 */
export async function alone<T>(
  sql: Sql,
  name: string,
  log: Log,
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController()
  let held = false
  const session = openBeside(sql, {
    name,
    max: 1,
    onClose: () => held && lost.abort(new Stop(lostWords)),
  })
  try {
    for (let told = false; !held; ) {
      // Asked again and again, because a statement that waits would hold back vacuum like a transaction.
      const [row] = await session`select pg_try_advisory_lock(hashtext(${name})) as mine`
      held = row?.mine === true
      if (held) break
      if (!told) log.info('waiting for another process', { name })
      told = true
      await Bun.sleep(200)
    }
    return await work(lost.signal)
  } finally {
    held = false
    await session.end({ timeout: 2 })
  }
}

/**
 * The same for what is done only when nobody else does it just now.
 * @returns null when somebody else does
 */
export async function aloneOrNot<T>(
  sql: Sql,
  name: string,
  work: () => Promise<T>,
): Promise<{ result: T } | null> {
  const session = openBeside(sql, { name, max: 1 })
  try {
    const [row] = await session`select pg_try_advisory_lock(hashtext(${name})) as mine`
    return row?.mine === true ? { result: await work() } : null
  } finally {
    await session.end({ timeout: 2 })
  }
}

export const lostWords =
  'The connection to the database was lost in between: run the same command again, it goes on where it was.'

/** Whether an error is the connection's, not the statement's. https://www.postgresql.org/docs/18/errcodes-appendix.html */
export function connectionLost(error: unknown): boolean {
  const code = (error as { code?: string } | null)?.code ?? ''
  return code.startsWith('08') || code.startsWith('57P') || /^(CONNECT|E[A-Z]{3,})/.test(code)
}

export interface Lanes {
  /** Name of the connections in `pg_stat_activity`. */
  name: string
  /** How many items at once, each on a connection of its own. */
  workers: number
  lost?: AbortSignal
}

/**
 * Does `work` for every item, several at once. `work` says false when the item cannot be had now: it goes to the back
 * of the line, a few times.
 *
 * @returns the items that could not be had in the end
 * @throws what `work` throws first, once the other lanes have ended their item
 */
export async function inLanes<T>(
  sql: Sql,
  items: readonly T[],
  { name, workers, lost }: Lanes,
  work: (sql: Sql, item: T) => Promise<boolean>,
): Promise<T[]> {
  const givenUp: T[] = []
  let broken = false
  for (let from = 0; from < items.length; from += workers * itemsABackend) {
    const line = items
      .slice(from, from + workers * itemsABackend)
      .map(item => ({ item, tries: 0, notBefore: 0 }))
    const pool = openBeside(sql, { name, max: workers })
    const lane = async () => {
      for (let next = line.shift(); next && !broken; next = line.shift()) {
        lost?.throwIfAborted()
        await Bun.sleep(Math.max(0, next.notBefore - Date.now()))
        if (await work(pool, next.item)) continue
        next.tries++
        next.notBefore = Date.now() + firstPauseMs * 2 ** next.tries
        if (next.tries < mostTries) line.push(next)
        else givenUp.push(next.item)
      }
    }
    const lanes = Array.from({ length: workers }, () =>
      lane().catch(error => {
        broken = true
        throw error
      }),
    )
    try {
      await Promise.all(lanes)
    } finally {
      await Promise.allSettled(lanes)
      await pool.end({ timeout: 2 })
    }
  }
  return givenUp
}
