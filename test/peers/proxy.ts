/** A TCP proxy that a test puts before a server, to hold the line up, swallow it or cut it. */
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net'

export interface TcpProxy {
  port: number
  /** Milliseconds that every piece of data is held back from now on, each way. */
  latency(ms: number): void
  /**
   * The connections there are turn into black holes: nothing passes any more, and no end is told to either side. What
   * connects later passes, or, with `all`, is taken and left without an answer until `pass`.
   */
  swallow(which: 'existing' | 'all'): void
  /** New connections pass again. What was swallowed stays so. */
  pass(): void
  /** Ends every connection there is, at once. */
  cut(): void
  /** Connections that pass and those in the black hole. */
  count(): { passing: number; swallowed: number }
  stop(): Promise<void>
}

interface Line {
  client: Socket
  server: Socket | null
  swallowed: boolean
}

/** @param target where it leads: a port of this machine, or the path of a unix socket */
export function startProxy(target: NetConnectOpts): Promise<TcpProxy> {
  const lines = new Set<Line>()
  let delay = 0
  let swallowing = false

  const carry = (line: Line, from: Socket, to: Socket) => {
    from.on('data', data => {
      if (line.swallowed) return
      if (delay === 0) to.write(data)
      else setTimeout(() => line.swallowed || to.destroyed || to.write(data), delay)
    })
    from.on('close', () => {
      if (line.swallowed) return
      lines.delete(line)
      if (delay === 0) to.destroy()
      else setTimeout(() => to.destroy(), delay)
    })
    from.on('error', () => {})
  }

  const server = createServer(client => {
    const line: Line = { client, server: null, swallowed: swallowing }
    lines.add(line)
    if (line.swallowed) {
      client.on('error', () => {})
      client.resume()
      return
    }
    const onward = connect(target)
    line.server = onward
    carry(line, client, onward)
    carry(line, onward, client)
  })

  const cut = () => {
    for (const { client, server: onward } of lines) {
      client.destroy()
      onward?.destroy()
    }
    lines.clear()
  }

  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') return reject(new Error('no port was given'))
      resolve({
        port: address.port,
        latency(ms) {
          delay = ms
        },
        swallow(which) {
          swallowing = which === 'all'
          for (const line of lines) line.swallowed = true
        },
        pass() {
          swallowing = false
        },
        cut,
        count() {
          const swallowed = [...lines].filter(line => line.swallowed).length
          return { passing: lines.size - swallowed, swallowed }
        },
        stop() {
          cut()
          return new Promise(done => server.close(() => done()))
        },
      })
    })
  })
}
