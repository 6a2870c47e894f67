/** What a rehearsal of the next seven days says about a job. */
export const levels = ['green', 'amber', 'red'] as const
export type Level = (typeof levels)[number]

/** What stands in a job's way, or might. */
export interface Finding {
  level: 'amber' | 'red'
  /** Stable; what a program decides by. */
  code: string
  /** The reason, in a sentence. */
  reason: string
  /** What to do about it. */
  cure: string
  /** Where that is done, below the workspace's own address; null where there is nothing to do. */
  path: string | null
}

export interface JobForecast {
  jobId: string
  level: Level
  findings: Finding[]
}

/** The newest rehearsal. Jobs that have changed since are not among `jobs`: nothing is known about them. */
export interface Forecast {
  id: string
  madeAt: string
  /** It has looked at every job that is planned before this moment. */
  until: string
  counts: Record<Level, number>
  jobs: JobForecast[]
}

/** So far ahead it looks. */
export const forecastDays = 7

export const worst = (findings: readonly Pick<Finding, 'level'>[]): Level =>
  findings.some(({ level }) => level === 'red') ? 'red' : findings.length > 0 ? 'amber' : 'green'
