import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import pg from 'pg'
import { atOnce, inCalls, type Queue } from './queue.ts'

const logger = new Logger(() => () => {})
const utils = (connectionString: string) => makeWorkerUtils({ connectionString, logger })

export const queue: Queue = {
  async prepare({ database }) {
    const mine = await utils(database)
    await mine.migrate()
    await mine.release()
  },
  async plan({ database }, count, at) {
    const mine = await utils(database)
    await inCalls(count, numbers =>
      mine.addJobs(
        numbers.map(number => ({ identifier: 'bench', payload: { number }, ...(at ? { runAt: at } : {}) })),
      ),
    )
    await mine.release()
  },
  async work({ database, mode }, job) {
    await run({
      preset: {
        worker: {
          connectionString: database,
          logger,
          concurrentJobs: atOnce,
          maxPoolSize: atOnce + 1,
          ...(mode === 'tuned'
            ? {
                localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
                completeJobBatchDelay: 0,
                failJobBatchDelay: 0,
              }
            : {}),
        },
      },
      taskList: { bench: payload => job((payload as { number: number }).number) },
    })
  },
  async remaining({ database }) {
    const pool = new pg.Pool({ connectionString: database, max: 1, application_name: 'bench observer' })
    return async () =>
      Number((await pool.query('select count(*) as jobs from graphile_worker._private_jobs')).rows[0].jobs)
  },
  async schedule({ database }, count, callers) {
    const pool = new pg.Pool({ connectionString: database, max: callers })
    await pool.query(
      'create table happened (id uuid primary key default gen_random_uuid(), type text, data jsonb, at timestamptz default now())',
    )
    let next = 0
    const caller = async () => {
      while (next++ < count) {
        const client = await pool.connect()
        await client.query('begin')
        const added = await client.query(
          "select id from graphile_worker.add_job('later', $1::json, run_at := now() + interval '30 days')",
          [JSON.stringify({ number: next })],
        )
        await client.query('insert into happened (type, data) values ($1, $2)', [
          'job.added',
          { id: added.rows[0].id },
        ])
        await client.query('commit')
        client.release()
      }
    }
    const began = performance.now()
    await Promise.all(Array.from({ length: callers }, caller))
    return count / ((performance.now() - began) / 1000)
  },
}
