import { Elysia } from 'elysia'
import type { Services } from '../services.ts'
import { createGauges } from './gauges.ts'
import { createReadyChecks } from './ready-checks.ts'

/**
 * `/healthz`: the process listens. `/readyz`: requests and due posts are served. `/metrics`: counts for Prometheus.
 * All three are open: they name no workspace, person or post. A proxy may keep `/metrics` to itself.
 */
export function health(
  services: Pick<Services, 'db' | 'lastLook' | 'log' | 'metrics' | 'readiness' | 'storage' | 'streams'>,
) {
  const check = createReadyChecks(services)
  const gauges = createGauges(services)
  return new Elysia({ name: 'health' })
    .get('/healthz', () => text(['ok'], 200))
    .get('/readyz', async () => {
      if (!services.readiness.asked()) return text(['this process is stopping'], 503)
      const { failed, warnings } = await check()
      const lines = Object.entries({ ...failed, ...warnings }).map(([name, words]) => `${name}: ${words}`)
      const ready = Object.keys(failed).length === 0
      return text([ready ? 'ready' : 'not ready', ...lines], ready ? 200 : 503)
    })
    .get('/metrics', async () => {
      const { clockSkew } = await check()
      return new Response(services.metrics.render(await gauges(clockSkew)), {
        headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
      })
    })
}

const text = (lines: readonly string[], status: number) =>
  new Response(`${lines.join('\n')}\n`, {
    status,
    headers: { 'cache-control': 'no-store', ...(status === 503 ? { 'retry-after': '5' } : {}) },
  })
