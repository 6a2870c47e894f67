/** How fast one workspace goes into a capsule and out of one again. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId } from '../../../src/lib/id.ts'
import { diskStorage } from '../../../src/storage/disk.ts'
import { command } from '../desk.ts'
import type { Ground } from './ground.ts'

const pictures = 40
const pictureBytes = 500_000
const posts = 20_000
const passphrase = 'a bench in the north wind'

export interface CapsuleFigure {
  /** Of what is inside: rows as text, and pictures. */
  megabytes: number
  exportMBs: number
  importMBs: number
}

/** Fills the oldest workspace, exports it by the operator's command, and imports it again as a copy. */
export async function capsuleSpeed(ground: Ground): Promise<CapsuleFigure> {
  const [tenantId = ''] = ground.tenants
  const slug = await fill(ground, tenantId)
  const folder = mkdtempSync(join(tmpdir(), 'masthead-bench-capsule-'))
  const file = join(folder, 'bench.capsule')
  try {
    const run = async (...args: string[]) =>
      JSON.parse(
        (await command(ground.dataDir, 'tenant', [...args, '--passphrase-stdin', '--json'], passphrase))
          .trim()
          .split('\n')
          .at(-1) ?? '',
      ) as { contentBytes: number; seconds: number }
    const out = await run('export', slug, '--to', file)
    const back = await run('import', file, '--slug', 'bench-copy', '--copy')
    const speed = ({ contentBytes, seconds }: { contentBytes: number; seconds: number }) =>
      Math.round((contentBytes / 1e6 / seconds) * 10) / 10
    return {
      megabytes: Math.round(out.contentBytes / 1e6),
      exportMBs: speed(out),
      importMBs: speed(back),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function fill({ db, config }: Ground, tenantId: string): Promise<string> {
  const storage = diskStorage(config.dataDir)
  const ids = Array.from({ length: pictures }, newId)
  for (const id of ids) await storage.write(`media/${tenantId}/${id}`, randomBytes(pictureBytes))
  return db.within({ tenantId, userId: null, role: 'system' }, async ({ sql, tenant }) => {
    await sql`
      insert into media (id, type, width, height, bytes, sha256)
      select id, 'image/jpeg', 100, 100, ${pictureBytes}, 'bench' from unnest(${ids}::uuid[]) given (id)`
    const made = Array.from({ length: posts }, newId)
    await sql`insert into content (id, version_id) select id, id from unnest(${made}::uuid[]) given (id)`
    await sql`
      insert into content_versions (id, content_id, number, text)
      select id, id, 1, repeat('A short report from the roastery. ', 8) from unnest(${made}::uuid[]) given (id)`
    return tenant.slug
  })
}
