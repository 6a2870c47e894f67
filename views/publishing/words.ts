import { outsideWindow } from '../../src/approvals/schema.ts'
import type { JobRow } from '../../src/publishing/rows.ts'
import type { Job } from '../../src/publishing/schema.ts'

/** A length of time as people say it, rounded down: `40 s`, `24 min`, `3 h`, `5 days`. */
export function span(seconds: number): string {
  const whole = Math.floor(Math.abs(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min`
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h`
  return `${Math.floor(whole / 86_400)} days`
}

/** Due work goes out within a second; so long a delay has a reason that somebody should know about. */
const graceSeconds = 30
const waiting = new Set<string>(['scheduled', 'publishing', 'held'])

/** `late by 5 min` for a job that should have gone out already, else null. */
export const lateWords = (job: Pick<JobRow, 'state' | 'inSeconds'>): string | null =>
  waiting.has(job.state) && job.inSeconds < -graceSeconds ? `late by ${span(job.inSeconds)}` : null

/** It is planned, but its account has to be connected again before it can go out. */
export const stuck = (job: Pick<JobRow, 'state' | 'account'>): boolean =>
  job.state === 'scheduled' && !job.account.works

/** The state as it is drawn: what cannot go yet shows what it waits for. */
export const drawnState = (job: Pick<JobRow, 'state' | 'account'>): JobRow['state'] | 'reconnect' =>
  stuck(job) ? 'reconnect' : job.state

const waits: Record<Exclude<NonNullable<JobRow['heldFor']>, 'late'>, string> = {
  approval: 'waits for approval',
  reconnect: 'waits for reconnect',
  brake: 'held by a brake',
}

/** What stands beside a waiting job instead of its state's name; null where the name says it best. */
export function whenWords(
  job: Pick<JobRow, 'state' | 'inSeconds' | 'heldFor' | 'account'> & Partial<Pick<JobRow, 'error'>>,
): string | null {
  const late = lateWords(job)
  if (job.state === 'held') {
    if (job.heldFor === 'late') return `its moment passed ${span(job.inSeconds)} ago`
    const misplaced = job.heldFor === 'approval' && job.error?.code === outsideWindow
    const why = misplaced ? 'outside its approved time' : waits[job.heldFor ?? 'reconnect']
    return late ? `${why}, ${late}` : why
  }
  if (stuck(job)) return late ? `reconnect first, ${late}` : 'reconnect first'
  if (late) return late
  if (job.state === 'publishing') return 'going out'
  if (job.state !== 'scheduled') return null
  return job.inSeconds > 1 ? `in ${span(job.inSeconds)}` : 'now'
}

/** The first line of a text, shortened at a word to about `length` characters. */
export function firstWords(text: string, length = 90): string {
  const line = text.trim().split('\n', 1)[0]?.trim() ?? ''
  const characters = [...line]
  if (characters.length <= length) return line
  const cut = characters.slice(0, length).join('')
  const space = cut.lastIndexOf(' ')
  return `${(space > length * 0.6 ? cut.slice(0, space) : cut).replace(/[\s,;:.–—-]+$/u, '')}…`
}

/** Minutes as people say them, exactly: `45 min`, `2 h`, `1 h 30 min`, `3 days`. */
export function minutesWords(minutes: number): string {
  if (minutes % 1440 === 0) return plural(minutes / 1440, 'day')
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60]
  return [hours > 0 && `${hours} h`, rest > 0 && `${rest} min`].filter(Boolean).join(' ')
}

/** A person said that it is there: the network never told of it, nor when it went out. */
export const saidByPerson = ({ state, attempts }: Pick<Job, 'state' | 'attempts'>): boolean =>
  state === 'published' && attempts.length > 0 && attempts.at(-1)?.outcome !== 'published'

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
