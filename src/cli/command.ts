import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type Config, readConfig } from '../config.ts'
import { type Database, openDatabase } from '../db/database.ts'
import { Refusal, Stop } from '../errors.ts'
import { createLog, type Log } from '../lib/log.ts'

/** What the operator's commands work with. Results go to stdout, everything else to stderr. */
export interface Bench {
  config: Config
  log: Log
}

export const bench = (): Bench => {
  const config = readConfig()
  return { config, log: createLog({ level: config.logLevel, json: config.production }) }
}

/** Opens the database (and migrates it, as every start does), works, and closes it. */
export async function withDatabase<T>(
  { config, log }: Bench,
  work: (db: Database) => Promise<T>,
  bringUp?: Parameters<typeof openDatabase>[2],
): Promise<T> {
  const db = await openDatabase(config, log, bringUp)
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}

export const print = (line: string): void => console.log(line)

/**
 * Runs one operator's command and ends the process: 0 when it did what was asked, 1 with one sentence on stderr when
 * it did not. `--help` anywhere prints `help`.
 *
 * @param commands by their first word; the command under `''` is the one without a word, and that under `'*'` takes any
 * other first word as its own
 */
export async function runCommand(
  help: string,
  commands: Readonly<Record<string, (args: string[]) => Promise<void>>>,
): Promise<never> {
  const [first = '', ...rest] = process.argv.slice(2)
  const all = [first, ...rest]
  try {
    if (all.includes('--help') || all.includes('-h')) {
      print(help)
      process.exit(0)
    }
    const named = Object.hasOwn(commands, first) && first !== '' ? commands[first] : undefined
    const bare = first === '' || first.startsWith('-') ? commands[''] : undefined
    const command = named ?? bare ?? commands['*']
    if (!command) {
      const known = Object.keys(commands).filter(Boolean).join(', ')
      throw new Stop(
        first
          ? `There is no command "${first}" here: use ${known}, or --help.`
          : `Say what to do: ${known}, or --help.`,
      )
    }
    await command(named ? rest : all.filter(Boolean))
    process.exit(0)
  } catch (error) {
    process.stderr.write(`${inWords(error)}\n`)
    process.exit(1)
  }
}

/** The arguments of a command. @throws Stop in words for one that is not known or lacks its value */
export function readArgs<T extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: T,
  positionals: readonly string[] = [],
) {
  const parsed = parsedWith(args, options)
  if (parsed.positionals.length > positionals.length)
    throw new Stop(`"${parsed.positionals[positionals.length]}" is one word too many; see --help.`)
  const missing = positionals[parsed.positionals.length]
  if (missing) throw new Stop(`The ${missing} is missing; see --help.`)
  return parsed
}

function parsedWith<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true })
  } catch (error) {
    if (!String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS')) throw error
    throw new Stop(`${(error as Error).message.split('. ')[0]?.replace(/\.$/, '')}; see --help.`)
  }
}

function inWords(error: unknown): string {
  if (error instanceof Refusal) {
    const [field] = error.errors
    return field && !error.message.includes(field.message)
      ? `${error.message.replace(/\.$/, '')}: ${field.path} ${field.message}.`
      : error.message
  }
  if (error instanceof Stop) return error.message
  const { message, code } = error as { message?: string; code?: string }
  return `That did not work, for a reason this command does not know: ${message ?? error}${code ? ` (${code})` : ''}.`
}
