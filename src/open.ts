import { randomInt } from 'node:crypto'
import type { Config } from './config.ts'
import { openDatabase } from './db/database.ts'
import { openRedis } from './db/redis.ts'
import { memoryCounter, redisCounter } from './http/limits.ts'
import { createTokens } from './http/session.ts'
import { createOutbound } from './lib/fetch.ts'
import { createLog } from './lib/log.ts'
import { createMetrics } from './lib/metrics.ts'
import { diskFiles } from './media/files.ts'
import type { Services } from './services.ts'
import { diskStorage } from './storage/disk.ts'

/** Opens everything the settings name. @throws Stop in words */
export async function openServices(config: Config): Promise<{ services: Services; close(): Promise<void> }> {
  const log = createLog({ level: config.logLevel, json: config.production })
  const db = await openDatabase(config, log)
  const redis = config.redisUrl ? openRedis(config.redisUrl, log) : null
  const services: Services = {
    config,
    db,
    log,
    counter: redis ? redisCounter(redis) : memoryCounter(),
    tokens: createTokens(config.secret),
    outbound: createOutbound({ allow: config.outboundAllow }),
    files: diskFiles(config.dataDir),
    storage: diskStorage(config.dataDir),
    metrics: createMetrics(),
    lastLook: () => null,
    setupCode: Array.from({ length: 8 }, () => randomInt(10)).join(''),
  }
  return {
    services,
    async close() {
      redis?.disconnect()
      await db.close()
    },
  }
}
