/** A real Redis for one test file: in memory, on a free port of 127.0.0.1. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { program } from './present.ts'
import { answersTcp, startChild, withFreshPort } from './processes.ts'

export interface Redis {
  url: string
  port: number
  pid: number
  stop(): Promise<void>
}

/** Starts `redis-server` (about 0.1 s): in memory alone, or with a file of all writes that is synced each second. */
export async function startRedis({ appendOnly = false } = {}): Promise<Redis> {
  const binary = program('redis-server')
  if (!binary) throw new Error('redis-server is not installed: apt-get install redis-server')
  const folder = mkdtempSync(join(tmpdir(), 'masthead-redis-'))
  return withFreshPort(async port => {
    const child = await startChild({
      name: 'redis-server',
      command: [
        binary,
        '--port',
        `${port}`,
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        appendOnly ? 'yes' : 'no',
        '--dir',
        folder,
      ],
      ready: async output => /Ready to accept connections/.test(output) && (await answersTcp(port)),
    })
    return {
      url: `redis://127.0.0.1:${port}`,
      port,
      pid: child.pid,
      async stop() {
        await child.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  })
}
