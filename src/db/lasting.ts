import type postgres from 'postgres'
import { Unavailable } from '../errors.ts'
import { reachable } from './failures.ts'
import type { Sql } from './pool.ts'

/** A pool that outlives its connections: `sql` stays the same object when what is behind it is replaced. */
export interface LastingPool {
  /** For the log. */
  name: string
  sql: Sql
  /** Throws every connection away, with whatever waits on them, and goes on with a fresh pool. */
  replace(): void
}

interface Listening {
  channel: string
  hear: (payload: string) => void
  ready?: () => void
  current: Promise<postgres.ListenMeta>
}

/**
 * Makes a pool replaceable. What listens on it listens on the next one too. Its single queries fail as `Unavailable`
 * when the database cannot be reached, and where `answerMs` is given also when no answer came for so long.
 *
 * @param open makes the next pool
 */
export function lasting(name: string, first: Sql, open: () => Sql, answerMs?: number): LastingPool {
  let current = first
  const listening = new Set<Listening>()

  const listen = async (channel: string, hear: (payload: string) => void, ready?: () => void) => {
    const entry: Listening = {
      channel,
      hear,
      ...(ready ? { ready } : {}),
      current: current.listen(channel, hear, ready),
    }
    listening.add(entry)
    const { state } = await entry.current.catch(error => {
      listening.delete(entry)
      throw error
    })
    return {
      state,
      async unlisten() {
        listening.delete(entry)
        await (await entry.current).unlisten()
      },
    }
  }

  const sql = new Proxy((() => {}) as unknown as Sql, {
    apply: (_, __, given) =>
      bounded((current as unknown as (...g: unknown[]) => unknown)(...given), answerMs),
    get: (_, property) => (property === 'listen' ? listen : current[property as keyof Sql]),
  })

  return {
    name,
    sql,
    replace() {
      const dead = current
      current = open()
      for (const entry of listening) {
        entry.current = current.listen(entry.channel, entry.hear, entry.ready)
        // The driver goes on trying by itself, and calls `ready` when it listens again.
        entry.current.catch(() => {})
      }
      void dead.end({ timeout: 0 })
    },
  }
}

interface Sent {
  handler?: (query: unknown) => unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Gives a query its words of failure and its deadline, which runs from the moment it is sent. */
function bounded(made: unknown, answerMs: number | undefined): unknown {
  const query = made as Sent
  if (typeof query?.handler !== 'function') return made
  const { handler, resolve, reject } = query
  let timer: Timer | undefined
  query.resolve = value => {
    clearTimeout(timer)
    resolve(value)
  }
  query.reject = error => {
    clearTimeout(timer)
    reject(reachable(error))
  }
  query.handler = sent => {
    if (answerMs) timer = setTimeout(() => query.reject(new Unavailable()), answerMs)
    return handler(sent)
  }
  return made
}
