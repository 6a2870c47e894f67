import { afterAll } from 'bun:test'

export interface Tally {
  /** Counts one try, and what it brought to light that it must not. @returns what was given, for an `expect` */
  tried(leaks: readonly string[]): readonly string[]
}

/** Counts attempts on the wall; `test/run.ts` adds up the lines that this prints at the end of each file. */
export function isolationTally(by: string): Tally {
  let tries = 0
  let leaked = 0
  afterAll(() => console.log(`isolation, ${by}: ${tries} tried, ${leaked} leaked`))
  return {
    tried(leaks) {
      tries++
      if (leaks.length > 0) leaked++
      return leaks
    },
  }
}
