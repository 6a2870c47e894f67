import { NotFound, Refusal, Unavailable } from '../errors.ts'

/** What PostgreSQL says when the tenant's role or schema is gone: 22023 unknown role, 3F000 schema. */
const goneCodes = new Set(['22023', '3F000'])
/** The driver's own codes and those of a server that ends, starts, is full or gave a statement up. */
const connectionCodes = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  '57P01',
  '57P02',
  '57P03',
  '57014',
  '25P03',
  '25P04',
  '53300',
])

/** Two transactions that cannot both be: PostgreSQL has undone one of them whole. 40P01 deadlock, 40001 serialization. */
const collisionCodes = new Set(['40P01', '40001'])
const collided =
  'Somebody else was changing the same thing at this very moment, and nothing of yours was done. Try again.'

/** The code that an error carries, as the driver's and the system's do; '' where there is none. */
export const codeOf = (error: unknown): string => (error as { code?: string } | null)?.code ?? ''

/** A database that cannot be reached as `Unavailable`; anything else as it is. */
export function reachable(error: unknown): unknown {
  if (error instanceof Refusal) return error
  const code = codeOf(error)
  return connectionCodes.has(code) || code.startsWith('08') ? new Unavailable() : error
}

/**
 * The failure of a scope in words: a tenant that is gone is `NotFound`, an unreachable database `Unavailable`, and so is
 * one that undid the scope because it met another; what the server said is the cause of that.
 */
export function inWords(error: unknown): unknown {
  if (error instanceof Refusal) return error
  const code = codeOf(error)
  if (goneCodes.has(code)) return new NotFound()
  return collisionCodes.has(code) ? new Unavailable(collided, 1, error) : reachable(error)
}
