/**
 * Starting and stopping the child processes that play the outside world in the tests. A child never outlives the
 * test process, and a child that does not come up says why with its own last words.
 */
import { createServer } from 'node:net'

export interface Child {
  pid: number
  /** Everything the child has printed so far, newest 20,000 characters. */
  output(): string
  /** SIGTERM, then SIGKILL after 5 s; resolves when the process is gone. */
  stop(): Promise<void>
}

export interface ChildOptions {
  name: string
  command: string[]
  cwd?: string
  env?: Record<string, string | undefined>
  /** Called every 25 ms; true ends the waiting. What it throws counts as "not yet". */
  ready: (output: string) => boolean | Promise<boolean>
  /** Default 30,000. */
  readyWithinMs?: number
}

const children = new Set<Bun.Subprocess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGTERM')
})

/** A port of 127.0.0.1 that was free a moment ago; callers retry when somebody else was quicker. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address
          ? resolve(address.port)
          : reject(new Error('no port was given')),
      )
    })
  })
}

/** True when something accepts TCP connections at 127.0.0.1:`port`. */
export async function answersTcp(port: number): Promise<boolean> {
  const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } })
  socket.end()
  return true
}

/** Starts a child and resolves once it is ready. Throws with the child's last output when it dies or takes too long. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, command, cwd, env, ready, readyWithinMs = 30_000 } = options
  const child = Bun.spawn(command, {
    ...(cwd ? { cwd } : {}),
    env: { ...process.env, ...env },
    // A child that watches its standard input ends with us even when we are killed.
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  children.add(child)
  let output = ''
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      output = (output + decoder.decode(chunk, { stream: true })).slice(-20_000)
    }
  }
  const reading = Promise.all([collect(child.stdout), collect(child.stderr)])
  void child.exited.then(() => children.delete(child))

  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await child.exited
      clearTimeout(timer)
    }
    await reading
  }
  const deadline = Date.now() + readyWithinMs
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      await reading
      throw new Error(
        `${name} ended with ${child.exitCode ?? child.signalCode} instead of starting:\n${output.slice(-2_000)}`,
      )
    }
    if (await Promise.resolve(ready(output)).catch(() => false)) break
    if (Date.now() > deadline) {
      await stop()
      throw new Error(`${name} did not become ready within ${readyWithinMs} ms:\n${output.slice(-2_000)}`)
    }
    await Bun.sleep(25)
  }
  return { pid: child.pid, output: () => output, stop }
}

/** Tries `start` with fresh ports up to three times: between finding a free port and using it, another process may take it. */
export async function withFreshPort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort())
    } catch (error) {
      if (attempt === 3 || !/address already in use|EADDRINUSE/i.test(String(error))) throw error
    }
  }
}
