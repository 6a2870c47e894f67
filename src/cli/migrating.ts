import type { FailedTenant } from '../db/fan-out.ts'
import { defaultWorkers, type Migrated, migrate } from '../db/migrate.ts'
import { Stop } from '../errors.ts'
import { type Bench, withDatabase } from './command.ts'
import { type Progress, progress } from './progress.ts'

export interface Timed extends Migrated {
  seconds: number
}

/** Applies what is pending with a progress bar. @throws Stop when the files do not fit the database */
export async function migrateShown(at: Bench, workers: number): Promise<Timed> {
  let result: Timed | undefined
  await withDatabase(
    at,
    async () => {},
    async (owner, appRole, log) => {
      result = await shown('migrating', onProgress => migrate(owner, appRole, log, { workers, onProgress }))
    },
  )
  return result as Timed
}

/** Shows a progress bar while tenants are moved, and takes the time. */
export async function shown(
  what: string,
  work: (onProgress: (done: number, total: number) => void) => Promise<Migrated>,
): Promise<Timed> {
  const started = performance.now()
  let bar: Progress | undefined
  let of = 0
  const result = await work((done, total) => {
    if (!bar || total !== of) {
      bar?.end()
      bar = progress(what, total, 'workspaces')
      of = total
    }
    bar.at(done)
  })
  bar?.end()
  return { ...result, seconds: (performance.now() - started) / 1000 }
}

/** `Moved 1,000 workspaces in 12.3 s (81/s).` */
export const moveLine = ({ moved, seconds }: Timed): string =>
  `Moved ${moved.toLocaleString('en')} ${moved === 1 ? 'workspace' : 'workspaces'} in ${seconds.toFixed(1)} s (${Math.round(moved / seconds)}/s).`

/** One sentence about the workspaces that failed, the first three by name. */
export function failureWords(failed: readonly FailedTenant[], again: string): string {
  const named = failed
    .slice(0, 3)
    .map(({ slug, migration, reason }) => `${slug} at ${migration} (${reason.trim().replace(/\.$/, '')})`)
  const others = failed.length > 3 ? ` and ${failed.length - 3} more (see bun run tenant list)` : ''
  return `${failed.length} ${failed.length === 1 ? 'workspace' : 'workspaces'} could not be moved: ${named.join(', ')}${others}. The others are done; mend it and run "${again}" again.`
}

export function readWorkers(given: string | undefined): number {
  if (given === undefined) return defaultWorkers
  const workers = Number(given)
  if (!/^\d{1,2}$/.test(given) || workers < 1 || workers > 32)
    throw new Stop('Say how many workspaces at once: --workers 1 to 32.')
  return workers
}
