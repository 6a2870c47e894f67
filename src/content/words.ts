import type { Job } from '../publishing/schema.ts'

const many = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`

/**
 * What to say after a schedule: `Planned for Tue, 24 Nov 2026, 09:00 (Europe/Berlin) on 3 accounts.`
 * @param now it was not planned for a moment, but is to go out at once
 */
export function plannedWords(jobs: readonly Job[], now: boolean): string {
  const [first] = jobs
  if (!first) return 'Nothing was planned.'
  const on = many(jobs.length, 'account')
  const time = Temporal.PlainDateTime.from(first.local).toLocaleString('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  })
  const held = jobs.filter(job => job.state === 'held').length
  const waits =
    held === 0
      ? ''
      : held === jobs.length
        ? ' It is held for now: “Where it goes” says why.'
        : ` ${held} of them held for now.`
  if (now && held === jobs.length) return `It goes out on ${on} as soon as nothing holds it.`
  return `${now ? 'It goes out now' : `Planned for ${time} (${first.zone})`} on ${on}.${waits}`
}
