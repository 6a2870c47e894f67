import type { Actor } from '../../db/scope.ts'
import { claimJobs } from '../../jobs/claim.ts'
import { writeDue } from '../../jobs/due-row.ts'
import { holdLease } from '../../jobs/lease.ts'
import { recordOutcome } from '../../jobs/record.ts'
import type { Services } from '../../services.ts'

/**
 * Plays the worker for the one job that is due: claims and arms it, then records what an adapter says when the answer
 * is lost and the network cannot be asked. No rehearsal account does that by itself.
 */
export async function loseTheAnswer({ db }: Pick<Services, 'db'>, actor: Actor): Promise<void> {
  const [job] = await db.within(actor, async scope => {
    await scope.sql`
      select 1 from tenant_due
      where role = current_user for update`
    const { jobs } = await claimJobs(scope, 'demo', 1)
    await writeDue(scope)
    return jobs
  })
  if (!job) return
  const lease = holdLease(work => db.within(actor, work), job, 10_000)
  try {
    await lease.arm({}, job.opened?.payload)
    await db.within(actor, scope =>
      recordOutcome(
        scope,
        job,
        {
          is: 'unconfirmed',
          why: {
            code: 'cannot_look',
            message: 'It may be there: the answer was lost, and the board did not let us look.',
            next: 'Look at the board, then tell us: it is there, send it again, or give up.',
          },
        },
        [
          { at: job.runAt.toISOString(), what: 'Ready to send: written down before the call.' },
          { at: job.runAt.toISOString(), what: 'The connection ended before the answer came.' },
          {
            at: job.runAt.toISOString(),
            what: 'Looked whether it is there: the board does not let us see it.',
          },
        ],
      ),
    )
  } finally {
    lease.end()
  }
}
