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

const codeOf = (error: unknown): string => (error as { code?: string } | null)?.code ?? ''

/** A database that cannot be reached as `Unavailable`; anything else as it is. */
export function reachable(error: unknown): unknown {
  if (error instanceof Refusal) return error
  const code = codeOf(error)
  return connectionCodes.has(code) || code.startsWith('08') ? new Unavailable() : error
}

/** The failure of a scope in words: a tenant that is gone is `NotFound`, an unreachable database `Unavailable`. */
export function inWords(error: unknown): unknown {
  if (!(error instanceof Refusal) && goneCodes.has(codeOf(error))) return new NotFound()
  return reachable(error)
}
