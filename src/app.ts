import { Elysia } from 'elysia'
import { accountsApi } from './accounts/api.ts'
import { accountsPages } from './accounts/pages.ts'
import { analyticsApi } from './analytics/api.ts'
import { countPublished } from './analytics/listen.ts'
import { approvalsApi } from './approvals/api.ts'
import { approvalsPages } from './approvals/pages.ts'
import { authApi } from './auth/api.ts'
import { authPages } from './auth/pages.ts'
import { resetPages } from './auth/reset-pages.ts'
import { brakesApi } from './brakes/api.ts'
import { brakesPages } from './brakes/pages.ts'
import { calendarApi } from './calendar/api.ts'
import { calendarPages } from './calendar/pages.ts'
import { contentApi } from './content/api.ts'
import { composerPages } from './content/composer-pages.ts'
import { contentPages } from './content/pages.ts'
import { deliveriesApi } from './deliveries/api.ts'
import { each, listen } from './events.ts'
import { feedPages } from './feed/pages.ts'
import { forecastApi } from './forecast/api.ts'
import { forgetFindings } from './forecast/listen.ts'
import { forecastPages } from './forecast/pages.ts'
import { createApiDoor } from './http/api-door.ts'
import { assets } from './http/assets.ts'
import { uploadLimit } from './http/body.ts'
import { createDesk } from './http/desk.ts'
import { guards } from './http/guards.ts'
import { health } from './http/health.ts'
import { liveApi, livePages } from './http/live.ts'
import { openApi } from './http/openapi.ts'
import { mailApi } from './mail/api.ts'
import { mailPages } from './mail/pages.ts'
import { mediaApi } from './media/api.ts'
import { mediaPages } from './media/pages.ts'
import { notificationsApi } from './notifications/api.ts'
import { notify } from './notifications/listen.ts'
import { notificationsPages } from './notifications/pages.ts'
import { publishingApi } from './publishing/api.ts'
import { helpPages } from './publishing/help-pages.ts'
import { followContent } from './publishing/listen.ts'
import { publishingPages } from './publishing/pages.ts'
import { planReadBacks } from './publishing/read-backs.ts'
import { recurrencesApi } from './recurrences/api.ts'
import { stopWithContent } from './recurrences/listen.ts'
import { recurrencesPages } from './recurrences/pages.ts'
import type { Services } from './services.ts'
import { slotsApi } from './slots/api.ts'
import { slotsPages } from './slots/pages.ts'
import { teamApi } from './team/api.ts'
import { joinPages } from './team/join-pages.ts'
import { peoplePages } from './team/pages.ts'
import { settingsPages } from './team/settings-pages.ts'
import { setupPages } from './team/setup-pages.ts'
import { workspaceApi } from './tenants/api.ts'
import { workspacePages } from './tenants/pages.ts'
import { webhooksApi } from './webhooks/api.ts'
import { tellWebhooks } from './webhooks/listen.ts'
import { webhookPages } from './webhooks/pages.ts'
import { workflowsApi } from './workflows/api.ts'
import { startWorkflows } from './workflows/listen.ts'
import { workflowPages } from './workflows/pages.ts'
import { runPages } from './workflows/run-pages.ts'

/** The table of contents: one line a noun, in the order in which they may import each other. */
export function createApp(services: Services) {
  const api = createApiDoor(services)
  const desk = createDesk(services)
  listen('analytics', countPublished)
  // Before publishing, which locks jobs: a rule is locked before its jobs.
  listen('recurrences', each(stopWithContent))
  listen('publishing', each(followContent))
  listen('read-backs', planReadBacks)
  listen('forecast', forgetFindings)
  listen('notifications', notify(services.config))
  listen('workflows', startWorkflows)
  listen('webhooks', tellWebhooks)
  const app = new Elysia({ serve: { reusePort: false, maxRequestBodySize: uploadLimit + 1024 * 1024 } })
    .use(guards(services))
    .use(assets())
    .use(health(services))
    .use(authPages(services, createDesk(services, 'everybody')))
    .use(livePages(services))
    .use(resetPages(services))
    .use(setupPages(services))
    .use(joinPages(services))
    .use(helpPages())
    .use(peoplePages(services, desk))
    .use(settingsPages(services, desk))
    .use(mailPages(services, desk))
    .use(webhookPages(services, desk))
    .use(workspacePages(services, createDesk(services, 'owners')))
    .use(contentPages(services, desk))
    .use(composerPages(services, desk))
    .use(approvalsPages(services, desk))
    .use(publishingPages(desk))
    .use(slotsPages(desk))
    .use(recurrencesPages(desk))
    .use(brakesPages(desk))
    .use(forecastPages(services, desk))
    .use(calendarPages(desk))
    .use(notificationsPages(services, desk))
    .use(workflowPages(services, desk))
    .use(runPages(services, desk))
    .use(accountsPages(services, desk))
    .use(mediaPages(services, desk))
    .use(feedPages(services))
    .group('/api/v1', v1 =>
      v1
        .use(liveApi(services))
        .use(authApi(services, api))
        .use(teamApi(services, api))
        .use(workspaceApi(services, createApiDoor(services, 'owners')))
        .use(accountsApi(services, api))
        .use(mediaApi(services, api))
        .use(contentApi(api))
        .use(approvalsApi(api))
        .use(publishingApi(api))
        .use(slotsApi(api))
        .use(recurrencesApi(api))
        .use(brakesApi(api))
        .use(forecastApi(services, api))
        .use(calendarApi(api))
        .use(analyticsApi(api))
        .use(notificationsApi(api))
        .use(mailApi(api))
        .use(deliveriesApi(api))
        .use(webhooksApi(services, api))
        .use(workflowsApi(services, api)),
    )
  return app.get('/api/v1/openapi.json', () => Response.json(openApi(app)))
}

export type App = ReturnType<typeof createApp>
