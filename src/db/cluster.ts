import type Redis from 'ioredis'
import { newId } from '../lib/id.ts'
import type { Services } from '../services.ts'
import { createMarks } from './marks.ts'
import { joinNeighbours, type Neighbours } from './neighbours.ts'
import { mostLagMs, openReplica } from './replica.ts'

/**
 * Joins the processes that work on this database: from then on hints reach the others, one of them leads, and where
 * DATABASE_READ_URL names a replica, what is only looked at is read there.
 */
export async function joinCluster(services: Services, redis: Redis | null): Promise<Neighbours> {
  const { config, db, bus, metrics, log } = services
  const id = newId().replaceAll('-', '')
  const neighbours = await joinNeighbours(db.owner, id, bus.heard, log)
  bus.connect(neighbours, id)
  services.leads = neighbours.leads
  if (config.databaseReadUrl) {
    const marks = createMarks(redis, neighbours.aloneSince, 2 * mostLagMs)
    services.replica = await openReplica(config, config.databaseReadUrl, db, marks, metrics, log)
  }
  return neighbours
}

/** Said once the process serves: what several processes without Redis do without. */
export function sayTogether({ config, log }: Pick<Services, 'config' | 'log'>, neighbours: Neighbours): void {
  if (config.redisUrl || neighbours.aloneSince() !== null) return
  const reads = config.databaseReadUrl ? ', and nothing is read from the replica' : ''
  log.warn(
    `several processes work on this database without REDIS_URL: live pages go by way of PostgreSQL, limits are counted in each process${reads}`,
  )
}
