import type Redis from 'ioredis'

/** How far back a position is needed: a replica that is further behind is not read from at all. */
const keptSeconds = 60
const mostInMemory = 20_000

/**
 * Up to where each tenant has written: a position in the primary's log. A replica that has replayed it shows
 * everything that anybody wrote there, so nobody misses their own words or looks behind a hint.
 */
export interface Marks {
  /** Never fails: what cannot be told to other processes is known to this one. */
  raise(tenantId: string, position: bigint): Promise<void>
  /** 0 when nothing was written lately; null when this process cannot know. */
  read(tenantId: string): Promise<bigint | null>
}

/**
 * In this process's memory while it is the only one, and in Redis when there are several: nowhere else can one know
 * what another wrote. After a change (a process left, Redis came back, the start) nothing is known until whatever was
 * written before it is either replayed or the replica is left out.
 *
 * @param aloneSince since when this process has been the only one; null while it is not
 * @param settleMs longer than the lag up to which a replica is read from
 */
export function createMarks(redis: Redis | null, aloneSince: () => number | null, settleMs: number): Marks {
  const own = new Map<string, bigint>()
  /** The highest position that was taken out of `own`: it holds for all that are not there. */
  let floor = 0n
  let redisSince: number | null = redis?.status === 'ready' ? Date.now() : null
  redis?.on('ready', () => {
    redisSince = Date.now()
  })
  redis?.on('close', () => {
    redisSince = null
  })
  const settled = (since: number | null) => since !== null && Date.now() - since >= settleMs

  function raiseOwn(tenantId: string, position: bigint): void {
    const known = own.get(tenantId) ?? 0n
    own.delete(tenantId)
    own.set(tenantId, known > position ? known : position)
    if (own.size <= mostInMemory) return
    const [oldest, lowest] = own.entries().next().value as [string, bigint]
    own.delete(oldest)
    if (lowest > floor) floor = lowest
  }

  return {
    async raise(tenantId, position) {
      raiseOwn(tenantId, position)
      if (!redis) return
      const key = keyOf(tenantId)
      // A sorted set keeps the greater of two numbers by itself; positions are exact in it up to 2^53 bytes of log.
      await redis
        .multi()
        .zadd(key, 'GT', Number(position), 'written')
        .expire(key, keptSeconds)
        .exec()
        .catch(() => {
          // Others cannot read it there either, and read from the primary for a while after Redis is back.
          redisSince = Date.now()
        })
    },
    async read(tenantId) {
      const mine = own.get(tenantId) ?? floor
      if (settled(aloneSince())) return mine
      if (!redis || !settled(redisSince)) return null
      try {
        const theirs = BigInt((await redis.zscore(keyOf(tenantId), 'written')) ?? 0)
        return theirs > mine ? theirs : mine
      } catch {
        return null
      }
    },
  }
}

const keyOf = (tenantId: string) => `masthead:written:${tenantId}`
