import { Elysia } from 'elysia'
import type { Services } from '../services.ts'

/** A worker that has not asked for so long is stuck, whatever else works. */
const stuckAfterMs = 15_000

/** `/healthz`: the process listens. `/readyz`: requests and due posts are served. `/metrics`: counts for Prometheus. */
export function health(services: Pick<Services, 'db' | 'lastLook' | 'metrics'>) {
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
    .get('/metrics', async () => {
      const [now] = await services.db.sql`
        select (select count(*)::int from public.tenants where state = 'active') as tenants,
          count(*)::int as due, coalesce(extract(epoch from public.clock() - min(next_due_at)), 0)::float8 as lag
        from public.tenant_due where next_due_at > '-infinity' and next_due_at <= public.clock()`
      const lastLook = services.lastLook()
      const body = services.metrics.render({
        masthead_tenants: { help: 'workspaces', value: Number(now?.tenants) },
        masthead_due_tenants: { help: 'workspaces with something due now', value: Number(now?.due) },
        masthead_due_lag_seconds: { help: 'age of the oldest due moment', value: Number(now?.lag) },
        masthead_worker_look_age_seconds: {
          help: 'since the worker last asked what is due; -1 where none runs',
          value: lastLook === null ? -1 : (Date.now() - lastLook) / 1000,
        },
      })
      return new Response(body, {
        headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
      })
    })
}

const text = (words: string, status: number) =>
  new Response(`${words}\n`, {
    status,
    headers: { 'cache-control': 'no-store', ...(status === 503 ? { 'retry-after': '5' } : {}) },
  })
