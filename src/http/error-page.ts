import { ErrorView } from '../../views/error.tsx'
import { SuspendedPage } from '../../views/tenants/suspended.tsx'
import type { Suspended } from '../errors.ts'
import { page, seeOther } from './page.ts'
import { type Problem, titleOf } from './problems.ts'

/** An error as a page; who is not signed in is led to the sign-in and back. */
export function errorPage(problem: Problem, request: Request): Response {
  const url = new URL(request.url)
  if (problem.status === 401 && (request.method === 'GET' || request.method === 'HEAD'))
    return seeOther(`/sign-in?next=${encodeURIComponent(url.pathname + url.search)}`)
  const home = /^\/w\/[a-z0-9-]+/.exec(url.pathname)?.[0] ?? '/'
  const response = page(
    ErrorView({ status: problem.status, title: titleOf(problem.status), detail: problem.detail, home }),
    problem.status,
  )
  if (problem.retryAfter !== undefined) response.headers.set('retry-after', String(problem.retryAfter))
  return response
}

/** A workspace that serves nobody for now: why, and whom to ask. */
export const suspendedPage = (suspended: Suspended): Response => page(SuspendedPage({ suspended }), 403)
