import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { allow } from '../permissions.ts'
import type { Services } from '../services.ts'
import { readFacts } from './facts.ts'
import { latestForecast } from './find.ts'
import { rehearse, saveForecast } from './forecast.ts'

export function forecastApi(
  services: Pick<Services, 'db' | 'outbound' | 'storage' | 'config' | 'log'>,
  api: ApiDoor,
) {
  const tags = ['forecast']
  return new Elysia()
    .post(
      '/forecasts',
      async context => {
        const facts = await api.enter(context, async scope => {
          allow(scope, 'jobs.schedule')
          return readFacts(scope)
        })
        const rehearsed = await rehearse(services, facts)
        return api.write(context, scope => saveForecast(scope, rehearsed, false), 201)
      },
      {
        detail: {
          summary: 'Rehearse every job of the next seven days, without sending any',
          description:
            'Asks each account’s platform whether the account still works; a webhook gets a signed ping. The new forecast takes the place of the one before.',
          tags,
        },
      },
    )
    .get('/forecasts/latest', context => api.read(context, latestForecast), {
      detail: {
        summary: 'The newest forecast: green, amber or red for each job, with reason and cure',
        description: 'A job that has changed since the forecast was made is not among them.',
        tags,
      },
    })
}
