/** How fast a column is added in every workspace, by the migration runner that every start uses. */
import { fanOut } from '../../../src/db/fan-out.ts'
import { type Migration, readMigrations } from '../../../src/db/migrations.ts'
import { createLog } from '../../../src/lib/log.ts'
import type { Ground } from './ground.ts'

const workers = 4

export interface FanOutFigure {
  tenants: number
  perSecond: number
  downPerSecond: number
}

export async function fanOutSpeed({ db }: Ground): Promise<FanOutFigure> {
  const migration: Migration = {
    number: readMigrations().length + 1,
    name: 'bench_add_column',
    side: 'tenant',
    up: "alter table {schema}.content add column bench text not null default 'x';",
    down: 'alter table {schema}.content drop column bench;',
    checksum: '',
  }
  const log = createLog({ level: 'silent', json: false })
  const speed = async (direction: 'up' | 'down') => {
    const began = performance.now()
    const { moved, failed } = await fanOut(db.owner, [migration], direction, log, { workers })
    if (failed.length > 0)
      throw new Error(`${failed.length} tenants could not be migrated: ${failed[0]?.reason}`)
    return { moved, perSecond: Math.round((moved / ((performance.now() - began) / 1000)) * 10) / 10 }
  }
  const up = await speed('up')
  const down = await speed('down')
  return { tenants: up.moved, perSecond: up.perSecond, downPerSecond: down.perSecond }
}
