import type { Database } from '../db/database.ts'
import type { Services } from '../services.ts'
import type { Storage } from '../storage/storage.ts'

/** What moving a tenant needs. */
export interface Ground {
  db: Database
  storage: Storage
  /** The instance secret, which wraps the tenants' keys. */
  secret: string
  /** The data folder, for encrypted files on their way. */
  dataDir: string
}

export const groundOf = ({ db, storage, config }: Pick<Services, 'db' | 'storage' | 'config'>): Ground => ({
  db,
  storage,
  secret: config.secret,
  dataDir: config.dataDir,
})

/**
 * Told how far a long piece of work is.
 * @param total bytes in all; 0 when nobody knows
 */
export type Watch = (what: string, done: number, total: number) => void

export const unwatched: Watch = () => {}
