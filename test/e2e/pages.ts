import { createApp } from '../../src/app.ts'
import type { LiveDesk } from './desk.ts'

/** What no person looks at: health, files, feeds for programs, and the parts that a page asks for by itself. */
const noPages = new Set([
  '/public/*',
  '/healthz',
  '/readyz',
  '/metrics',
  '/w/:slug/live',
  '/w/:slug/media/:id/file',
  '/w/:slug/workspace/exports/:id/file',
  '/w/:slug/publish-jobs/:id/status',
  '/w/:slug/runs/:id/progress',
  '/feed/:slug/media/:id',
  '/feed/:slug/rss.xml',
  '/feed/:slug/atom.xml',
  '/feed/:slug/feed.json',
])

/** The patterns of every page that the app has. */
export function pageRoutes({ running }: LiveDesk): string[] {
  return createApp(running.services)
    .routes.filter(({ method, path }) => method === 'GET' && !path.startsWith('/api/') && !noPages.has(path))
    .map(({ path }) => path)
}

/** Everything that the one workspace of `desk` holds, one id for every state it can be in. */
async function idsOf({ running: { services } }: LiveDesk) {
  const { db } = services
  const [tenant] = await db.sql`select id, slug from public.tenants`
  const tenantId = tenant?.id as string
  return db.within({ tenantId, userId: null, role: 'system' }, async ({ sql }) => {
    const list = async (rows: PromiseLike<readonly Record<string, unknown>[]>) =>
      (await rows).map(row => row.id as string)
    return {
      tenantId,
      slug: tenant?.slug as string,
      content: await list(sql`select distinct on (state) id from content order by state, id desc`),
      jobs: await list(
        sql`select distinct on (state, account_id) id from publish_jobs order by state, account_id, id desc`,
      ),
      out: await list(
        sql`select j.id from publish_jobs j join social_accounts a on a.id = j.account_id
          where j.state = 'published' and a.platform = 'feed' order by j.id desc limit 3`,
      ),
      accounts: await list(sql`select id from social_accounts where removed_at is null order by id`),
      workflows: await list(sql`select id from workflows order by id`),
      recurrences: await list(sql`select distinct on (state) id from recurrences order by state, id desc`),
      webhooks: await list(sql`select id from webhooks order by id`),
      runs: await list(sql`select distinct on (kind, state) id from workflow_runs order by kind, state`),
    }
  })
}

/**
 * The addresses of every page, by its pattern: each kind of thing that the workspace holds once.
 * @param links paths of an open invitation and of a link for a new password
 */
export async function pagesOf(
  desk: LiveDesk,
  links: { join: string; reset: string },
): Promise<Record<string, string[]>> {
  const ids = await idsOf(desk)
  const at = `/w/${ids.slug}`
  const under = (path: string, all: readonly string[], rest = '') =>
    all.map(id => `${at}${path}/${id}${rest}`)
  return {
    '/': ['/'],
    '/sign-in': ['/sign-in', '/sign-in?left'],
    // Closed once there is a workspace: its page is one of the error pages then.
    '/setup': ['/setup'],
    '/reset': ['/reset'],
    '/help/:platform': ['/help/mastodon'],
    '/join/:tenantId/:token': [links.join, `/join/${ids.tenantId}/none`],
    '/reset/:tenantId/:token': [links.reset, `/reset/${ids.tenantId}/none`],
    '/w/:slug': [at],
    '/w/:slug/people': [`${at}/people`],
    '/w/:slug/settings': [`${at}/settings`],
    '/w/:slug/settings/mail': [`${at}/settings/mail`, `${at}/settings/mail?state=failed`],
    '/w/:slug/settings/notifications': [`${at}/settings/notifications`],
    '/w/:slug/settings/webhooks': [`${at}/settings/webhooks`],
    '/w/:slug/settings/webhooks/:id': under('/settings/webhooks', ids.webhooks),
    '/w/:slug/brakes': [`${at}/brakes`],
    '/w/:slug/workspace': [`${at}/workspace`],
    '/w/:slug/content': [`${at}/content`, `${at}/content?state=archived`],
    '/w/:slug/content/:id': [`${at}/content/new`, ...under('/content', ids.content)],
    '/w/:slug/content/:id/versions': under('/content', ids.content.slice(0, 2), '/versions'),
    '/w/:slug/review': [`${at}/review`],
    '/w/:slug/publish-jobs': [`${at}/publish-jobs`],
    '/w/:slug/publish-jobs/:id': under('/publish-jobs', ids.jobs),
    '/w/:slug/publish-jobs/:id/receipt': under('/publish-jobs', ids.out, '/receipt'),
    '/w/:slug/calendar': [`${at}/calendar`, `${at}/calendar?view=list`],
    '/w/:slug/forecast': [`${at}/forecast`],
    '/w/:slug/recurrences': [`${at}/recurrences`],
    '/w/:slug/recurrences/:id': under('/recurrences', ids.recurrences),
    '/w/:slug/notifications': [`${at}/notifications`],
    '/w/:slug/workflows': [`${at}/workflows`],
    '/w/:slug/workflows/:id': under('/workflows', ids.workflows),
    '/w/:slug/media/generate': [`${at}/media/generate`, `${at}/media/generate?kind=card`],
    '/w/:slug/runs/:id': under('/runs', ids.runs),
    '/w/:slug/accounts': [`${at}/accounts`],
    '/w/:slug/accounts/connect/:platform': ['rehearsal', 'webhook', 'mastodon', 'bluesky'].map(
      platform => `${at}/accounts/connect/${platform}`,
    ),
    '/w/:slug/accounts/:id': under('/accounts', ids.accounts),
    '/w/:slug/media': [`${at}/media`],
    '/feed/:slug': [`/feed/${ids.slug}`],
    '/feed/:slug/posts/:jobId': [...ids.out, ids.tenantId].map(id => `/feed/${ids.slug}/posts/${id}`),
  }
}

/** Does `work` for each of `all`, as many at once as there are `hands`. */
export async function shared<Hand, One>(
  hands: readonly Hand[],
  all: readonly One[],
  work: (hand: Hand, one: One) => Promise<void>,
): Promise<void> {
  const left = [...all]
  await Promise.all(
    hands.map(async hand => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await work(hand, one)
    }),
  )
}
