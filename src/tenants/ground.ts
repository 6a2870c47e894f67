import type { Database } from '../db/database.ts'
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

/**
 * Told how far a long piece of work is.
 * @param total bytes in all; 0 when nobody knows
 */
export type Watch = (what: string, done: number, total: number) => void

export const unwatched: Watch = () => {}
