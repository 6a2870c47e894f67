import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { type JobRow, listRows } from '../publishing/rows.ts'
import type { Finding, Forecast, JobForecast, Level } from './schema.ts'

/** What still holds: the job waits, with the same words and for the same moment. */
const holding = ({ sql }: Scope) => sql`
  from forecast_jobs f join publish_jobs j on j.id = f.job_id and j.version_id = f.version_id and j.run_at = f.run_at
    and j.state in ('scheduled', 'held') and j.run_at > public.clock()`

/** @throws NotFound before the first one */
export async function latestForecast(scope: Scope): Promise<Forecast> {
  const head = await forecastHead(scope)
  if (!head) throw new NotFound('There is no forecast yet. POST /forecasts makes one.')
  const rows = await scope.sql`
    select f.job_id, f.level, f.findings ${holding(scope)} order by j.run_at, j.id`
  return { ...head, jobs: rows.map(toJobForecast) }
}

const toJobForecast = (row: Record<string, unknown>): JobForecast => ({
  jobId: row.job_id as string,
  level: row.level as Level,
  findings: row.findings as Finding[],
})

/** The forecast without its jobs; null before the first one. */
export async function forecastHead(scope: Scope): Promise<Omit<Forecast, 'jobs'> | null> {
  const [[head], counted] = await Promise.all([
    scope.sql`select id, made_at, until from forecasts order by made_at desc limit 1`,
    scope.sql`select f.level, count(*)::int as n ${holding(scope)} group by f.level`,
  ])
  if (!head) return null
  const counts = { green: 0, amber: 0, red: 0 }
  for (const { level, n } of counted) counts[level as Level] = n as number
  return {
    id: head.id as string,
    madeAt: (head.made_at as Date).toISOString(),
    until: (head.until as Date).toISOString(),
    counts,
  }
}

/** What the forecast says about one job; null when it has not looked, or the job has changed since. */
export async function forecastOf(scope: Scope, jobId: string): Promise<JobForecast | null> {
  const [row] = await scope.sql`select f.job_id, f.level, f.findings ${holding(scope)} and j.id = ${jobId}`
  return row ? toJobForecast(row) : null
}

/** A job that needs a look, with what was found. */
export interface Warned {
  job: JobRow
  findings: Finding[]
}

/** The jobs that something was found about, red before amber, each by its moment. */
export async function warnedJobs(scope: Scope, limit: number): Promise<Warned[]> {
  const rows = await scope.sql`
    select f.job_id, f.findings ${holding(scope)} and f.level <> 'green'
    order by f.level desc, j.run_at, j.id limit ${limit}`
  const jobs = await listRows(scope, { ids: rows.map(row => row.job_id as string), limit })
  return rows.flatMap(row => {
    const job = jobs.items.find(({ id }) => id === row.job_id)
    return job ? [{ job, findings: row.findings as Finding[] }] : []
  })
}
