/**
 * A load balancer as people put in front of several processes: it asks each `/readyz`, sends requests in turn to those
 * that say yes, and tries nothing twice. So every request that a restart loses is seen.
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

const askEveryMs = 100

export interface Balancer {
  url: string
  /** Requests that met no answer: the connection was refused or cut, or nobody was ready. */
  failures: string[]
  /** How many requests each port answered. */
  answered: Map<number, number>
  /** Resolves once the balancer holds `port` for ready, or for not. */
  until(port: number, ready: boolean): Promise<void>
  stop(): Promise<void>
}

/** @param ports of the processes behind it, on 127.0.0.1 */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  const ready = new Set<number>()
  const failures: string[] = []
  const answered = new Map<number, number>(ports.map(port => [port, 0]))
  let next = 0
  let stopped = false

  const asking = ports.map(async port => {
    while (!stopped) {
      const yes = await fetch(`http://127.0.0.1:${port}/readyz`, {
        signal: AbortSignal.timeout(1_000),
        headers: { connection: 'close' },
      }).then(
        answer => answer.ok,
        () => false,
      )
      if (yes) ready.add(port)
      else ready.delete(port)
      await Bun.sleep(askEveryMs)
    }
  })

  function forward(message: IncomingMessage, reply: ServerResponse): void {
    const able = ports.filter(port => ready.has(port))
    const port = able[next++ % able.length]
    const failed = (why: string) => {
      failures.push(`${message.method} ${message.url} to ${port}: ${why}`)
      if (!reply.headersSent) reply.writeHead(502)
      reply.end()
    }
    if (port === undefined) {
      failed('nobody is ready')
      return
    }
    const { method, headers, url: path } = message
    const onward = request({ host: '127.0.0.1', port, method, path, headers, agent }, answer => {
      answered.set(port, (answered.get(port) ?? 0) + 1)
      reply.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(reply)
      answer.on('error', error => failed(error.message))
    })
    onward.on('error', error => failed(error.message))
    reply.on('close', () => onward.destroy())
    message.pipe(onward)
  }

  const server = createServer(forward)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('the balancer has no address')
  return {
    url: `http://127.0.0.1:${address.port}`,
    failures,
    answered,
    async until(port, wanted) {
      const limit = Date.now() + 60_000
      while (ready.has(port) !== wanted) {
        if (Date.now() > limit) throw new Error(`${port} never becomes ${wanted ? 'ready' : 'unready'}`)
        await Bun.sleep(20)
      }
    },
    async stop() {
      stopped = true
      await Promise.all(asking)
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      agent.destroy()
    },
  }
}
