import type { Config } from '../config.ts'
import type { Sql } from '../db/pool.ts'
import { inTime } from '../lib/in-time.ts'

export interface Finding {
  state: 'ok' | 'warn' | 'fail'
  /** What was found, without a full stop. */
  said: string
  /** What to do about it. */
  cure?: string
}

export const ok = (said: string): Finding => ({ state: 'ok', said })
export const warn = (said: string, cure: string): Finding => ({ state: 'warn', said, cure })
export const fail = (said: string, cure: string): Finding => ({ state: 'fail', said, cure })

/** What the doctor looks at. */
export interface Patient {
  config: Config
  /** The instance secret as it was found, and where; null when there is none. Nothing is made by looking. */
  secret: { value: string; from: 'MASTHEAD_SECRET' | 'file' } | null
  environment: Record<string, string | undefined>
}

/** A patient whose database answers. */
export interface Open extends Patient {
  owner: Sql
  app: Sql
  appRole: string
  embedded: boolean
}

/** Null: there is nothing to look at here. */
export interface Check<At> {
  name: string
  run(at: At): Promise<Finding | null>
}

export type Result = Finding & { name: string }

const mostMs = 15_000

/** Runs the checks one after another. None of them can break the others. */
export async function examine<At>(checks: readonly Check<At>[], at: At): Promise<Result[]> {
  const results: Result[] = []
  for (const { name, run } of checks) {
    const found = await inTime(
      run(at).catch((error: Error) =>
        fail(`it could not be looked at: ${error.message}`, 'see the log of the server'),
      ),
      mostMs,
      fail(`no answer within ${mostMs / 1000} s`, 'look whether the machine or the network is overloaded'),
    )
    if (found) results.push({ name, ...found })
  }
  return results
}
