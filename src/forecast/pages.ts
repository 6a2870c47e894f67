import { Elysia } from 'elysia'
import { ForecastPage } from '../../views/forecast/page.tsx'
import type { Desk } from '../http/desk.ts'
import { allow, may } from '../permissions.ts'
import type { Services } from '../services.ts'
import { readFacts } from './facts.ts'
import { forecastHead, warnedJobs } from './find.ts'
import { rehearse, saveForecast } from './forecast.ts'

/** So many jobs are listed; more than that is one cause with many jobs. */
const mostListed = 200

/** The forecast's page, and looking again. */
export function forecastPages(
  services: Pick<Services, 'db' | 'outbound' | 'storage' | 'config' | 'log'>,
  desk: Desk,
) {
  return new Elysia()
    .get('/w/:slug/forecast', ctx =>
      desk.show(ctx, async (scope, frame) => {
        const [head, warned] = await Promise.all([forecastHead(scope), warnedJobs(scope, mostListed)])
        return ForecastPage({ frame, head, warned, maySchedule: may(scope.actor, 'jobs.schedule') })
      }),
    )
    .post('/w/:slug/forecast', async ctx => {
      const facts = await desk.write(ctx, async scope => {
        allow(scope, 'jobs.schedule')
        return readFacts(scope)
      })
      const rehearsed = await rehearse(services, facts)
      const { counts } = await desk.write(ctx, scope => saveForecast(scope, rehearsed, false))
      const bad = counts.red + counts.amber
      return desk.go(
        ctx,
        '/forecast',
        bad === 0 ? 'Looked at everything: nothing stands in the way.' : 'Looked at everything again.',
        bad === 0 ? 'good' : 'info',
      )
    })
}
