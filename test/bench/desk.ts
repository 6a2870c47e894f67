/** A real Masthead process of the bench's own, and one workspace in it to ask. */
import { join } from 'node:path'

const root = join(import.meta.dir, '../..')
export const password = 'a bench in the north wind'

export interface RunningApp {
  address: string
  pid: number
  /** Milliseconds from the start of the process to the first `ready` of /readyz. */
  startedIn: number
  stop(): Promise<void>
}

const environment = (dataDir: string): Record<string, string> => ({
  // Neither a .env file nor the caller's own settings: a bench measures its own database only.
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  DATA_DIR: dataDir,
  PORT: '0',
  HOST: '127.0.0.1',
  RATE_LIMIT: 'off',
  LOG_LEVEL: 'warn',
  NODE_ENV: 'production',
})

const bun = (dataDir: string, args: string[]) =>
  Bun.spawn([process.execPath, '--no-env-file', ...args], {
    cwd: root,
    env: environment(dataDir),
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })

/** Starts the app as `bun run start` does, on a free port. */
export async function startApp(dataDir: string): Promise<RunningApp> {
  const began = performance.now()
  const child = bun(dataDir, ['src/main.ts'])
  const address = await firstAddress(child.stdout)
  while ((await fetch(`${address}/readyz`)).status !== 200) await Bun.sleep(5)
  return {
    address,
    pid: child.pid,
    startedIn: Math.round(performance.now() - began),
    async stop() {
      child.kill('SIGTERM')
      await child.exited
    },
  }
}

/** Runs one of the operator's commands. @returns what it printed @throws when it fails */
export async function command(
  dataDir: string,
  script: string,
  args: string[] = [],
  typed = '',
): Promise<string> {
  const child = bun(dataDir, [`src/cli/${script}.ts`, ...args])
  child.stdin.write(typed)
  child.stdin.end()
  const printed = await new Response(child.stdout).text()
  if ((await child.exited) !== 0) throw new Error(`The command ${script} ${args.join(' ')} failed`)
  return printed
}

async function firstAddress(from: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let printed = ''
  for await (const chunk of from) {
    printed += decoder.decode(chunk, { stream: true })
    const address = /https?:\/\/\S+/.exec(printed)?.[0]
    if (address) return address
  }
  throw new Error('The app ended before it was ready')
}

/** Resident memory of a process, in MiB. */
export function memoryOf(pid: number): number {
  const asked = Bun.spawnSync(['ps', '-o', 'rss=', '-p', String(pid)])
  return Math.round(Number(asked.stdout.toString().trim()) / 1024)
}

export type Ask = <T>(method: string, path: string, body?: unknown) => Promise<T>

/** The JSON door with a key. @throws on any answer that is not 2xx */
export const asker =
  (address: string, key: string): Ask =>
  async <T>(method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${address}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }

/** Signs in as a browser does. @returns the cookie header of the session */
export async function signIn(address: string, email: string): Promise<string> {
  const answer = await fetch(`${address}/sign-in`, {
    method: 'POST',
    headers: { origin: address },
    body: new URLSearchParams({ email, password }),
    redirect: 'manual',
  })
  const cookie = answer.headers
    .getSetCookie()
    .map(one => one.split(';')[0])
    .join('; ')
  if (answer.status !== 303 || !cookie) throw new Error(`Sign-in: ${answer.status} ${await answer.text()}`)
  return cookie
}
