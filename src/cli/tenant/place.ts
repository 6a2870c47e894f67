import type { Database } from '../../db/database.ts'
import { Stop } from '../../errors.ts'
import { openStorage } from '../../storage/open.ts'
import type { Storage } from '../../storage/storage.ts'
import { findTenant, type TenantLine } from '../../tenants/find.ts'
import { type Bench, bench, withDatabase } from '../command.ts'

/** One tenant and what a command needs to work on it. */
export interface Place extends Bench {
  db: Database
  storage: Storage
  tenant: TenantLine
}

/** Opens the database and finds the tenant by its present address. @throws Stop when there is none */
export async function withTenant<T>(slug: string, work: (place: Place) => Promise<T>): Promise<T> {
  const at = bench()
  return withDatabase(at, async db => {
    const tenant = await findTenant(db.owner, slug)
    if (!tenant) throw new Stop(`There is no workspace "${slug}": see tenant list.`)
    if (tenant.slug !== slug)
      throw new Stop(`"${slug}" is a former address of ${tenant.slug}: use that one, to be sure.`)
    return work({ ...at, db, storage: openStorage(at.config), tenant })
  })
}

/** `1.2 MB` */
export const inMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** `2026-12-04 09:00 UTC` */
export const inMinutes = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`
