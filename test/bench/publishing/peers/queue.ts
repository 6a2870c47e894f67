/** What the bench asks of a job library. */
export interface Where {
  /** The address of a PostgreSQL database of its own, for the driver `pg`. */
  database: string
  redis: string | null
  /** `default` as it is installed, with 16 jobs at once; `tuned` by its own options for throughput. */
  mode: 'default' | 'tuned'
}

export interface Queue {
  /** Makes its tables; called once on an empty store. */
  prepare(where: Where): Promise<void>
  /** Plans jobs with the numbers `from` to `from + count - 1`; `at` null means at once. */
  plan(where: Where, count: number, at: Date | null): Promise<void>
  work(where: Where, job: (number: number) => Promise<void>): Promise<void>
  /** A function that tells how many jobs are not yet recorded as done. */
  remaining(where: Where): Promise<() => Promise<number>>
  /** Plans one after the other, each beside a row of what happened; how many a second. Where it is measured. */
  schedule?(where: Where, count: number, callers: number): Promise<number>
}

/** Jobs at once, and jobs in one call when planning. */
export const atOnce = 16
export const aCall = 500

export async function inCalls(count: number, plan: (numbers: number[]) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += aCall)
    await plan(Array.from({ length: Math.min(aCall, count - from) }, (_, place) => from + place))
}
