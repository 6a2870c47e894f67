import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownerUser, startEmbedded, stopEmbedded } from '../src/db/embedded.ts'
import { openPool, waitFor } from '../src/db/pool.ts'
import { Stop } from '../src/errors.ts'
import { createLog } from '../src/lib/log.ts'

setDefaultTimeout(120_000)

const quiet = createLog({ level: 'silent', json: false })
const password = 'only-for-tests'
let home: string
const folders: string[] = []
/** Short socket folders outside of the data folder, which nothing else takes away. */
const sockets: string[] = []

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'masthead-embedded-'))
  // Root hands the cluster to another user, who has to get in.
  chmodSync(home, 0o755)
})
afterAll(async () => {
  for (const folder of folders) await stopEmbedded(folder, quiet)
  for (const folder of [home, ...sockets]) rmSync(folder, { recursive: true, force: true })
})

function dataDir(name: string): string {
  const folder = join(home, name)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  folders.push(folder)
  return folder
}
async function start(folder: string) {
  const cluster = await startEmbedded(folder, password, quiet)
  if (!cluster.socket.startsWith(home)) sockets.push(cluster.socket)
  return cluster
}
const pidOf = (dataFolder: string) =>
  Number(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n')[0])

async function query<T>(socket: string, work: (sql: ReturnType<typeof openPool>) => Promise<T>): Promise<T> {
  const sql = openPool({ socket, user: ownerUser, password, database: 'postgres' }, { name: 'test', max: 1 })
  try {
    await waitFor(sql, socket, quiet)
    return await work(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

describe('the embedded PostgreSQL', () => {
  test('three that start at once on an empty folder share one server, and leave nothing half-made', async () => {
    const folder = dataDir('racing')
    const code = `
      import { startEmbedded } from './src/db/embedded.ts'
      import { createLog } from './src/lib/log.ts'
      const cluster = await startEmbedded(${JSON.stringify(folder)}, '${password}', createLog({ level: 'silent', json: false }))
      console.log(JSON.stringify(cluster))`
    const said = await Promise.all(
      [1, 2, 3].map(async () => {
        const child = Bun.spawn([process.execPath, '-e', code], {
          cwd: join(import.meta.dir, '..'),
          stdout: 'pipe',
          stderr: 'pipe',
        })
        const [out, err] = await Promise.all([
          new Response(child.stdout).text(),
          new Response(child.stderr).text(),
        ])
        return { out, err, code: await child.exited }
      }),
    )
    for (const one of said) expect(one).toEqual({ out: said[0]?.out ?? '', err: '', code: 0 })
    expect(readdirSync(folder).sort()).toEqual(['postgres', 'run'])
    const { socket } = JSON.parse(said[0]?.out ?? '') as { socket: string }
    expect(await query(socket, async sql => (await sql`select 1 as one`)[0]?.one)).toBe(1)
  })

  test('a killed server is started again with what it had; a running one is used again; stop stops it', async () => {
    const folder = dataDir('racing')
    const first = await start(folder)
    await query(first.socket, async sql => {
      await sql`create table kept (n int)`
      await sql`insert into kept values (7)`
    })
    const pid = pidOf(first.dataFolder)
    process.kill(pid, 'SIGKILL')
    const second = await start(folder)
    expect(pidOf(second.dataFolder)).not.toBe(pid)
    expect(await query(second.socket, async sql => (await sql`select n from kept`)[0]?.n)).toBe(7)
    const third = await start(folder)
    expect(pidOf(third.dataFolder)).toBe(pidOf(second.dataFolder))
    expect(await stopEmbedded(folder, quiet)).toBe(true)
    expect(await stopEmbedded(folder, quiet)).toBe(false)
    expect(existsSync(join(second.dataFolder, 'postmaster.pid'))).toBe(false)
  })

  test('only the owner with the password gets in, and nothing listens on the network', async () => {
    const { socket } = await start(dataDir('racing'))
    const wrong = openPool(
      { socket, user: ownerUser, password: 'wrong', database: 'postgres' },
      { name: 'test', max: 1 },
    )
    const code = await wrong`select 1`.catch((error: { code: string }) => error.code)
    await wrong.end({ timeout: 1 })
    expect(code).toBe('28P01')
    const settings = await query(socket, sql => sql`select current_setting('listen_addresses') as listens`)
    expect(settings[0]?.listens).toBe('')
  })

  test('a path with spaces, quotes and other letters works', async () => {
    const { socket } = await start(dataDir("Ann's düsk, all of it"))
    expect(await query(socket, async sql => (await sql`select 1 as one`)[0]?.one)).toBe(1)
  })

  test('a long path gets a short socket address', async () => {
    const folder = dataDir(`deep/${'a-folder-with-a-long-name/'.repeat(5)}end`)
    const { socket } = await start(folder)
    expect(Buffer.byteLength(`${socket}/.s.PGSQL.5432`)).toBeLessThan(107)
    expect(socket.startsWith(folder)).toBe(false)
    expect(await query(socket, async sql => (await sql`select 1 as one`)[0]?.one)).toBe(1)
  })

  test('a path that a shell would change is refused in words, and nothing is run', async () => {
    const refused = await start(join(home, '$(touch made-by-a-shell)')).catch(error => error)
    expect(refused).toBeInstanceOf(Stop)
    expect(refused.message).toContain('DATA_DIR')
  })
})
