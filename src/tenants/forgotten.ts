import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { mediaFolder } from './find.ts'
import type { Ground } from './ground.ts'

/** A picture's file is written before its row: what is younger may still get one. */
const graceMs = 48 * 3_600_000

/**
 * Removes the files of pictures that no row names any more, as a rewind leaves them; snapshots have them.
 * @returns how many
 */
export async function removeForgottenPictures(
  { db, storage }: Pick<Ground, 'db' | 'storage'>,
  tenantId: string,
): Promise<number> {
  const before = Date.now() - graceMs
  const old: { path: string; id: string }[] = []
  for await (const { path, changedAt } of storage.list(mediaFolder(tenantId)))
    if (changedAt.getTime() < before)
      old.push({ path, id: path.slice(mediaFolder(tenantId).length).replace('.thumbnail', '') })
  if (old.length === 0) return 0
  // Asked after the listing: a row that is made meanwhile is seen.
  const rows = await db.within(
    { tenantId, userId: null, role: 'system' },
    ({ sql }) => sql`select id from media`,
    { readOnly: true },
  )
  const named = new Set(rows.map(row => row.id as string))
  const forgotten = old.filter(({ id }) => !named.has(id))
  for (const { path } of forgotten) await storage.remove(path)
  return forgotten.length
}

/** Removes capsules that a process which died has left on their way. */
export async function clearSpool({ dataDir }: Pick<Ground, 'dataDir'>): Promise<void> {
  const folder = join(dataDir, 'spool')
  const before = Date.now() - graceMs
  const names = await readdir(folder).catch(error => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  for (const name of names)
    if ((await stat(join(folder, name))).mtimeMs < before) await rm(join(folder, name), { force: true })
}
