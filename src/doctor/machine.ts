import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { restoredName } from '../backup/restore.ts'
import { type LastBackup, lastBackupName } from '../backup/write.ts'
import { listCluster } from '../db/cluster-files.ts'
import { clusterHome, unprivileged } from '../db/cluster-home.ts'
import { createLog } from '../lib/log.ts'
import { type Check, type Finding, fail, ok, type Patient, warn } from './check.ts'

const gigabyte = 1e9
/** PostgreSQL stops when its disk is full, so this is early. */
const leastFree = { fail: 0.2 * gigabyte, warn: 1 * gigabyte }
const leastInodes = 10_000
const oldBackupDays = 7

const gigabytes = (bytes: number) => `${(bytes / gigabyte).toFixed(1)} GB`
const quiet = createLog({ level: 'silent', json: false })

/** What can be seen without the database. */
export const machineChecks: readonly Check<Patient>[] = [
  { name: 'data folder', run: dataFolder },
  { name: 'disk', run: disk },
  { name: 'secret', run: secretFile },
  { name: 'port', run: port },
  { name: 'public address', run: publicAddress },
  { name: 'backups', run: backups },
  { name: 'restore', run: restored },
]

async function dataFolder({ config: { dataDir } }: Patient): Promise<Finding> {
  if (!existsSync(dataDir)) return warn(`${dataDir} is not there yet`, 'the first start makes it')
  if (!statSync(dataDir).isDirectory())
    return fail(`${dataDir} is no folder`, 'move the file away, or set DATA_DIR to a folder')
  const probe = join(dataDir, `.doctor-${process.pid}`)
  try {
    writeFileSync(probe, 'written')
    rmSync(probe)
  } catch (error) {
    return fail(
      `${dataDir} cannot be written (${(error as NodeJS.ErrnoException).code})`,
      'give this user the right to, make room, or set DATA_DIR to another folder',
    )
  }
  return ok(`${dataDir} can be written`)
}

async function disk({ config: { dataDir, databaseUrl } }: Patient): Promise<Finding | null> {
  if (!existsSync(dataDir)) return null
  const { bavail, bsize, ffree, files } = await statfs(dataDir)
  const free = bavail * bsize
  const said = `${gigabytes(free)} free`
  if (free < leastFree.fail)
    return fail(`only ${said}`, 'make room now: a database stops when its disk is full')
  if (files > 0 && ffree < leastInodes)
    return fail(
      `only ${ffree} more files can be made`,
      'use a file system with more inodes: each workspace needs about a hundred files',
    )
  if (free < leastFree.warn) return warn(`only ${said}`, 'make room soon')
  const cluster = databaseUrl ? null : join(clusterHome(dataDir, unprivileged(), quiet), 'postgres')
  const needed = cluster && existsSync(cluster) ? listCluster(cluster).bytes : 0
  // A backup that is tried is there twice: as a file, and unpacked.
  if (free < needed * 1.5)
    return warn(
      `${said}, and the database has ${gigabytes(needed)}`,
      `a backup that is tried needs about ${gigabytes(needed * 1.5)}: make room, or back up with --no-verify to another disk`,
    )
  return ok(needed > 0 ? `${said}, the database has ${gigabytes(needed)}` : said)
}

async function secretFile({
  config: { dataDir, databaseUrl },
  secret,
  environment,
}: Patient): Promise<Finding> {
  const file = join(dataDir, 'secret')
  const there = existsSync(file)
  if (!secret) {
    const used = databaseUrl !== null || existsSync(join(dataDir, 'postgres'))
    return used
      ? fail(
          there
            ? `${file} holds no usable secret`
            : `there is no secret, neither in MASTHEAD_SECRET nor in ${file}`,
          'restore it from a backup: without it the tokens of the accounts cannot be opened',
        )
      : warn('there is no secret yet', 'the first start makes it')
  }
  if (
    there &&
    environment.MASTHEAD_SECRET &&
    readFileSync(file, 'utf8').trim() !== environment.MASTHEAD_SECRET
  )
    return warn(
      `MASTHEAD_SECRET is used, and ${file} holds another one`,
      'remove the one that is not needed, so that nobody starts with it by mistake',
    )
  if (secret.from === 'MASTHEAD_SECRET') return ok('from MASTHEAD_SECRET')
  const mode = statSync(file).mode & 0o777
  if (mode & 0o077)
    return fail(`${file} can be read by others (mode ${mode.toString(8)})`, `chmod 600 ${file}`)
  return ok(`in ${file}, for its owner only`)
}

