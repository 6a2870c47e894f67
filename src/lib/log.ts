import { stderr } from 'node:process'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
type Fields = { error?: unknown; [name: string]: unknown }

const order: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 }
const colour = { debug: 90, info: 36, warn: 33, error: 31 } as const

export interface Log {
  debug(what: string, fields?: Fields): void
  info(what: string, fields?: Fields): void
  warn(what: string, fields?: Fields): void
  error(what: string, fields?: Fields): void
}

/** Line breaks and control characters in a value would let it forge further lines. */
const clean = (value: string) => value.replace(/[\p{Cc}\u2028\u2029]/gu, ' ').slice(0, 500)

function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const codes = [error, error.cause].flatMap(one => (one as { code?: unknown } | undefined)?.code ?? [])
  return `${error.name}: ${error.message}${codes.length > 0 ? ` (${codes.join(', ')})` : ''}`
}

/**
 * One line an event on stderr: JSON in production, readable in a terminal. Callers pass ids and numbers, never a
 * token, a password or a post's text.
 */
export function createLog(options: { level: LogLevel; json: boolean }): Log {
  const write = (level: Exclude<LogLevel, 'silent'>, what: string, fields: Fields = {}) => {
    if (order[level] < order[options.level]) return
    const { error, ...rest } = fields
    const all: Fields = error === undefined ? rest : { ...rest, error: words(error) }
    const said = Object.entries(all).filter(([, value]) => value !== undefined && value !== null)
    const shown = said.map(([key, value]) => [key, typeof value === 'string' ? clean(value) : value] as const)
    const time = new Date().toISOString()
    if (options.json) {
      stderr.write(`${JSON.stringify({ time, level, what: clean(what), ...Object.fromEntries(shown) })}\n`)
      return
    }
    const tail = shown.map(([key, value]) => ` \x1b[90m${key}=\x1b[0m${value}`).join('')
    stderr.write(`\x1b[90m${time.slice(11, 23)}\x1b[0m \x1b[${colour[level]}m${clean(what)}\x1b[0m${tail}\n`)
    if (level === 'error' && error instanceof Error && options.level === 'debug')
      stderr.write(`${error.stack}\n`)
  }
  return {
    debug: (what, fields) => write('debug', what, fields),
    info: (what, fields) => write('info', what, fields),
    warn: (what, fields) => write('warn', what, fields),
    error: (what, fields) => write('error', what, fields),
  }
}
