import type { Scope } from '../db/scope.ts'
import { readJob } from '../publishing/find.ts'
import { moveJob } from '../publishing/moves.ts'
import type { Job } from '../publishing/schema.ts'
import { readWorkspace } from '../team/workspace.ts'
import { addDays, dateIn, daysBetween } from './days.ts'
import type { DayMove } from './schema.ts'

/**
 * Moves a job to another day of the workspace's calendar. It keeps its time of day in its own zone.
 * @throws NotFound, Conflict once it has begun, Invalid when that time is past, skipped or doubled on that day
 */
export async function moveToDay(scope: Scope, { job: id, date }: DayMove): Promise<Job> {
  const job = await readJob(scope, id)
  const { zone } = await readWorkspace(scope)
  const [day = '', time = ''] = job.local.split('T')
  const days = daysBetween(dateIn(new Date(job.runAt), zone), date)
  return moveJob(scope, id, { at: { local: `${addDays(day, days)}T${time}`, zone: job.zone } })
}
