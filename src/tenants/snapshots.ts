import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { aloneOrNot } from '../db/lanes.ts'
import type { Tenant } from '../db/scope.ts'
import { NotFound, Stop } from '../errors.ts'
import { newId } from '../lib/id.ts'
import type { Log } from '../lib/log.ts'
import { deriveKey, keyOf } from '../lib/seal.ts'
import type { Storage } from '../storage/storage.ts'
import { type Exported, exportTenant } from './export.ts'
import { listSnapshots, snapshotFolder } from './find.ts'
import { clearSpool, removeForgottenPictures } from './forgotten.ts'
import { type Ground, unwatched, type Watch } from './ground.ts'
import { outlived } from './retention.ts'
import type { Snapshot } from './schema.ts'

/**
 * A snapshot is a capsule that Masthead keeps itself, encrypted with the tenant's own key: once the key is gone, no
 * copy of it opens, wherever it went.
 * @throws Stop when the key is no longer here
 */
export function secretOf(tenant: Tenant, name: string): Buffer {
  const keyId = Number(/-k(\d+)\./.exec(name)?.[1])
  try {
    return deriveKey(keyOf(tenant.keys, keyId).toString('base64'), `snapshots of ${tenant.id}`)
  } catch {
    throw new Stop(`The key that the snapshot ${name} was made with is no longer here: nothing opens it.`)
  }
}

/** Whether a word names a snapshot rather than a file. */
export const isSnapshotName = (given: string): boolean =>
  /^(latest|\d{8}t\d{9}z-k\d{1,5}(\.capsule)?)$/.test(given)

/** @param name one of the list, with or without its ending, or `latest`. @throws Stop when there is no such one */
export async function findSnapshot(storage: Storage, tenantId: string, name: string): Promise<Snapshot> {
  const all = await listSnapshots(storage, tenantId)
  const found =
    name === 'latest' ? all[0] : all.find(one => one.name === name || one.name === `${name}.capsule`)
  if (found) return found
  throw new Stop(
    name === 'latest'
      ? 'This workspace has no snapshot yet: make one with tenant snapshot.'
      : `There is no snapshot ${name}: see tenant snapshot --list.`,
  )
}

export interface Taken extends Snapshot {
  exported: Exported
}

/**
 * Takes a snapshot now. Call it with the tenant's lock held, or not at all beside an import or a rewind.
 * @throws NotFound
 */
export async function takeSnapshot(
  ground: Ground,
  tenantId: string,
  watch: Watch = unwatched,
): Promise<Taken> {
  const { db, storage } = ground
  db.forgetTenant(tenantId)
  const tenant = await db.tenantById(tenantId)
  if (!tenant) throw new NotFound()
  const ending = `-k${tenant.keys.current.id}.capsule`
  return throughSpool(ground, async spool => {
    const { file, result } = await exportTenant(ground, tenantId, secretOf(tenant, ending), watch)
    await Bun.write(spool, new Response(file))
    const exported = result()
    const at = exported.manifest.madeAt
    const name = `${at.replace(/[-:.]/g, '').toLowerCase()}${ending}`
    await storage.write(`${snapshotFolder(tenantId)}${name}`, Bun.file(spool).stream())
    return { name, at, bytes: exported.bytes, exported }
  })
}

/**
 * A file of the machine's own for a capsule on its way: what waits for a network waits for no transaction. It is
 * encrypted all the time.
 */
export async function throughSpool<T>(
  { dataDir }: Pick<Ground, 'dataDir'>,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const folder = join(dataDir, 'spool')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `${newId()}.capsule`)
  try {
    return await work(path)
  } finally {
    await rm(path, { force: true })
  }
}

/** An event of a transaction that was open while the last snapshot was taken may carry an earlier time than it. */
const overlapMs = 60_000
/** One that is younger was taken by another process in this same night, or by hand; what came after it has time. */
const restMs = 3_600_000

/**
 * Takes a snapshot of every tenant in which something happened since its last one, one after the other, and lets go of
 * those that are outlived, and of files of pictures that nothing names. One that fails does not stop the rest; another process may do the same at the same time.
 */
export async function snapshotAll(ground: Ground, log: Log): Promise<{ taken: number; failed: number }> {
  const { owner } = ground.db
  let [taken, failed] = [0, 0]
  await clearSpool(ground)
  const tenants = await owner`
    select id from public.tenants where state in ('active', 'suspended') order by id`
  for (const { id } of tenants) {
    try {
      const done = await aloneOrNot(owner, `masthead tenant ${id}`, () => lookAfter(ground, id as string))
      if (done?.result) taken++
    } catch (error) {
      failed++
      log.error('a workspace could not be snapshotted', { tenant: id, error })
    }
  }
  if (taken + failed > 0) log.info('snapshots', { taken, failed })
  return { taken, failed }
}

/** @returns whether a snapshot was taken */
async function lookAfter(ground: Ground, tenantId: string): Promise<boolean> {
  const taken = await snapshotIfNews(ground, tenantId)
  await removeForgottenPictures(ground, tenantId)
  return taken
}

async function snapshotIfNews(ground: Ground, tenantId: string): Promise<boolean> {
  const { db, storage } = ground
  const [last] = await listSnapshots(storage, tenantId)
  const [event] = await db.within(
    { tenantId, userId: null, role: 'system' },
    ({ sql }) => sql`select created_at, public.clock() as now from events order by id desc limit 1`,
    { readOnly: true },
  )
  if (!event) return false
  const since = last ? Date.parse(last.at) : Number.NEGATIVE_INFINITY
  const [happened, now] = [event.created_at as Date, event.now as Date]
  if (now.getTime() - since < restMs || happened.getTime() < since - overlapMs) return false
  const { at } = await takeSnapshot(ground, tenantId)
  for (const { name } of outlived(await listSnapshots(storage, tenantId), at))
    await storage.remove(`${snapshotFolder(tenantId)}${name}`)
  return true
}
