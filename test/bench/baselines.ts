import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/db/database.ts'
import { createLog } from '../../src/lib/log.ts'
import { type Figures, load } from './figures.ts'

/** What this machine gives at most, in the same minute: a server that says hello, and the smallest query. */
export async function baselines(dataDir: string): Promise<{ hello: Figures; select: Figures }> {
  const script =
    "const s = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('hello') }); console.log(s.port)"
  const server = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
  try {
    const { value } = await server.stdout.getReader().read()
    const address = `http://127.0.0.1:${new TextDecoder().decode(value).trim()}/`
    const hello = await load(async () => void (await (await fetch(address)).text()), { measureMs: 2_000 })
    const log = createLog({ level: 'silent', json: false })
    const db = await openDatabase(readConfig({ DATA_DIR: dataDir }), log)
    try {
      const select = await load(async () => void (await db.sql`select 1`), { measureMs: 2_000 })
      return { hello, select }
    } finally {
      await db.close()
    }
  } finally {
    server.kill()
    await server.exited
  }
}
