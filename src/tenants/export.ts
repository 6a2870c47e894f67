import type { Database } from '../db/database.ts'
import { NotFound } from '../errors.ts'
import { writeArchive } from '../lib/archive.ts'
import type { Storage } from '../storage/storage.ts'

/** Stands here until branch `capsule` is merged: take that branch's file. */
export async function exportTenant(
  db: Database,
  _storage: Storage,
  tenantId: string,
  passphrase: string,
): Promise<ReadableStream<Uint8Array>> {
  const tenant = await db.tenantById(tenantId)
  if (!tenant) throw new NotFound()
  const manifest = Buffer.from(JSON.stringify({ tenant: { id: tenant.id, slug: tenant.slug } }))
  return writeArchive(
    passphrase,
    (async function* () {
      yield { name: 'manifest.json', bytes: manifest.length, body: manifest }
    })(),
  )
}
