import type { Scope } from '../db/scope.ts'
import { readFacts } from '../forecast/facts.ts'
import { rehearse, saveForecast } from '../forecast/forecast.ts'
import { wallTime } from '../lib/time.ts'
import type { Services } from '../services.ts'
import { readWorkspace } from '../team/workspace.ts'

/** On the wall of the workspace: early enough to mend what is red before the day begins. */
const nightHour = 5
/** When a process dies over it, another takes it up after this. */
const againMinutes = 15

/** The nightly forecast of a tenant. One that has never had one gets its first the coming night. */
export async function forecastTenant(
  services: Pick<Services, 'db' | 'outbound' | 'storage' | 'config' | 'log'>,
  tenantId: string,
): Promise<void> {
  const actor = { tenantId, userId: null, role: 'system' } as const
  const { within } = services.db
  const facts = await within(actor, async scope => ((await claimNight(scope)) ? readFacts(scope) : null))
  if (!facts) return
  const rehearsed = await rehearse(services, facts)
  await within(actor, async scope => {
    await saveForecast(scope, rehearsed, true)
    await planNight(scope)
  })
}

/** @returns whether this is the one that does it tonight */
async function claimNight(scope: Scope): Promise<boolean> {
  const [due] = await scope.sql`
    select forecast_due_at from tenant_due where role = current_user for update`
  if (!due) return false
  if (due.forecast_due_at === null) {
    await planNight(scope)
    return false
  }
  const claimed = await scope.sql`
    update tenant_due set forecast_due_at = public.clock() + ${againMinutes} * interval '1 minute'
    where role = current_user and forecast_due_at <= public.clock() returning role`
  return claimed.length > 0
}

/** The next time that the clock on the workspace's wall strikes the hour. */
async function planNight(scope: Scope): Promise<void> {
  const [{ zone }, [clock]] = await Promise.all([
    readWorkspace(scope),
    scope.sql`select public.clock() as now`,
  ])
  const now = wallTime(clock?.now as Date, zone)
  const night = now.withPlainTime({ hour: nightHour })
  const next = Temporal.ZonedDateTime.compare(night, now) > 0 ? night : night.add({ days: 1 })
  await scope.sql`
    update tenant_due set forecast_due_at = ${new Date(next.epochMilliseconds)} where role = current_user`
}
