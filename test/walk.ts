import type { App } from '../src/app.ts'
import { newPicture, type World } from './world.ts'

export type Door = 'api' | 'page' | 'feed' | 'link' | 'open'

export interface Route {
  method: string
  path: string
  door: Door
  /** Whether the address names something of a workspace, beside the workspace itself. */
  named: boolean
  takesBody: boolean
  /** Names in the query that the route knows. */
  query: string[]
}

/** Pages of nobody's workspace. A new one has to be added here by hand, so that somebody thinks about it. */
const openPaths = new Set([
  '/',
  '/public/*',
  '/healthz',
  '/readyz',
  '/metrics',
  '/setup',
  '/sign-in',
  '/sign-in/workspace',
  '/reset',
  '/help/:platform',
  '/api/v1/openapi.json',
  '/api/v1/sessions',
])

function doorOf(path: string): Door {
  if (openPaths.has(path)) return 'open'
  if (path.startsWith('/api/v1/')) return 'api'
  if (/^\/w\/:slug(\/|$)/.test(path)) return 'page'
  if (/^\/feed\/:slug(\/|$)/.test(path)) return 'feed'
  if (/^\/[a-z]+\/:tenantId\/:token$/.test(path)) return 'link'
  throw new Error(`${path}: test/walk.ts does not know what kind of route this is. Say who may meet it.`)
}

/** Every route the app has registered. @throws for one of a kind that the walk does not know */
export function routesOf(app: App): Route[] {
  return (app.routes as { method: string; path: string; hooks?: { body?: unknown; query?: unknown } }[]).map(
    ({ method, path, hooks }) => ({
      method,
      path,
      door: doorOf(path),
      named: /:(?!slug\b|tenantId\b|platform\b)/.test(path),
      takesBody: hooks?.body !== undefined,
      query: Object.keys((hooks?.query as { shape?: object } | undefined)?.shape ?? {}),
    }),
  )
}

/** What stands for a parameter: by the part of the path before it, which is the same word at both doors. */
const fillings: Record<string, (world: World) => string> = {
  'w/:slug': world => world.slug,
  'feed/:slug': world => world.slug,
  'join/:tenantId': world => world.tenantId,
  'reset/:tenantId': world => world.tenantId,
  'users/:id': world => world.user,
  'people/:id': world => world.user,
  'invitations/:id': world => world.invitation,
  'api-keys/:id': world => world.key,
  'keys/:id': world => world.key,
  'sessions/:id': world => world.session,
  'accounts/:id': world => world.account,
  'connect/:platform': () => 'rehearsal',
  'help/:platform': () => 'mastodon',
  'media/:id': world => world.media,
  'content/:id': world => world.content,
  'versions/:number': () => '1',
  'publish-jobs/:id': world => world.job,
  'posts/:jobId': world => world.published,
  'recurrences/:id': world => world.recurrence,
  'skips/:occurrence': world => encodeURIComponent(world.occurrence),
  'slots/:id': world => world.slot,
  'workflows/:id': world => world.workflow,
  'runs/:id': world => world.run,
  'notifications/:id': world => world.notification,
  'webhooks/:id': world => world.webhook,
  'deliveries/:id': world => world.delivery,
  'exports/:id': world => world.export,
  'brakes/:id': world => world.brake,
}

/** Where another thing of the same kind is meant: what is in review, what is published. */
const special: Record<string, (world: World) => string> = {
  '/content/:id/submission DELETE': world => world.submitted,
  '/content/:id/submission/removal POST': world => world.submitted,
  '/content/:id/approval POST': world => world.submitted,
  '/content/:id/change-request POST': world => world.submitted,
  '/publish-jobs/:id/resolution POST': world => world.unsure,
  '/publish-jobs/:id/receipt GET': world => world.published,
}

/**
 * The route's address with the ids of `world` in it.
 * @throws for a parameter that the walk has nothing for: a new kind of thing needs a line in `fillings`
 */
