import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { restore, restoredName } from '../backup/restore.ts'
import { readConfig } from '../config.ts'
import { Stop } from '../errors.ts'
import { createLog } from '../lib/log.ts'
import { shown } from './backup.ts'
import { print, readArgs, runCommand } from './command.ts'
import { passphraseOptions, readPassphrase } from './passphrase.ts'

const help = `Puts a backup of the whole instance back.

  bun run restore <file> --passphrase-stdin [--into <folder>] [--json]
      Into DATA_DIR, or another folder, which must be empty. It is unpacked beside, started, compared with what it was
      made from, and only then put in place: whole or not at all. --passphrase-file <file> instead of stdin.
  bun run restore mark
      For a database of your own that you put back by its own tools: tells the next start.

The first start afterwards holds every post whose moment has passed, because it may have gone out since the backup.`

/** Only to read the settings: a restore must not make a secret where the restored one shall lie. */
const settings = () =>
  readConfig({
    ...process.env,
    MASTHEAD_SECRET: process.env.MASTHEAD_SECRET || 'a placeholder: restoring a backup needs no secret',
  })

async function from(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(
    args,
    { into: { type: 'string' }, json: { type: 'boolean' }, ...passphraseOptions },
    ['file'],
  )
  const config = settings()
  if (config.databaseUrl)
    throw new Stop(
      'DATABASE_URL is set, so the database is your own: put it back with its own tools, as docs/operating.md says under "Restore".',
    )
  const file = resolve(positionals[0] ?? '')
  if (!existsSync(file)) throw new Stop(`There is no file ${file}.`)
  const into = values.into === undefined ? config.dataDir : resolve(values.into)
  const passphrase = await readPassphrase(values)
  const log = createLog({ level: config.logLevel, json: config.production })
  const began = performance.now()
  const bars = shown()
  const verdict = await restore(file, passphrase, into, log, bars('restoring', 'bytes')).finally(bars.end)
  const seconds = Math.round(performance.now() - began) / 1000
  if (values.json) return print(JSON.stringify({ into, seconds, ...verdict }))
  print(
    `Restored ${verdict.workspaces} workspaces, ${verdict.rows.toLocaleString('en')} rows and ${verdict.pictures} pictures into ${into}, as they were at ${verdict.madeAt}.`,
  )
  print(
    'The first start holds every post whose moment has passed: it may have gone out since. People decide on each.',
  )
  if (process.env.MASTHEAD_SECRET)
    print(
      'MASTHEAD_SECRET is set, and the secret of the backup lies in the folder: they have to be the same.',
    )
}

async function mark(args: string[]): Promise<void> {
  readArgs(args, {})
  const { dataDir } = settings()
  mkdirSync(dataDir, { recursive: true, mode: 0o755 })
  writeFileSync(join(dataDir, restoredName), `${JSON.stringify({ restoredAt: new Date().toISOString() })}\n`)
  print('The next start holds every post whose moment has passed: it may have gone out since the backup.')
}

await runCommand(help, { '': from, '*': from, mark })
