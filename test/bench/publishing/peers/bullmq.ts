import { Queue as BullQueue, Worker } from 'bullmq'
import { atOnce, inCalls, type Queue, type Where } from './queue.ts'

const name = 'bench'
const connection = ({ redis }: Where) => {
  const { hostname, port } = new URL(redis ?? '')
  return { host: hostname, port: Number(port), maxRetriesPerRequest: null }
}

export const queue: Queue = {
  async prepare() {},
  async plan(where, count, at) {
    const mine = new BullQueue(name, { connection: connection(where) })
    await inCalls(count, numbers =>
      mine.addBulk(
        numbers.map(number => ({
          name,
          data: { number },
          opts: at ? { delay: Math.max(0, at.getTime() - Date.now()) } : {},
        })),
      ),
    )
    await mine.close()
  },
  async work(where, job) {
    const mine = new Worker(name, ({ data }) => job(data.number), {
      connection: connection(where),
      concurrency: atOnce,
    })
    mine.on('error', error => console.error(error))
    await mine.waitUntilReady()
  },
  async remaining(where) {
    const mine = new BullQueue(name, { connection: connection(where) })
    return async () => {
      const counts = await mine.getJobCounts('waiting', 'active', 'delayed', 'prioritized')
      return Object.values(counts).reduce((sum, count) => sum + count, 0)
    }
  },
}