export function fill(route: Pick<Route, 'method' | 'path'>, world: World, token = world.inviteToken): string {
  const bare = route.path.replace(/^\/(api\/v1|w\/:slug)/, '')
  const parts = route.path.split('/')
  return parts
    .map((part, at) => {
      if (part === '*') return 'css/index.css'
      if (!part.startsWith(':')) return part
      if (part === ':token') return parts[1] === 'reset' ? world.resetToken : token
      if (part === ':id' && special[`${bare} ${route.method}`])
        return special[`${bare} ${route.method}`]?.(world)
      const filling = fillings[`${parts[at - 1]}/${part}`]
      if (!filling)
        throw new Error(
          `${route.method} ${route.path}: test/walk.ts has no id for "${parts[at - 1]}/${part}"`,
        )
      return filling(world)
    })
    .join('/')
    .concat(wanted[route.path] ?? '')
}

/** What a route cannot be asked without. */
const wanted: Record<string, string> = { '/api/v1/calendar': '?from=2026-11-01&to=2026-12-31' }

const tomorrow = () => new Date(Date.now() + 2 * 86_400_000).toISOString()
const localTime = () => ({ local: tomorrow().slice(0, 16), zone: 'Europe/Berlin' })

/** A body that the route takes, naming things of `world`; by method and path below the door. */
const bodies: Record<string, (world: World) => unknown> = {
  'POST /sessions': world => ({
    workspace: world.slug,
    email: 'nobody@example.com',
    password: 'none of these',
  }),
  'PATCH /workspace': () => ({ name: 'Taken over' }),
  'PATCH /me/mail': () => ({ notifications: false }),
  'PATCH /me/channels': () => ({ mail: ['failed'] }),
  'POST /workspace/address': world => ({ slug: world.slug }),
  'POST /workspace/exports': () => ({ passphrase: 'a passphrase of the walk' }),
  'POST /workspace/erasure': world => ({ confirm: world.slug }),
  'POST /api-keys': () => ({ name: 'a key' }),
  'PATCH /users/:id': () => ({ role: 'reviewer' }),
  'POST /invitations': () => ({ email: 'somebody@example.com', role: 'author' }),
  'POST /accounts': () => ({ platform: 'rehearsal', settings: {} }),
  'PATCH /accounts/:id': () => ({ name: 'Taken over' }),
  'POST /media': () => ({ file: newPicture, alt: 'a cup' }),
  'PATCH /media/:id': () => ({ alt: 'Taken over' }),
  'POST /media/generations': () => ({ graph: 'plain', colour: '#1e6b52', width: 64, height: 64 }),
  'POST /content': world => ({ text: 'mine now', media: [world.media] }),
  'PATCH /content/:id': () => ({ text: 'Taken over' }),
  'POST /content/:id/comments': () => ({ text: 'Taken over' }),
  'POST /content/:id/approval': () => ({}),
  'POST /content/:id/change-request': () => ({ note: 'Taken over' }),
  'POST /content/:id/publish-jobs': world => ({ accounts: [world.account], at: tomorrow() }),
  'POST /content/:id/recurrences': world => ({
    accounts: [world.account],
    rule: 'FREQ=WEEKLY',
    start: localTime(),
  }),
  'POST /recurrences/:id/skips': world => ({ occurrence: world.occurrence }),
  'POST /recurrences/:id/successor': world => ({ from: world.occurrence, rule: 'FREQ=DAILY' }),
  'POST /slots': world => ({ account: world.account, weekdays: [2], local: '10:00' }),
  'POST /brakes': world => ({ scope: 'account', value: world.account, reason: 'of the walk' }),
  'PATCH /publish-jobs/:id': () => ({ at: tomorrow() }),
  'POST /publish-jobs/:id/resolution': () => ({ as: 'abandon' }),
  'POST /webhooks': () => ({ url: 'https://hooks.example.com/a' }),
  'PATCH /webhooks/:id': () => ({ events: ['comment.created'] }),
  'POST /workflows': () => ({ name: 'a flow', path: 'masthead' }),
  'PATCH /workflows/:id': () => ({ name: 'Taken over' }),
  'POST /workflows/:id/runs': () => ({ input: { n: 1 } }),
}

