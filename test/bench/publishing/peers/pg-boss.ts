import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { atOnce, inCalls, type Queue, type Where } from './queue.ts'

const name = 'bench'

async function boss({ database }: Where, options: object): Promise<PgBoss> {
  const mine = new PgBoss({ connectionString: database, ...options })
  mine.on('error', error => console.error(error))
  mine.on('warning', () => {})
  await mine.start()
  return mine
}

export const queue: Queue = {
  async prepare(where) {
    const mine = await boss(where, { supervise: false, schedule: false })
    await mine.createQueue(name, where.mode === 'tuned' ? { heartbeatSeconds: 10, notify: true } : {})
    await mine.stop({ graceful: false })
  },
  async plan(where, count, at) {
    const mine = await boss(where, { supervise: false, schedule: false })
    await inCalls(count, numbers =>
      mine.insert(
        name,
        numbers.map(number => ({ data: { number }, ...(at ? { startAfter: at } : {}) })),
      ),
    )
    await mine.stop({ graceful: false })
  },
  async work(where, job) {
    const tuned = where.mode === 'tuned'
    const mine = await boss(
      where,
      tuned
        ? { max: atOnce + 2, useListenNotify: true, monitorIntervalSeconds: 5, superviseIntervalSeconds: 5 }
        : {},
    )
    const options = tuned
      ? {
          batchSize: 50,
          burstWhenBatchFull: true,
          pollingIntervalSeconds: 0.5,
          notifyPollingIntervalSeconds: 0.5,
        }
      : {}
    await mine.work<{ number: number }>(name, { localConcurrency: atOnce, ...options }, async jobs => {
      for (const { data } of jobs) await job(data.number)
    })
  },
  async remaining({ database }) {
    const pool = new pg.Pool({ connectionString: database, max: 1, application_name: 'bench observer' })
    return async () =>
      Number(
        (
          await pool.query('select count(*) as jobs from pgboss.job where name = $1 and state < $2', [
            name,
            'completed',
          ])
        ).rows[0].jobs,
      )
  },
}
