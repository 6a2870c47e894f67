import type { Config } from './config.ts'
import type { Database } from './db/database.ts'
import type { Counter } from './http/limits.ts'
import type { Tokens } from './http/session.ts'
import type { Outbound } from './lib/fetch.ts'
import type { Log } from './lib/log.ts'
import type { Metrics } from './lib/metrics.ts'
import type { MediaFiles } from './media/files.ts'
import type { Storage } from './storage/storage.ts'

/** What the doors and jobs are built from; made once in `main.ts`, and by each test for its own database. */
export interface Services {
  config: Config
  db: Database
  log: Log
  metrics: Metrics
  counter: Counter
  tokens: Tokens
  outbound: Outbound
  files: MediaFiles
  storage: Storage
  /** When the worker of this process last asked the database what is due; null where none runs. */
  lastLook(): number | null
  /** The one-time code that `/setup` asks for. */
  setupCode: string
}
