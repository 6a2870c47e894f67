import { Elysia } from 'elysia'
import { Forbidden, Suspended, Unauthenticated } from '../errors.ts'
import { newId } from '../lib/id.ts'
import type { Services } from '../services.ts'
import { readFormBody, readJson } from './body.ts'
import { errorPage, suspendedPage } from './error-page.ts'
import { limit } from './limits.ts'
import { Moved, movedResponse } from './moved.ts'
import { clientAddress, foreignOrigin, isSecure } from './origin.ts'
import { internalProblem, problemOf, problemResponse } from './problems.ts'
import { callerOfBearer } from './session.ts'

const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])
/** What may be asked of the API without a key: signing in, and what the API is. */
const openApi = new Set(['POST /api/v1/sessions', 'GET /api/v1/openapi.json'])
const requestsAMinute = 600

interface Timed {
  id: string
  started: number
}

/**
 * What holds for every request: an id, security headers, the API's bearer check and rate limit, the pages' origin
 * check, reading the body within its limit, one error shape for each door, one log line.
 */
export function guards(services: Pick<Services, 'config' | 'counter' | 'tokens' | 'log' | 'metrics'>) {
  const { config, counter, tokens, log, metrics } = services
  const times = new WeakMap<Request, Timed>()

  return new Elysia({ name: 'guards' })
    .onRequest(async ({ request, set }) => {
      const id = newId()
      times.set(request, { id, started: performance.now() })
      set.headers['x-request-id'] = id
      set.headers['x-content-type-options'] = 'nosniff'
      set.headers['referrer-policy'] = 'same-origin'
      set.headers['cross-origin-opener-policy'] = 'same-origin'
      set.headers['content-security-policy'] = contentPolicy
      if (isSecure(config)) set.headers['strict-transport-security'] = 'max-age=31536000'
      const { pathname } = new URL(request.url)
      if (pathname.startsWith('/api/')) {
        if (openApi.has(`${request.method} ${pathname}`)) return
        const caller = await callerOfBearer(tokens, request.headers.get('authorization'))
        if (!caller) throw new Unauthenticated()
        if (config.rateLimit)
          await limit(
            counter,
            `api:${caller.credential.hash}`,
            requestsAMinute,
            60,
            'That is more than 600 requests in a minute.',
          )
        return
      }
      if (safeMethods.has(request.method)) return
      const foreign = foreignOrigin(request, config)
      if (foreign) throw new Forbidden(foreign)
    })
    .onParse({ as: 'global' }, async ({ request, contentType }) => {
      const api = new URL(request.url).pathname.startsWith('/api/')
      if (contentType === 'application/json') return (await readJson(request)) ?? null
      const type = request.headers.get('content-type') ?? ''
      if (
        contentType === 'multipart/form-data' ||
        (!api && contentType === 'application/x-www-form-urlencoded')
      )
        return readFormBody(request, type)
      return api ? ((await readJson(request)) ?? null) : null
    })
    .onTransform({ as: 'global' }, context => {
      // The framework splits "a,b" into a list before a schema sees it (elysia#1800): read the query again, plainly.
      const given = new URL(context.request.url).searchParams
      const query: Record<string, string | string[]> = {}
      for (const name of new Set(given.keys())) {
        const all = given.getAll(name).map(value => value.replaceAll('\u0000', ''))
        query[name] = all.length > 1 ? all : (all[0] ?? '')
      }
      context.query = query as typeof context.query
    })
    .onAfterResponse({ as: 'global' }, ({ request, set, responseValue }) => {
      const timed = times.get(request)
      if (!timed) return
      const status = responseValue instanceof Response ? responseValue.status : (set.status ?? 200)
      const { pathname } = new URL(request.url)
      const door = pathname.startsWith('/api/') ? 'api' : pathname.startsWith('/w/') ? 'page' : 'public'
      metrics.request(door, Number(status) || 200, (performance.now() - timed.started) / 1000)
      if (pathname.startsWith('/public/')) return
      log.info(`${request.method} ${loggable(pathname)}`, {
        status,
        ms: Math.round(performance.now() - timed.started),
        id: timed.id,
      })
    })
    .onError({ as: 'global' }, ({ error, code, request, set }) => {
      if (error instanceof Moved) return movedResponse(error, request)
      const problem =
        problemOf(error) ?? problemOf((error as Error).cause) ?? elysiaProblem(code, error) ?? internalProblem
      set.status = problem.status
      if (problem.status >= 500)
        log.error('a request failed', {
          error,
          why: (error as { why?: string }).why,
          path: loggable(new URL(request.url).pathname),
          id: times.get(request)?.id,
        })
      const { pathname } = new URL(request.url)
      if (pathname.startsWith('/api/')) return problemResponse(problem, pathname)
      return error instanceof Suspended ? suspendedPage(error) : errorPage(problem, request)
    })
}

/**
 * The path as the log may have it: the tokens of one-time links open doors, however the link was mangled, and a
 * workspace's name outlives it nowhere.
 */
const loggable = (pathname: string) =>
  pathname
    .replace(/((?:join|reset)(?:\/|%2f)+[0-9a-f-]{36}(?:\/|%2f)+).+/i, '$1…')
    .replace(/^\/(w|feed)\/[^/]+/, '/$1/…')

/** The framework's own errors, in our words. */
function elysiaProblem(code: unknown, error: unknown) {
  if (code === 'NOT_FOUND')
    return {
      status: 404,
      code: 'not_found',
      detail: 'There is nothing here, or it is not yours to see.',
      errors: [],
    }
  if (code === 'PARSE')
    return { status: 400, code: 'malformed_body', detail: 'The body could not be read.', errors: [] }
  if (code === 'VALIDATION') {
    const failed = error as { type?: string; all?: { path?: string; message?: string; summary?: string }[] }
    if (failed.type === 'response') return null
    const errors = (failed.all ?? []).flatMap(({ path, message, summary }) => {
      const at = path === 'root' ? '' : (path ?? '').replace(/^\//, '').replaceAll('/', '.')
      const unknown = /^Unrecognized keys?: (.*)$/.exec(message ?? '')?.[1]
      if (!unknown) return [{ path: at, message: message ?? summary ?? 'is not right' }]
      return unknown.split(', ').map(key => {
        const name = key.replaceAll('"', '')
        return { path: at ? `${at}.${name}` : name, message: 'is not a field here' }
      })
    })
    return { status: 422, code: 'invalid', detail: sentence(errors), errors }
  }
  return null
}

function sentence(errors: readonly { path: string; message: string }[]): string {
  const first = errors[0]
  if (!first) return 'The request cannot be taken as it is.'
  return first.path
    ? `The field "${first.path}" is not right: ${first.message}.`
    : `The request is not right: ${first.message}.`
}

export const addressOf = (
  services: Pick<Services, 'config'>,
  request: Request,
  server: { requestIP(r: Request): { address: string } | null } | null,
) => clientAddress(request, server?.requestIP(request)?.address ?? null, services.config.trustProxy)
