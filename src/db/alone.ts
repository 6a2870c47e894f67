import type { Sql } from './pool.ts'

/**
 * Works while no other process does the same: a lock of the database's that ends with the process, whatever becomes of
 * it. The transaction that holds it does nothing else: it keeps no row and no view of the data from anybody.
 * @param what is locked, e.g. `tenant <id>`
 * @returns null when somebody else is at it
 */
export async function alone<T>(
  owner: Sql,
  what: string,
  work: () => Promise<T>,
): Promise<{ result: T } | null> {
  return owner
    .begin(async tx => {
      const [lock] =
        await tx`select pg_try_advisory_xact_lock(hashtextextended(${`masthead ${what}`}, 0)) as mine`
      return lock?.mine ? { result: await work() } : null
    })
    .then(done => done as { result: T } | null)
}
