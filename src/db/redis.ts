import Redis from 'ioredis'
import type { Log } from '../lib/log.ts'

/** Redis is optional and holds nothing that cannot be lost: counts only. Commands fail fast while it is away. */
export function openRedis(url: string, log: Log): Redis {
  const redis = new Redis(url, { enableOfflineQueue: false, commandTimeout: 1000, maxRetriesPerRequest: 1 })
  let said = false
  redis.on('error', error => {
    if (said) return
    said = true
    log.warn('Redis does not answer; limits are counted in this process meanwhile', { error })
  })
  redis.on('ready', () => {
    said = false
  })
  return redis
}