/** The same for the pages' forms. */
const forms: Record<string, (world: World) => Record<string, unknown>> = {
  '/people/invitations': () => ({ email: 'somebody-else@example.com', role: 'author' }),
  '/people/:id/role': () => ({ role: 'reviewer' }),
  '/settings/workspace': () => ({ name: 'Taken over', zone: 'Europe/Berlin', lateMinutes: '60' }),
  '/brakes': world => ({ scope: 'account', account: world.account, reason: 'of the walk' }),
  '/settings/mail': () => ({ notifications: '' }),
  '/settings/notifications': () => ({ mail: 'failed', zone: 'Europe/Berlin' }),
  '/settings/webhooks': () => ({ url: 'https://hooks.example.com/a' }),
  '/settings/webhooks/:id': () => ({ url: 'https://hooks.example.com/a' }),
  '/settings/webhooks/:id/active': () => ({ active: '' }),
  '/settings/password': () => ({ currentPassword: 'not this one', password: 'another quiet desk somewhere' }),
  '/settings/keys': () => ({ name: 'a key' }),
  '/workspace/address': world => ({ slug: world.slug }),
  '/workspace/exports': () => ({
    passphrase: 'a passphrase of the walk',
    passphraseAgain: 'a passphrase of the walk',
  }),
  '/workspace/erasure': world => ({ confirm: world.slug }),
  '/content/:id': world => ({ text: 'Taken over', media: world.media }),
  '/content/:id/comments': () => ({ text: 'Taken over' }),
  '/content/:id/submission': () => ({ text: 'Taken over' }),
  '/content/:id/publish-jobs': world => ({
    text: 'Taken over',
    accounts: world.account,
    when: 'at',
    ...localTime(),
  }),
  '/content/:id/pictures': () => ({ text: 'Taken over', _pictures: newPicture }),
  '/content/:id/arrangement': world => ({ text: 'Taken over', media: world.media }),
  '/content/:id/draft': world => ({ text: 'Taken over', media: world.media }),
  '/content/:id/change-request': () => ({ note: 'Taken over' }),
  '/publish-jobs/:id/time': localTime,
  '/publish-jobs/:id/resolution': () => ({ as: 'abandon' }),
  '/calendar/moves': world => ({ job: world.job, date: tomorrow().slice(0, 10) }),
  '/workflows': () => ({ name: 'a flow', path: 'masthead' }),
  '/workflows/:id': () => ({ name: 'Taken over' }),
  '/workflows/:id/active': () => ({ active: '' }),
  '/media': () => ({ file: newPicture }),
  '/media/generate': () => ({ model: '', size: 'square', colour: '#1e6b52' }),
  '/media/:id': () => ({ alt: 'Taken over' }),
  '/accounts/:id/name': () => ({ name: 'Taken over' }),
  '/accounts/:id/slots': () => ({ weekdays: '2', local: '10:00' }),
  '/recurrences/:id/skips': world => ({ occurrence: world.occurrence }),
  '/recurrences/:id/skips/removal': world => ({ occurrence: world.occurrence }),
  '/recurrences/:id/successor': world => ({ from: world.occurrence, every: 'day', time: '10:00' }),
  '/accounts/:id/reconnection': () => ({}),
}

const below = (path: string) => path.replace(/^\/(api\/v1|w\/:slug)/, '')

/** A plausible body for an API route, or undefined; files become multipart. */
export async function bodyFor(route: Route, world: World): Promise<unknown> {
  const given = bodies[`${route.method} ${below(route.path)}`]?.(world)
  if (given === undefined && route.takesBody)
    throw new Error(`${route.method} ${route.path}: test/walk.ts has no body for this route`)
  if (typeof (given as { file?: unknown } | undefined)?.file !== 'function') return given
  return multipart(given as Record<string, unknown>)
}

/** A plausible form for a page's POST. */
export async function formFor(
  route: Route,
  world: World,
): Promise<Record<string, string> | FormData | undefined> {
  if (route.method === 'GET') return undefined
  const given = forms[below(route.path)]?.(world) ?? {}
  return Object.values(given).some(value => typeof value === 'function')
    ? multipart(given)
    : (given as Record<string, string>)
}

async function multipart(given: Record<string, unknown>): Promise<FormData> {
  const data = new FormData()
  for (const [name, value] of Object.entries(given))
    data.append(name, typeof value === 'function' ? await (value as () => Promise<File>)() : String(value))
  return data
}
