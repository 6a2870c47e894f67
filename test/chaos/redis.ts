/** A real Redis for the rig, behind a line that can be held up, swallowed or cut. */
import Redis from 'ioredis'
import { startRedis } from '../peers/index.ts'
import { startProxy, type TcpProxy } from '../peers/proxy.ts'

export interface RedisLine {
  url: string
  line: TcpProxy
  /** Forgets everything it holds. */
  flush(): Promise<void>
  stop(): Promise<void>
}

export async function startRedisLine(): Promise<RedisLine> {
  const redis = await startRedis()
  const line = await startProxy({ host: '127.0.0.1', port: redis.port })
  return {
    url: `redis://127.0.0.1:${line.port}`,
    line,
    async flush() {
      const client = new Redis(redis.url)
      await client.flushall()
      client.disconnect()
    },
    async stop() {
      await line.stop()
      await redis.stop()
    },
  }
}
