import { Cron } from 'croner'
import type { Log } from '../lib/log.ts'
import type { Schedule } from './crontab.ts'

/** Runs the crontab. A tick that finds the last one still running is skipped; a failing one is logged, never fatal. */
export function startScheduler(schedules: readonly Schedule[], log: Log): { stop(): void } {
  const jobs = schedules.map(
    schedule =>
      new Cron(
        schedule.pattern,
        {
          timezone: 'UTC',
          protect: true,
          unref: true,
          catch: error => log.error('a scheduled job failed', { schedule: schedule.name, error }),
        },
        () => schedule.run(),
      ),
  )
  return {
    stop() {
      for (const job of jobs) job.stop()
    },
  }
}
