/**
 * A worker of its own process that dies by SIGKILL at one step of a publish job. Started by `crash.test.ts` with
 * CRASH_DATABASE (a cloned test database), CRASH_AT (the step), DATA_DIR and OUTBOUND_ALLOW. It prints `ready`, begins
 * when a line comes in, and ends by itself with code 0 when the job never came to that step.
 */
import { readConfig } from '../src/config.ts'
import { assemble } from '../src/db/database.ts'
import { openPool } from '../src/db/pool.ts'
import { crashAt } from '../src/jobs/crash.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { servicesOf } from './cast.ts'
import { testSecret, testServer } from './setup.ts'

const { CRASH_DATABASE: database, CRASH_AT: step, DATA_DIR, OUTBOUND_ALLOW, SMTP_URL } = process.env
if (!database || !step || !DATA_DIR) throw new Error('CRASH_DATABASE, CRASH_AT and DATA_DIR are needed')

const address = await testServer()
const app = address(database, 'app')
const owner = address(database)
const config = readConfig({
  DATA_DIR,
  OUTBOUND_ALLOW,
  SMTP_URL,
  MASTHEAD_SECRET: testSecret,
  LOG_LEVEL: 'error',
})
const db = await assemble(
  openPool(app, { name: 'masthead crash child', max: 4 }),
  openPool(owner, { name: 'masthead crash child owner', max: 1 }),
  'user' in app ? app.user : '',
  testSecret,
)
const worker = createWorker(servicesOf(db, config))

console.log('ready')
for await (const line of console) if (line === 'go') break
crashAt(step)
await worker.idle()
await worker.stop(5_000)
await db.close()
process.exit(0)
