/** What an attempt's end comes to, by what was tried before. */
import type { Failure, Outcome } from '../platforms/platform.ts'

/** A post is tried at most so often, and for so long after its first try; then it has failed. */
const mostTries = 8
export const longestHours = 24
const backoffSeconds = [5, 30, 120, 600, 1800, 3600, 7200]

/** How an attempt can end: as the adapter says, or unsent because it is not what was approved. */
export type Ending = Outcome | { is: 'unsealed'; why: Failure }
/** Every end but the common one. */
export type Unpublished = Exclude<Ending, { is: 'published' }>

/**
 * A retry that has been tried enough is a failure; a look that never tells anything is a question for a person, and so is
 * a failure of what may have gone out before.
 */
export function settle(
  outcome: Unpublished,
  tries: number,
  longTried: boolean,
  perhaps: boolean,
): Unpublished {
  if (outcome.is === 'processing' && longTried) return { is: 'unconfirmed', why: neverTold }
  if (outcome.is === 'unsealed' && perhaps) return { is: 'unconfirmed', why: perhapsThere(outcome.why) }
  const enough = outcome.is === 'retry' && (tries >= mostTries || longTried)
  if (!enough && outcome.is !== 'rejected') return outcome
  const { why } = outcome
  const message = enough ? `${why.message} It was tried ${tries} times.` : why.message
  if (perhaps) return { is: 'unconfirmed', why: perhapsThere({ ...why, message }) }
  if (!enough) return outcome
  return { is: 'rejected', why: { ...why, message, next: 'Try again from here when the cause is gone.' } }
}

const perhapsThere = (why: Failure): Failure => ({
  ...why,
  message: `${why.message} An earlier try may have gone out.`,
  next: 'Look at the account, then tell us: it is there, send it again, or give up.',
})

const neverTold: Failure = {
  code: 'never_told',
  message: 'The platform took the post a day ago and has not said what became of it.',
  next: 'Look at the account, then tell us: it is there, send it again, or give up.',
}

/** Milliseconds until the next try, with up to a fifth of jitter. */
export function backoff(tries: number): number {
  const seconds = backoffSeconds[Math.min(tries, backoffSeconds.length) - 1] ?? 5
  return seconds * 1000 * (1 + Math.random() / 5)
}
