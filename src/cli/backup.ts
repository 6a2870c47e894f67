import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { drill, type Verdict } from '../backup/check.ts'
import {
  backupFile,
  backupName,
  type LastBackup,
  lastBackupName,
  type Written,
  writeBackup,
} from '../backup/write.ts'
import { clusterHome, unprivileged } from '../db/cluster-home.ts'
import { ownerUser, startEmbedded } from '../db/embedded.ts'
import { Stop } from '../errors.ts'
import { derivePassword } from '../lib/seal.ts'
import { openStorage } from '../storage/open.ts'
import { type Bench, bench, print, readArgs, runCommand } from './command.ts'
import { passphraseOptions, readPassphrase } from './passphrase.ts'
import { progress } from './progress.ts'

const help = `Backups of the whole instance with the embedded database: database, instance secret and pictures in one encrypted
file. The app may run meanwhile.

  bun run backup --passphrase-stdin [--to <file or folder>] [--keep <n>] [--no-verify] [--json]
      Writes a backup, into DATA_DIR/backups unless --to says otherwise, restores it into scratch and compares:
      every table, key and picture. --no-verify leaves that out. --keep deletes older backups of the folder
      but the newest n, once this one is good. --passphrase-file <file> instead of stdin.
  bun run backup drill --passphrase-stdin [--from <file>] [--json]
      Restores a backup, the newest of DATA_DIR/backups unless --from names one, into scratch and compares.

Keep the passphrase where the backup is not: nobody can open the file without it.`

const shortest = 12

export interface Backup extends Written {
  seconds: number
  /** What the test restore found; null when it was left out. */
  verdict: Verdict | null
}

/**
 * Backs the instance up into `to`, a file, and tries the backup unless `verify` is false.
 * @throws Stop in words; a backup that is not good is deleted
 */
export async function backupInstance(
  { config, log }: Bench,
  given: { to: string; passphrase: string; verify: boolean },
): Promise<Backup> {
  if (config.databaseUrl)
    throw new Stop(
      'DATABASE_URL is set, so the database is your own: back it up with its own tools, as docs/operating.md says under "Back up".',
    )
  const home = clusterHome(config.dataDir, unprivileged(), log)
  if (!existsSync(join(home, 'postgres/PG_VERSION')))
    throw new Stop(`There is no database in ${home} yet, so there is nothing to back up: see DATA_DIR.`)
  const began = performance.now()
  const password = derivePassword(config.secret, 'database owner')
  const { socket, dataFolder } = await startEmbedded(config.dataDir, password, log)
  const owner = { socket, user: ownerUser, password, database: 'masthead' }
  const instance = { owner, dataFolder, secret: config.secret, storage: openStorage(config) }
  const bars = shown()
  const written = await writeBackup(instance, given.to, given.passphrase, {
    bytes: bars('backing up', 'bytes'),
    tables: bars('counting', 'workspaces'),
  }).finally(bars.end)
  let verdict: Verdict | null = null
  if (given.verify) {
    verdict = await drill(
      given.to,
      given.passphrase,
      config.dataDir,
      log,
      bars('restoring into scratch', 'bytes'),
    ).finally(bars.end)
    if (verdict.wrong.length > 0) {
      rmSync(given.to, { force: true })
      throw new Stop(
        `The backup is not what it was made from, and was deleted: ${verdict.wrong.slice(0, 5).join('; ')}.`,
      )
    }
  }
  const last: LastBackup = { file: given.to, madeAt: new Date().toISOString(), tried: given.verify }
  writeFileSync(join(config.dataDir, lastBackupName), `${JSON.stringify(last)}\n`, { mode: 0o600 })
  return { ...written, seconds: Math.round(performance.now() - began) / 1000, verdict }
}

/** Progress bars that follow each other. */
export function shown() {
  const open: ReturnType<typeof progress>[] = []
  const end = () => {
    for (const one of open.splice(0)) one.end()
  }
  return Object.assign(
    (what: string, unit: string) => {
      let bar: ReturnType<typeof progress> | null = null
      return (done: number, of: number) => {
        if (!bar) {
          end()
          bar = progress(what, of, unit)
          open.push(bar)
        }
        bar.at(done)
      }
    },
    { end },
  )
}

