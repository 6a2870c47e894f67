/** How a database backend grows with the tenants it has met, and what bounds that. */
import { readFileSync } from 'node:fs'
import { startEmbedded } from '../../../src/db/embedded.ts'
import { openPool } from '../../../src/db/pool.ts'
import { createWithin } from '../../../src/db/scope.ts'
import { createLog } from '../../../src/lib/log.ts'
import { derivePassword } from '../../../src/lib/seal.ts'
import type { Ground } from './ground.ts'

export interface MemoryFigure {
  tenants: number
  startMiB: number
  afterMiB: number
  perTenantKiB: number
}

/** Memory that is this process's alone, in KiB. https://docs.kernel.org/filesystems/proc.html (smaps_rollup) */
function privateKiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return [...text.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0)
}

/** One connection visits `among` tenants, one query each. @returns null where the kernel does not tell */
export async function backendMemory(ground: Ground, among: number): Promise<MemoryFigure | null> {
  const { db, config } = ground
  const password = (login: string) => derivePassword(config.secret, `database ${login}`)
  const log = createLog({ level: 'silent', json: false })
  const { socket } = await startEmbedded(config.dataDir, password('owner'), log)
  const pool = openPool(
    { socket, user: db.appRole, password: password('app'), database: 'masthead' },
    { name: 'masthead bench', max: 1 },
  )
  const [{ pid, version } = {}] =
    await pool`select pg_backend_pid() as pid, current_setting('server_version_num')::int as version`
  const within = createWithin(pool, db.tenantById, version as number, db.hashAddress)
  try {
    const before = privateKiB(pid as number)
    for (const id of ground.tenants.slice(0, among))
      await within(
        { tenantId: id, userId: null, role: 'system' },
        ({ sql }) => sql`select id, state from content limit 10`,
        {
          readOnly: true,
        },
      )
    const after = privateKiB(pid as number)
    const mib = (kib: number) => Math.round((kib / 1024) * 10) / 10
    return {
      tenants: among,
      startMiB: mib(before),
      afterMiB: mib(after),
      perTenantKiB: Math.round((after - before) / among),
    }
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  } finally {
    await pool.end({ timeout: 1 })
  }
}
