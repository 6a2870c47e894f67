import { collectCounts } from '../analytics/collect.ts'
import { oldestServedLevel } from '../db/migrations.ts'
import type { Services } from '../services.ts'
import { eraseDue } from '../tenants/erase.ts'
import { removeOldExports } from '../tenants/exports.ts'
import { dropFormerKeys } from '../tenants/former-keys.ts'
import { groundOf } from '../tenants/ground.ts'
import { snapshotAll } from '../tenants/snapshots.ts'
import { forecastTenant } from './forecasts.ts'
import { readBackDue } from './read-back.ts'
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
  /** For the tenants that `due` names, in one of the processes on this database alone. */
  const forTenants =
    (due: () => Promise<readonly Record<string, unknown>[]>, work: (tenantId: string) => Promise<void>) =>
    async () => {
      if (!(await services.leads())) return
      for (const { tenant_id } of await due())
        await work(tenant_id as string).catch(error =>
          services.log.error('a scheduled job failed for a workspace', { tenant: tenant_id, error }),
        )
    }
  const { sql } = services.db
  const dueBy = (moment: 'counts_due_at' | 'read_back_due_at') => sql`
    select d.tenant_id from public.tenant_due d join public.tenants t on t.id = d.tenant_id
    where d.${sql(moment)} <= public.clock() and t.state = 'active' and t.schema_version >= ${oldestServedLevel}
    order by d.${sql(moment)}`
  return [
    { name: 'look for due posts', pattern: '* * * * * *', run: () => worker.wake() },
    {
      name: 'fetch counts of published posts',
      pattern: '0 */10 * * * *',
      run: forTenants(
        () => dueBy('counts_due_at'),
        id => collectCounts(services, id),
      ),
    },
    {
      name: 'read published posts back',
      pattern: '*/10 * * * * *',
      run: forTenants(
        () => dueBy('read_back_due_at'),
        id => readBackDue(services, id),
      ),
    },
    {
      // Each tenant at five in the morning of its own zone; those that share one take turns, a hundred a minute.
      name: 'forecast the next seven days',
      pattern: '43 * * * * *',
      run: forTenants(
        () => sql`
          select d.tenant_id from public.tenant_due d join public.tenants t on t.id = d.tenant_id
          where (d.forecast_due_at is null or d.forecast_due_at <= public.clock()) and t.state = 'active'
            and t.schema_version >= ${oldestServedLevel}
          order by d.forecast_due_at nulls first limit 100`,
        id => forecastTenant(services, id),
      ),
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
    {
      // Each tenant once a day, a hundred a minute: thousands of them are not visited all at once.
      name: 'sweep',
      pattern: '17 * * * * *',
      run: forTenants(
        () => sql`
          select d.tenant_id from public.tenant_due d join public.tenants t on t.id = d.tenant_id
          where d.swept_at < public.clock() - interval '1 day' and t.state = 'active'
            and t.schema_version >= ${oldestServedLevel}
          order by d.swept_at limit 100`,
        id => sweepTenant(services, id),
      ),
    },
  ]
}