async function backup(args: string[]): Promise<void> {
  const { values } = readArgs(args, {
    to: { type: 'string' },
    keep: { type: 'string' },
    'no-verify': { type: 'boolean' },
    json: { type: 'boolean' },
    ...passphraseOptions,
  })
  const keep = values.keep === undefined ? null : Number(values.keep)
  if (keep !== null && (!/^\d+$/.test(values.keep ?? '') || keep < 1))
    throw new Stop('Say how many backups to keep: --keep 7.')
  const at = bench()
  const passphrase = await readPassphrase(values)
  if (passphrase.length < shortest)
    throw new Stop(`The passphrase is too short: use at least ${shortest} characters.`)
  const to = fileFor(values.to ?? join(at.config.dataDir, 'backups/'))
  const made = await backupInstance(at, { to, passphrase, verify: !values['no-verify'] })
  const removed = keep === null ? [] : removeOld(dirname(to), keep)
  if (values.json) return print(JSON.stringify({ ...made, removed }))
  print(
    `Backed up ${many(made.workspaces, 'workspace')}, ${many(made.rows, 'row')} and ${many(made.pictures, 'picture file')} in ${made.seconds.toFixed(1)} s: ${made.file} (${megabytes(made.bytes)}).`,
  )
  print(
    made.verdict
      ? 'It was restored into scratch and compared: every table, key and picture is as it was.'
      : 'It was not tried: "bun run backup drill" does that.',
  )
  for (const name of removed) print(`Deleted ${name}.`)
}

/** A folder stands for a file in it that is named after this moment. */
function fileFor(to: string): string {
  const path = resolve(to)
  const folder = to.endsWith('/') || (existsSync(path) && statSync(path).isDirectory())
  return folder ? backupFile(path) : path
}

const backupsIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter(name => backupName.test(name))
        .sort()
    : []

function removeOld(folder: string, keep: number): string[] {
  const old = backupsIn(folder).slice(0, -keep)
  for (const name of old) rmSync(join(folder, name))
  return old
}

async function tryOut(args: string[]): Promise<void> {
  const { values } = readArgs(args, {
    from: { type: 'string' },
    json: { type: 'boolean' },
    ...passphraseOptions,
  })
  const { config, log } = bench()
  const newest = backupsIn(join(config.dataDir, 'backups')).at(-1)
  const from = values.from ?? (newest ? join(config.dataDir, 'backups', newest) : undefined)
  if (!from) throw new Stop(`There is no backup in ${join(config.dataDir, 'backups')}: name one with --from.`)
  if (!existsSync(from)) throw new Stop(`There is no file ${from}.`)
  const passphrase = await readPassphrase(values)
  const began = performance.now()
  const bars = shown()
  const verdict = await drill(
    from,
    passphrase,
    config.dataDir,
    log,
    bars('restoring into scratch', 'bytes'),
  ).finally(bars.end)
  const seconds = Math.round(performance.now() - began) / 1000
  const good = verdict.wrong.length === 0
  if (values.json) print(JSON.stringify({ file: resolve(from), good, seconds, ...verdict }))
  else {
    print(
      `${basename(from)}, made ${verdict.madeAt}: ${many(verdict.workspaces, 'workspace')}, ${many(verdict.tables, 'table')}, ${many(verdict.rows, 'row')}, ${many(verdict.keys, 'key')}, ${many(verdict.pictures, 'picture')}.`,
    )
    for (const line of verdict.wrong) print(`Wrong: ${line}.`)
    if (good) print(`It is good: restored in ${seconds.toFixed(1)} s, and everything is as it was.`)
  }
  if (!good) throw new Stop('This backup is not good: keep an older one, and make another now.')
}

const many = (count: number, one: string) => `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

if (import.meta.main) await runCommand(help, { '': backup, drill: tryOut })
