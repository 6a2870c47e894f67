import { Elysia } from 'elysia'
import type { Services } from '../services.ts'

/** A worker that has not asked for so long is stuck, whatever else works. */
const stuckAfterMs = 15_000

/** `/healthz`: the process listens. `/readyz`: requests and due posts are served. */
export function health(services: Pick<Services, 'db' | 'lastLook'>) {
  return new Elysia({ name: 'health' })
    .get('/healthz', () => text('ok', 200))
    .get('/readyz', async () => {
      const lastLook = services.lastLook()
      if (lastLook !== null && Date.now() - lastLook > stuckAfterMs)
        return text('the worker has not looked for due posts for more than 15 seconds', 503)
      try {
        await Promise.race([
          services.db.sql`select 1`,
          Bun.sleep(3_000).then(() => Promise.reject(new Error('late'))),
        ])
        return text('ready', 200)
      } catch {
        return text('the database does not answer', 503)
      }
    })
}

const text = (words: string, status: number) =>
  new Response(`${words}\n`, {
    status,
    headers: { 'cache-control': 'no-store', ...(status === 503 ? { 'retry-after': '5' } : {}) },
  })
