import { randomInt } from 'node:crypto'
import type Redis from 'ioredis'
import type { Config } from './config.ts'
import { createBus } from './db/bus.ts'
import { openDatabase } from './db/database.ts'
import { openRedis } from './db/redis.ts'
import { memoryCounter, redisCounter } from './http/limits.ts'
import { createReadiness } from './http/readiness.ts'
import { createTokens } from './http/session.ts'
import { createStreams } from './http/streams.ts'
import { createOutbound } from './lib/fetch.ts'
import { createLog } from './lib/log.ts'
import { createMetrics } from './lib/metrics.ts'
import { openMailer } from './mail/check.ts'
import { mediaFiles } from './media/files.ts'
import type { Services } from './services.ts'
import { openStorage } from './storage/open.ts'

/** Opens everything the settings name. @throws Stop in words */
export async function openServices(config: Config): Promise<{
  services: Services
  redis: Redis | null
  close(): Promise<void>
}> {
  const log = createLog({ level: config.logLevel, json: config.production })
  const storage = openStorage(config)
  const db = await openDatabase(config, log)
  const redis = config.redisUrl ? openRedis(config.redisUrl, log) : null
  const metrics = createMetrics()
  const bus = createBus(redis, log)
  const services: Services = {
    config,
    db,
    log,
    counter: redis ? redisCounter(redis) : memoryCounter(),
    tokens: createTokens(config.secret),
    outbound: createOutbound({ allow: config.outboundAllow }),
    storage,
    files: mediaFiles(storage),
    mailer: openMailer(config),
    metrics,
    replica: null,
    bus,
    streams: createStreams(db, bus, log),
    readiness: createReadiness(),
    leads: async () => true,
    lastLook: () => null,
    setupCode: Array.from({ length: 8 }, () => randomInt(10)).join(''),
  }
  db.afterCommit = async (tenantId, hints) => {
    await services.replica?.wrote(tenantId)
    bus.publish(hints)
  }
  bus.subscribe({
    hints(hints) {
      for (const { type, tenantId } of hints) if (type === 'tenant.changed') db.forgetTenant(tenantId)
    },
    // What is remembered of a tenant is asked for again soon enough.
    missed() {},
  })
  return {
    services,
    redis,
    async close() {
      await services.replica?.close()
      await bus.close()
      redis?.disconnect()
      await db.close()
    },
  }
}
