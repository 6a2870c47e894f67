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
  /**
   * For a line to PostgreSQL: asks at each COMMIT of a transaction that may have written, with all that was sent in it,
   * whether the line is to break there.
   */
  commits(ask: ((sent: string) => Break | null) | null): void
  /** Connections that pass and those in the black hole. */
  count(): { passing: number; swallowed: number }
  stop(): Promise<void>
}

/** Before the COMMIT reaches the server, or after the server has carried it out and before its answer is passed on. */
export interface Break {
  when: 'before' | 'after'
  /** Called at that very moment; the line is cut after it. */
  broken?(): void
}

interface Line {
  client: Socket
  server: Socket | null
  swallowed: boolean
  /** What the client has sent since its transaction began. */
  sent: string
  /** Runs out when the answer to the COMMIT comes. */
  breaking: Break | null
}

/** A simple query as the protocol sends it: the letter, its length, the text, a zero. */
const commit = 'Q\0\0\0\x0bcommit\0'
/** What the server says when it has carried it out. */
const committed = 'COMMIT\0'
/** How the app begins a transaction. */
const begin = /begin( read only)?; set local/

/** @param target where it leads: a port of this machine, or the path of a unix socket */
export function startProxy(target: NetConnectOpts): Promise<TcpProxy> {
  const lines = new Set<Line>()
  let delay = 0
  let swallowing = false
  let asked: ((sent: string) => Break | null) | null = null

  const cutLine = (line: Line) => {
    lines.delete(line)
    line.client.destroy()
    line.server?.destroy()
  }
  const strike = (line: Line, { broken }: Break) => {
    broken?.()
    cutLine(line)
  }
  /** @returns whether the data goes no further */
  const watched = (line: Line, from: Socket, data: Buffer | string): boolean => {
    if (from === line.server) {
      if (!line.breaking || !data.includes(committed)) return false
      strike(line, line.breaking)
      return true
    }
    const text = Buffer.from(data as Buffer).toString('latin1')
    const head = text.search(begin)
    line.sent = (head >= 0 ? text.slice(head) : line.sent + text).slice(-1_000_000)
    if (!text.includes(commit) || line.sent.startsWith('begin read only')) return false
    const found = asked?.(line.sent) ?? null
    if (found?.when === 'after') line.breaking = found
    else if (found) strike(line, found)
    return found?.when === 'before'
  }

  const carry = (line: Line, from: Socket, to: Socket) => {
    from.on('data', data => {
      if (line.swallowed || ((asked || line.breaking) && watched(line, from, data))) return
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
    const line: Line = { client, server: null, swallowed: swallowing, sent: '', breaking: null }
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
        commits(ask) {
          asked = ask
        },
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
