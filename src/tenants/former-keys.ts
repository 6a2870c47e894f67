import type { Database } from '../db/database.ts'
import { dropKey, formerKeys } from '../db/keys.ts'
import { NotFound } from '../errors.ts'
import type { Storage } from '../storage/storage.ts'
import { sealedByKey } from './reseal.ts'

/** How many snapshots of a tenant are encrypted with each of its keys, by the names of their files. */
export async function snapshotsByKey(storage: Storage, tenantId: string): Promise<Map<number, number>> {
  const counts = new Map<number, number>()
  for await (const { path } of storage.list(`snapshots/${tenantId}/`)) {
    const key = Number(/-k(\d+)\.capsule$/.exec(path)?.[1])
    if (key) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

/**
 * Removes the former keys that nothing needs any more: no value in the tenant's schema, and no snapshot of it.
 * @returns how many were removed
 */
export async function dropFormerKeys(db: Database, storage: Storage): Promise<number> {
  let dropped = 0
  for (const { tenantId, keyId } of await formerKeys(db.owner)) {
    if (await isNeeded(db, storage, tenantId, keyId)) continue
    await dropKey(db.owner, tenantId, keyId)
    db.forgetTenant(tenantId)
    dropped++
  }
  return dropped
}

async function isNeeded(db: Database, storage: Storage, tenantId: string, keyId: number): Promise<boolean> {
  if ((await snapshotsByKey(storage, tenantId)).has(keyId)) return true
  try {
    const sealed = await db.within({ tenantId, userId: null, role: 'system' }, sealedByKey, {
      readOnly: true,
    })
    return sealed.has(keyId)
  } catch (error) {
    // Erased meanwhile, and its keys with it.
    if (error instanceof NotFound) return true
    throw error
  }
}
