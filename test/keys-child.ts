/**
 * A rotation of its own process that can die by SIGKILL at one step. Started by `keys.test.ts` with KEYS_DATABASE (a
 * cloned test database), KEYS_AT (`<step> <how many of it are done>`, or nothing) and KEYS_SPREAD (ms). It ends with
 * code 0 when it is through.
 */
import { assemble } from '../src/db/database.ts'
import { openPool } from '../src/db/pool.ts'
import { rotateKeys } from '../src/tenants/rotate.ts'
import { testSecret, testServer } from './setup.ts'

const { KEYS_DATABASE: database, KEYS_AT: fatal, KEYS_SPREAD: spread } = process.env
if (!database) throw new Error('KEYS_DATABASE is needed')
const address = await testServer()
const app = address(database, 'app')
const db = await assemble(
  openPool(app, { name: 'masthead keys child', max: 4 }),
  openPool(address(database), { name: 'masthead keys child owner', max: 2 }),
  'user' in app ? app.user : '',
  testSecret,
)
const dieAt = (step: string) => {
  if (step === fatal) process.kill(process.pid, 'SIGKILL')
}
console.log('ready')
await rotateKeys(
  db,
  testSecret,
  null,
  what => {
    dieAt(`${what} 0`)
    return { at: done => dieAt(`${what} ${done}`), end: () => dieAt(`${what} all`) }
  },
  Number(spread),
)
await db.close()
process.exit(0)
