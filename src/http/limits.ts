import type Redis from 'ioredis'
import { TooMany } from '../errors.ts'

/** Counts happenings in fixed windows; in Redis when there is one, so that several processes share the count. */
export interface Counter {
  /** Adds one and returns the count in the current window and the seconds until it ends. */
  add(name: string, windowSeconds: number): Promise<{ count: number; secondsLeft: number }>
  forget(name: string): Promise<void>
}

export function memoryCounter(): Counter {
  const windows = new Map<string, { count: number; ends: number }>()
  const sweep = () => {
    const now = Date.now()
    for (const [name, window] of windows) if (window.ends <= now) windows.delete(name)
  }
  return {
    async add(name, windowSeconds) {
      if (windows.size > 20_000) sweep()
      const now = Date.now()
      const open = windows.get(name)
      const window = open && open.ends > now ? open : { count: 0, ends: now + windowSeconds * 1000 }
      window.count++
      windows.set(name, window)
      return { count: window.count, secondsLeft: Math.ceil((window.ends - now) / 1000) }
    },
    async forget(name) {
      windows.delete(name)
    },
  }
}

/** Falls back to counting in memory while Redis does not answer: a limit that is per process beats none. */
export function redisCounter(redis: Redis): Counter {
  const fallback = memoryCounter()
  return {
    async add(name, windowSeconds) {
      try {
        const key = `masthead:count:${name}`
        const answers = await redis.multi().incr(key).expire(key, windowSeconds, 'NX').ttl(key).exec()
        const [count, , left] = (answers ?? []).map(([error, value]) => (error ? null : Number(value)))
        if (count === null || count === undefined) throw new Error('no count')
        return { count, secondsLeft: Math.max(1, left ?? windowSeconds) }
      } catch {
        return fallback.add(name, windowSeconds)
      }
    },
    async forget(name) {
      await fallback.forget(name)
      await redis.del(`masthead:count:${name}`).catch(() => 0)
    },
  }
}

/** @throws TooMany with the seconds to wait when `name` has happened more than `most` times in the window. */
export async function limit(
  counter: Counter,
  name: string,
  most: number,
  windowSeconds: number,
  words: string,
): Promise<void> {
  const { count, secondsLeft } = await counter.add(name, windowSeconds)
  if (count > most) throw new TooMany(`${words} Try again in ${inWords(secondsLeft)}.`, secondsLeft)
}

const inWords = (seconds: number) =>
  seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`
