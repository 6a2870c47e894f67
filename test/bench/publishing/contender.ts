/** Ours and the libraries, as the parts of the bench see them. */
import { join } from 'node:path'
import type { Redis } from '../../peers/redis.ts'
import { type Child, startChild } from './child.ts'
import type { WorkArgs } from './counted.ts'
import { type BenchHouse, planPosts } from './house.ts'
import type { Observer } from './observer.ts'
import { cpuOf, usedBetween } from './observer.ts'

export interface Contender {
  name: string
  /** Whether jobs for one instant need time to be planned before it, in milliseconds a job. */
  planMs: number
  /** Nothing is planned and its tables are there. */
  prepare(): Promise<void>
  /** Plans `count` jobs; `at` null means at once. */
  plan(count: number, at: Date | null): Promise<void>
  /** A worker in a process of its own, loaded; it works from `begin` on. */
  start(args: WorkArgs): Promise<Child>
  /** Begins to count the store's processor time. @returns the milliseconds used since */
  meter(): Promise<() => Promise<number>>
  /** Plans one job after the other from several callers at once, each with its row of what happened. @returns jobs a second */
  schedule(count: number, callers: number): Promise<number>
  /** Statements so far; null where the store is not PostgreSQL. */
  statements(): Promise<number | null>
}

export const ourDatabase = 'masthead'
export interface Over {
  tenants: number
  accounts: number
}

/** @param over how its posts are spread over workspaces and their accounts */
export function ours(house: BenchHouse, observer: Observer, over: Over): Contender {
  return {
    name: 'masthead',
    planMs: 2.5,
    async prepare() {},
    plan: (count, at) => planPosts(house, count, at ?? new Date(), over),
    async start(args) {
      const child = startChild(join(import.meta.dir, 'engine.ts'), args, { DATA_DIR: house.dataDir })
      await child.hear('loaded', 60_000)
      return child
    },
    meter: () => meterOf(observer, ourDatabase),
    async schedule(count, callers) {
      const child = await this.start({ expect: 0 })
      child.tell({ schedule: { tenants: house.tenants.slice(0, over.tenants), count, callers } })
      return heardOnce(child, 'scheduled')
    },
    statements: () => observer.statements(ourDatabase),
  }
}

async function meterOf(observer: Observer, database: string) {
  const before = await observer.backends(database)
  return async () => usedBetween(before, await observer.backends(database))
}

export interface Library {
  queue: 'graphile-worker' | 'pg-boss' | 'bullmq'
  mode: 'default' | 'tuned'
}

/** A job library on the same PostgreSQL, in a database of its own, or on Redis. */
export function library(
  { queue, mode }: Library,
  { house, observer, redis }: { house: BenchHouse; observer: Observer; redis: Redis | null },
): Contender {
  const name = mode === 'default' ? queue : `${queue} ${mode}`
  const peersDatabase = `bench_${name.replaceAll(/\W/g, '_')}`
  const { socket, user, password } = house.owner(peersDatabase) as {
    socket: string
    user: string
    password: string
  }
  const where = {
    database: `postgresql://${user}:${encodeURIComponent(password)}@localhost/${peersDatabase}?host=${encodeURIComponent(socket)}`,
    redis: redis?.url ?? null,
    mode,
  }
  const script = join(import.meta.dir, 'peers', 'child.ts')
  const perform = async (what: object) => {
    const child = startChild(script, { queue, where, ...what })
    await child.hear('did', 60_000)
    await child.kill()
  }
  return {
    name,
    planMs: 0.25,
    async prepare() {
      if (queue === 'bullmq') {
        await flush(redis)
        return
      }
      await observer.sql.unsafe(`drop database if exists ${peersDatabase} with (force)`)
      await observer.sql.unsafe(`create database ${peersDatabase}`)
      await perform({ do: 'prepare' })
    },
    plan: (count, at) => perform({ do: 'plan', count, at: at?.toISOString() ?? null }),
    async start(args) {
      const child = startChild(script, { queue, where, do: 'work', ...args })
      await child.hear('loaded', 60_000)
      return child
    },
    async meter() {
      if (queue !== 'bullmq') return meterOf(observer, peersDatabase)
      const before = cpuOf(redis?.pid ?? 0)
      return async () => cpuOf(redis?.pid ?? 0) - before
    },
    schedule: (count, callers) =>
      heardOnce(startChild(script, { queue, where, do: 'schedule', count, callers }), 'scheduled'),
    statements: async () => (queue === 'bullmq' ? null : observer.statements(peersDatabase)),
  }
}

async function heardOnce(child: Child, key: string): Promise<number> {
  try {
    return await child.hear<number>(key, 120_000)
  } finally {
    await child.kill()
  }
}

async function flush(redis: Redis | null): Promise<void> {
  if (!redis) throw new Error('redis-server is not there')
  const client = new Bun.RedisClient(redis.url)
  await client.send('FLUSHALL', [])
  client.close()
}
