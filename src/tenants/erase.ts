import type { Database } from '../db/database.ts'
import { tellTenantChanged } from '../db/hints.ts'
import { aloneOrNot } from '../db/lanes.ts'
import { deleteTenantSchema, emptyTenant } from '../db/tenants.ts'
import { Conflict, NotFound } from '../errors.ts'
import type { Services } from '../services.ts'
import type { Storage } from '../storage/storage.ts'
import { exportFolder } from './exports.ts'
import { mediaFolder, snapshotFolder } from './find.ts'

type Eraser = Pick<Database, 'owner' | 'forgetTenant'>

/**
 * Erases a tenant for good: schema and role, files, and last its row with keys, sign-in directory, former addresses
 * and due time. It is marked first and its row goes last, so that one that is cut off is found and finished. One
 * process does it at a time.
 * @param due only when its grace period is over, or an erasure was begun
 * @throws NotFound, Conflict while another process erases it, or when it is not due
 */
export async function eraseTenant(
  { owner, forgetTenant }: Eraser,
  storage: Storage,
  tenantId: string,
  due = false,
): Promise<void> {
  // The lock of every long piece of work on a tenant: no snapshot is written while its folder is cleared.
  const done = await aloneOrNot(owner, `masthead tenant ${tenantId}`, async () => {
    const [row] = await owner`
      update public.tenants set state = 'erasing' where id = ${tenantId}
        and (not ${due} or state = 'erasing' or (state = 'suspended' and erase_after <= public.clock()))
      returning id`
    if (!row) {
      const [there] = await owner`select 1 from public.tenants where id = ${tenantId}`
      throw there ? new Conflict('Its erasure was taken back.') : new NotFound('There is no such workspace.')
    }
    forgetTenant(tenantId)
    // First what files are written for: afterwards nobody adds one.
    await emptyTenant(owner, tenantId)
    for (const folder of [mediaFolder, snapshotFolder, exportFolder])
      await storage.removeFolder(folder(tenantId))
    await deleteTenantSchema(owner, tenantId)
  })
  if (!done) throw new Conflict('Another process is at work on it just now.')
  await tellTenantChanged(owner, tenantId)
  forgetTenant(tenantId)
}

/** Carries out the erasures whose grace period is over, and those that were cut off. One that fails is tried again. */
export async function eraseDue({
  db,
  storage,
  log,
}: Pick<Services, 'db' | 'storage' | 'log'>): Promise<void> {
  const due = await db.owner`
    select id from public.tenants
    where state = 'erasing' or (state = 'suspended' and erase_after <= public.clock()) order by erase_after`
  for (const row of due) {
    const tenantId = row.id as string
    try {
      await eraseTenant(db, storage, tenantId, true)
      log.info('a workspace was erased', { tenant: tenantId })
    } catch (error) {
      // Somebody else did it, or took it back.
      if (error instanceof Conflict || error instanceof NotFound) continue
      log.error('a workspace could not be erased; it is tried again', { tenant: tenantId, error })
    }
  }
}
