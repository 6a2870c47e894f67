import { collectCounts } from '../analytics/collect.ts'
import type { Services } from '../services.ts'
import { eraseDue } from '../tenants/erase.ts'
import { removeOldExports } from '../tenants/exports.ts'
import { dropFormerKeys } from '../tenants/former-keys.ts'
import { groundOf } from '../tenants/ground.ts'
import { snapshotAll } from '../tenants/snapshots.ts'
import { sweepTenant } from './sweep.ts'
import type { Worker } from './worker.ts'

export interface Schedule {
  name: string
  /** Seconds first, in UTC. */
  pattern: string
  run(): Promise<void> | void
}

/** Every schedule of the process on one screen. */
export function crontab(services: Services, worker: Worker): Schedule[] {
  /** In one of the processes on this database alone. */
  const eachTenant = (work: (tenantId: string) => Promise<void>) => async () => {
    if (!(await services.leads())) return
    const tenants = await services.db.sql`select id from public.tenants where state = 'active' order by id`
    for (const { id } of tenants)
      await work(id as string).catch(error =>
        services.log.error('a scheduled job failed for a workspace', { tenant: id, error }),
      )
  }
  return [
    { name: 'look for due posts', pattern: '* * * * * *', run: () => worker.wake() },
    {
      name: 'fetch counts of published posts',
      pattern: '0 */10 * * * *',
      run: eachTenant(id => collectCounts(services, id)),
    },
    {
      name: 'remove former keys',
      pattern: '0 47 * * * *',
      run: async () => void (await dropFormerKeys(services.db, services.storage)),
    },
    { name: 'erase what is to be erased', pattern: '30 * * * * *', run: () => eraseDue(services) },
    {
      name: 'remove old exports',
      pattern: '0 23 * * * *',
      run: async () => void (await removeOldExports(services.storage)),
    },
    {
      name: 'take snapshots',
      pattern: '0 40 3 * * *',
      run: async () => void (await snapshotAll(groundOf(services), services.log)),
    },
    { name: 'sweep', pattern: '0 17 * * * *', run: eachTenant(id => sweepTenant(services, id)) },
  ]
}
