/** The four processes of the app, each with a line of its own to the database that can be held up, swallowed or cut. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../peers/index.ts'
import { startProxy, type TcpProxy } from '../peers/proxy.ts'

export const root = join(import.meta.dir, '../..')
export const places = [0, 1, 2, 3] as const

export interface Process {
  name: string
  address: string
  child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  errors(): string
}

/** What is wrong with a process from its start on. */
export interface Rigged {
  /** Its clock is wrong by so many milliseconds, from `from` on (milliseconds since 1970), else from the start. */
  skew?: { ms: number; from?: number }
  /** It dies by SIGKILL where it first comes to this step of publishing. */
  crashAt?: string
  /** The file that tells it what names lead to (`names.ts`); without one it asks the system. */
  names?: string
  /** Settings beside those that all have. */
  settings?: Record<string, string>
  /** The folder of the program that it runs, where that is another version. */
  tree?: string
}

export interface Processes {
  all: Process[]
  /** The line of each to the database, in the same order. */
  lines: TcpProxy[]
  /** Starts it, with the port that it had before. @throws with its last words when it does not come up */
  start(at: number, rigged?: Rigged): Promise<void>
  /** Kills all and starts them anew. */
  startAnew(rigged?: Rigged): Promise<void>
  /** Ends it and waits for that. */
  end(at: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** Starts again those that are dead. */
  revive(): Promise<void>
  /** Which of them calls from this port, or -1. */
  callingFrom(port: number): number
  stop(): Promise<void>
}

/** @param environment of each, given the port of its line to the database */
export async function openProcesses(
  socket: string,
  environment: (port: number) => Record<string, string>,
): Promise<Processes> {
  const lines = await Promise.all(places.map(() => startProxy({ path: socket })))
  const all: Process[] = []

  const processes: Processes = {
    all,
    lines,
    async start(at, { skew, crashAt, names, settings, tree = root } = {}) {
      const port = all[at] ? new URL(all[at].address).port : String(await freePort())
      const rigged = skew || crashAt || names ? ['--preload', join(import.meta.dir, 'rigged.ts')] : []
      const child = Bun.spawn([process.execPath, '--no-env-file', ...rigged, 'src/main.ts'], {
        cwd: tree,
        env: {
          ...environment(lines[at]?.port ?? 0),
          ...settings,
          PORT: port,
          ...(skew ? { SKEW_MS: String(skew.ms), SKEW_FROM: String(skew.from ?? 0) } : {}),
          ...(crashAt ? { CRASH_AT: crashAt } : {}),
          ...(names ? { NAMES: names } : {}),
        },
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      })
      let errors = ''
      void (async () => {
        const decoder = new TextDecoder()
        for await (const part of child.stderr) errors = (errors + decoder.decode(part)).slice(-20_000)
      })()
      // Known from now on: it works, and may die, before it says that it is ready.
      all[at] = {
        name: `process ${at + 1}`,
        address: `http://localhost:${port}`,
        child,
        errors: () => errors,
      }
      const line = await child.stdout.getReader().read()
      const address = /http:\/\/[^ ]+/.exec(new TextDecoder().decode(line.value))?.[0]
      if (address || crashAt) return
      await child.exited
      // Struck down as it started, by whoever plays a fault.
      if (child.signalCode !== 'SIGKILL') throw new Error(`Process ${at + 1} did not start: ${errors}`)
    },
    async startAnew(rigged) {
      await Promise.all(
        places.map(async at => {
          await processes.end(at, 'SIGKILL')
          await processes.start(at, rigged)
        }),
      )
    },
    async end(at, signal) {
      const child = all[at]?.child
      child?.kill(signal)
      await child?.exited
    },
    async revive() {
      for (const [at, { child }] of all.entries()) if (child.signalCode !== null) await processes.start(at)
    },
    callingFrom(port) {
      const socket = socketAt(port)
      return socket === null ? -1 : all.findIndex(({ child }) => holds(child.pid, socket))
    },
    async stop() {
      for (const { child } of all) child.kill('SIGCONT')
      for (const { child } of all) child.kill('SIGKILL')
      await Promise.all(all.map(({ child }) => child.exited))
      await Promise.all(lines.map(line => line.stop()))
    },
  }
  return processes
}

/** The kernel's number of the socket at this end of a connection from 127.0.0.1, by its port. Linux tells it. */
function socketAt(port: number): string | null {
  const end = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const words = line.trim().split(/\s+/)
    if (words[1] === end && words[9] !== '0') return words[9] ?? null
  }
  return null
}

export function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).flatMap(name => {
      try {
        return [readlinkSync(join(folder, name))]
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

const holds = (pid: number, socket: string) => openFiles(pid).includes(`socket:[${socket}]`)
