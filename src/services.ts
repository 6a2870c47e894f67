import type { Config } from './config.ts'
import type { Bus } from './db/bus.ts'
import type { Database } from './db/database.ts'
import type { Replica } from './db/replica.ts'
import type { Counter } from './http/limits.ts'
import type { Readiness } from './http/readiness.ts'
import type { Tokens } from './http/session.ts'
import type { Streams } from './http/streams.ts'
import type { Mailer } from './integrations/mail.ts'
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
  /** The data folder or the bucket: pictures (by way of `files`), snapshots, exports. */
  storage: Storage
  files: MediaFiles
  /** null when mail is not set up. */
  mailer: Mailer | null
  /** null: everything is read from the primary. */
  replica: Replica | null
  bus: Bus
  /** The event streams that are open in this process. */
  streams: Streams
  readiness: Readiness
  /** Whether this process does what only one of those on this database shall do, such as the sweep. */
  leads(): Promise<boolean>
  /** When the worker of this process last asked the database what is due; null where none runs. */
  lastLook(): number | null
  /** The one-time code that `/setup` asks for. */
  setupCode: string
}
