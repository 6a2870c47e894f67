import { type FieldError, Refusal } from '../errors.ts'

/** The one place where refusals get their HTTP status. */
const statusOf: Record<string, number> = {
  malformed_body: 400,
  bad_cursor: 400,
  unauthenticated: 401,
  forbidden: 403,
  suspended: 403,
  not_found: 404,
  conflict: 409,
  job_in_flight: 409,
  too_large: 413,
  invalid: 422,
  time_in_past: 422,
  outside_window: 422,
  time_does_not_exist: 422,
  time_happens_twice: 422,
  unknown_zone: 422,
  connection_failed: 422,
  idempotency_key_reused: 422,
  too_many: 429,
  unavailable: 503,
  storage_full: 507,
}

export interface Problem {
  status: number
  code: string
  detail: string
  errors: readonly FieldError[]
  retryAfter?: number
}

/** What the outside is told; null for an error that is ours (logged, and told as 500 without its words). */
export function problemOf(error: unknown): Problem | null {
  if (!(error instanceof Refusal)) return null
  const problem: Problem = {
    status: statusOf[error.code] ?? 500,
    code: error.code,
    detail: error.message,
    errors: error.errors,
  }
  const { retryAfterSeconds } = error as { retryAfterSeconds?: number }
  if (retryAfterSeconds !== undefined) problem.retryAfter = retryAfterSeconds
  return problem
}

export const internalProblem: Problem = {
  status: 500,
  code: 'internal',
  detail: 'Something went wrong on our side. It has been written down; try again in a moment.',
  errors: [],
}

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Conflict',
  413: 'Too large',
  422: 'Cannot be taken',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Unavailable',
  507: 'Storage full',
}

export const titleOf = (status: number): string => titles[status] ?? 'Error'

/** RFC 9457 problem+json. */
export function problemResponse(problem: Problem, instance: string): Response {
  const body = {
    type: 'about:blank',
    title: titleOf(problem.status),
    status: problem.status,
    code: problem.code,
    detail: problem.detail,
    instance,
    ...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
  }
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  }
  if (problem.retryAfter !== undefined) headers['retry-after'] = String(problem.retryAfter)
  return new Response(JSON.stringify(body), { status: problem.status, headers })
}
