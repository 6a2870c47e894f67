/** One library in a process of its own: `bun child.ts '{"queue":"pg-boss","do":"plan",…}'`. */
import { counted, tell, told, type WorkArgs } from '../counted.ts'
import { queue as bullmq } from './bullmq.ts'
import { queue as graphileWorker } from './graphile-worker.ts'
import { queue as pgBoss } from './pg-boss.ts'
import type { Where } from './queue.ts'

type Args = { queue: string; where: Where } & (
  | { do: 'prepare' }
  | { do: 'plan'; count: number; at: string | null }
  | { do: 'schedule'; count: number; callers: number }
  | ({ do: 'work' } & WorkArgs)
)

const queues = { 'graphile-worker': graphileWorker, 'pg-boss': pgBoss, bullmq }
const args = JSON.parse(process.argv[2] ?? '{}') as Args
const queue = queues[args.queue as keyof typeof queues]

if (args.do === 'prepare') await queue.prepare(args.where)
if (args.do === 'plan') await queue.plan(args.where, args.count, args.at === null ? null : new Date(args.at))
if (args.do === 'schedule') tell({ scheduled: await queue.schedule?.(args.where, args.count, args.callers) })
if (args.do !== 'work') {
  tell({ did: true })
  process.exit(0)
}

const { work, report } = counted(args, await queue.remaining(args.where))
tell({ loaded: true })
for await (const line of told()) {
  if (line.begin) {
    await queue.work(args.where, work)
    tell({ begun: true })
  }
  if (line.report) report()
}