async function port({ config: { host, port: number } }: Patient): Promise<Finding | null> {
  if (number === 0) return null
  const where = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host
  const base = `http://${where.includes(':') ? `[${where}]` : where}:${number}`
  const ask = (path: string) =>
    fetch(`${base}${path}`, { signal: AbortSignal.timeout(5_000), redirect: 'manual' })
  let answer: Response
  try {
    answer = await ask('/healthz')
  } catch (error) {
    if (
      /ConnectionRefused|ECONNREFUSED|Unable to connect/i.test(
        `${(error as { code?: string }).code} ${error}`,
      )
    )
      return number < 1024 && process.getuid?.() !== 0
        ? warn(`${number} is free, and only root may listen there`, 'set PORT to one above 1023')
        : ok(`${number} is free; Masthead is not running`)
    return fail(
      `something listens on ${number}, and does not answer as Masthead does`,
      'stop it, or set PORT to another one',
    )
  }
  if (answer.status !== 200 || (await answer.text()) !== 'ok\n')
    return fail(`another program listens on ${number}`, 'stop it, or set PORT to another one')
  const ready = await ask('/readyz')
  const [first = '', ...lines] = (await ready.text()).trim().split('\n')
  if (ready.status !== 200)
    return fail(
      `Masthead runs on ${number} and is not ready: ${lines.join('; ')}`,
      'see the checks below, and its log',
    )
  return lines.length > 0
    ? warn(`Masthead runs on ${number}: ${lines.join('; ')}`, 'see the checks below')
    : ok(`Masthead runs on ${number}: ${first}`)
}

async function publicAddress({ config: { publicUrl, host, production } }: Patient): Promise<Finding> {
  const local = ['127.0.0.1', 'localhost', '::1'].includes(host)
  if (!publicUrl)
    return local && !production
      ? ok('PUBLIC_URL is not set: for this machine only')
      : warn(
          'PUBLIC_URL is not set, so links in feeds and mails lead to this machine',
          'set PUBLIC_URL to the address that people type',
        )
  const away = !['127.0.0.1', 'localhost', '[::1]'].includes(publicUrl.hostname)
  if (publicUrl.pathname !== '/' || publicUrl.search)
    return fail(
      `PUBLIC_URL has a path (${publicUrl.pathname})`,
      'Masthead lives at the root of a host: leave the path out',
    )
  if (away && publicUrl.protocol === 'http:')
    return warn(
      `PUBLIC_URL is ${publicUrl.origin}, without encryption`,
      'put a proxy with a certificate before it, and set PUBLIC_URL to https',
    )
  return ok(publicUrl.origin)
}

async function backups({ config: { dataDir, databaseUrl } }: Patient): Promise<Finding | null> {
  if (!existsSync(dataDir)) return null
  if (databaseUrl) return ok('the database is your own, and so are its backups: see docs/operating.md')
  const cure = 'bun run backup --passphrase-file <file> --to <folder on another disk>, every night'
  const note = join(dataDir, lastBackupName)
  if (!existsSync(note)) return warn('none was ever made', cure)
  const { file, madeAt, tried } = JSON.parse(readFileSync(note, 'utf8')) as LastBackup
  const days = Math.floor((Date.now() - Date.parse(madeAt)) / 86_400_000)
  const said = `the last was made ${days < 1 ? 'within a day' : `${days} days ago`} (${file})`
  if (days > oldBackupDays) return warn(said, cure)
  return tried
    ? ok(said)
    : warn(`${said}, and not tried`, 'bun run backup drill --passphrase-file <file> --from <it>')
}

async function restored({ config: { dataDir } }: Patient): Promise<Finding | null> {
  return existsSync(join(dataDir, restoredName))
    ? warn(
        'a backup was restored, and Masthead was not started since',
        'the first start holds every post whose moment has passed: look through them on Today',
      )
    : null
}
