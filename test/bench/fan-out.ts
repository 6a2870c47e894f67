/**
 * How fast tenants are made, migrated (up and down) and rehearsed: on an embedded PostgreSQL of its own that keeps its
 * promises (fsync on), with as many tenants as `BENCH_TENANTS` says, 500 otherwise.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/db/database.ts'
import { stopEmbedded } from '../../src/db/embedded.ts'
import { migrate, migrateDown } from '../../src/db/migrate.ts'
import { createTenant } from '../../src/db/tenants.ts'
import { checkUpgrade } from '../../src/db/upgrade-check.ts'
import { createLog } from '../../src/lib/log.ts'
import { type Extra, migrationsToCome, wider } from '../extra-migrations.ts'

/** PostgreSQL 15 on two cores, 5,000 tenants of 16 tables, four workers: 46 a second. */
const aim = 46
const addColumn: Extra = {
  side: 'tenant',
  up: "alter table {schema}.content add column campaign text not null default '';\n",
  down: 'alter table {schema}.content drop column campaign;\n',
}

export async function fanOut(): Promise<object> {
  const log = createLog({ level: 'silent', json: false })
  const tenants = Number(process.env.BENCH_TENANTS ?? 500)
  const dataDir = mkdtempSync(join(tmpdir(), 'masthead-bench-'))
  chmodSync(dataDir, 0o755)
  const load = Math.round((loadavg()[0] ?? 0) * 10) / 10
  const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: 'silent' })
  const db = await openDatabase(config, log)
  const rate = async (what: () => Promise<unknown>, count = tenants) => {
    const started = performance.now()
    await what()
    return Math.round((count / (performance.now() - started)) * 10_000) / 10
  }
  const widened = migrationsToCome(wider)
  const plain = migrationsToCome(addColumn)
  try {
    let made = 0
    const making = async () => {
      while (made < tenants) {
        const slug = `team-${made++}`
        await createTenant(db.owner, { slug, secret: config.secret, appRole: db.appRole }, async () => {})
      }
    }
    const made_ = await rate(() => Promise.all([making(), making(), making(), making()]))
    const up = (folder: string, workers: number) => migrate(db.owner, db.appRole, log, { folder, workers })
    const down = (folder: string, to: number) => migrateDown(db.owner, { to }, log, { folder })
    const before = (plain.added[0]?.number ?? 1) - 1
    const four = await rate(() => up(plain.folder, 4))
    const back = await rate(() => down(plain.folder, before))
    const one = await rate(() => up(plain.folder, 1))
    await down(plain.folder, before)
    const check = await rate(() => checkUpgrade(db.owner, { workers: 4, free: null, folder: widened.folder }))
    const index = await rate(() => up(widened.folder, 4))
    const looks = 20
    const nothing = await rate(async () => {
      for (let look = 0; look < looks; look++) await up(widened.folder, 4)
    }, looks)
    const rows: [string, string, string][] = [
      ['made, 4 at once', `${made_}/s`, ''],
      ['add column, 4 workers', `${four}/s`, `aim ${aim}/s`],
      ['add column, 1 worker', `${one}/s`, ''],
      ['add column and index, 4 workers', `${index}/s`, ''],
      ['drop column, 4 workers', `${back}/s`, ''],
      ['rehearsed, 4 workers', `${check}/s`, ''],
      ['a start with nothing pending', `${Math.round(10_000 / nothing) / 10} ms`, ''],
    ]
    console.error(`${tenants} workspaces; load before ${load}`)
    for (const [what, figure, aimed] of rows)
      console.error(`${what.padEnd(34)}${figure.padStart(9)}  ${aimed}`)
    return { tenants, load, made: made_, four, one, index, back, check, aim, met: four >= aim }
  } finally {
    await db.close()
    await stopEmbedded(dataDir, log)
    widened.remove()
    plain.remove()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
