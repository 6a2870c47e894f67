import { randomBytes } from 'node:crypto'
import type postgres from 'postgres'
import { Stop } from '../errors.ts'
import { type ClusterFile, listCluster, listWal, openClusterFile } from './cluster-files.ts'
import { type Fingerprints, fingerprint } from './fingerprint.ts'
import { type Address, openPool, type Sql } from './pool.ts'

/** The end of a base backup: what recovery needs beside the data files, and what must be there after it. */
export interface BackupEnd {
  /** Contents of the file `backup_label`. */
  label: string
  /** Name of the restore point that recovery must stop at. */
  point: string
  /** WAL segments, as paths below the data folder. */
  wal: string[]
  /** Every table as it is at the restore point, exactly. */
  tables: Fingerprints
}

export interface BaseBackup {
  serverVersion: string
  files: string[]
  folders: string[]
  /** About how many bytes the files have. */
  bytes: number
  open(name: string): ClusterFile | null
  end(onSchema: (done: number, of: number) => void): Promise<BackupEnd>
  /** Gives everything back; a backup that was not ended is abandoned. */
  close(): Promise<void>
}

/**
 * Begins an online base backup by PostgreSQL's low-level API: one session starts and stops it, and a temporary slot of
 * the same session keeps the WAL. Needs a superuser and the cluster's files.
 * https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 */
export async function beginBackup(address: Address, dataFolder: string): Promise<BaseBackup> {
  const session = await holdSession(address)
  const name = `masthead_${randomBytes(6).toString('hex')}`
  try {
    await session.tx`select pg_create_physical_replication_slot(${name}, true, true)`
    const [start] = await session.tx`
      select pg_backup_start(${name}, fast => true)::text as lsn, current_setting('server_version') as version`
    const [segment] = await session.tx`select pg_walfile_name(${start?.lsn as string}::pg_lsn) as name`
    const listed = listCluster(dataFolder)
    return {
      serverVersion: start?.version as string,
      ...listed,
      open: file => openClusterFile(dataFolder, file),
      async end(onSchema) {
        const [stop] = await session.tx`select labelfile from pg_backup_stop(wait_for_archive => false)`
        const { point, last, tables } = await restorePoint(address, onSchema)
        const wal = listWal(dataFolder, segment?.name as string, last)
        if (wal.at(-1) !== `pg_wal/${last}`) throw new Error(`the WAL segment ${last} is not there`)
        return { label: stop?.labelfile as string, point, wal, tables }
      },
      close: session.close,
    }
  } catch (error) {
    await session.close()
    throw error
  }
}

/**
 * One session for as long as it is wanted. A transaction holds it, because a pool may replace an idle connection; read
 * committed and without a write, it holds nothing else up.
 */
async function holdSession(
  address: Address,
): Promise<{ tx: postgres.TransactionSql; close(): Promise<void> }> {
  const pool = openPool(address, { name: 'masthead backup', max: 1 })
  const ready = Promise.withResolvers<postgres.TransactionSql>()
  const over = Promise.withResolvers<void>()
  const held = pool.begin(tx => {
    ready.resolve(tx)
    return over.promise
  })
  held.catch(ready.reject)
  const close = async () => {
    over.resolve()
    await held.catch(() => {})
    await pool.end({ timeout: 2 })
  }
  return { tx: await ready.promise, close }
}

/** A commit that was flushed is seen by others after this at the latest: it has only its own record to remove from a list. */
const settleMs = 1_000
const mostTries = 10_000

/**
 * Writes a restore point, and reads every table as it is at that very point. A commit can fall between the moment of
 * the snapshot and the restore point, so one statement makes both, and the point is taken only if nothing that the
 * snapshot does not see has committed; else another is made.
 */
async function restorePoint(
  address: Address,
  onSchema: (done: number, of: number) => void,
): Promise<{ point: string; last: string; tables: Fingerprints }> {
  const pool = openPool(address, { name: 'masthead backup', max: 4 })
  try {
    for (let tries = 0; tries < mostTries; tries++) {
      const point = `masthead_${randomBytes(6).toString('hex')}`
      const found = await pool.begin('isolation level repeatable read', async tx => {
        const [made] = await tx.unsafe(
          `select pg_create_restore_point('${point}')::text as lsn, pg_current_snapshot()::text as seen, pg_export_snapshot() as snapshot`,
        )
        // A restore point is not flushed by itself; a switch of the segment is, with everything before it.
        await pool`select pg_switch_wal()`
        if (await unseenCommit(pool, made?.seen as string)) return null
        const [segment] = await tx`select pg_walfile_name(${made?.lsn as string}::pg_lsn) as name`
        const tables = await fingerprint(pool, made?.snapshot as string, onSchema)
        return { point, last: segment?.name as string, tables }
      })
      if (found) return found
      await Bun.sleep(Math.random() * 20)
    }
  } finally {
    await pool.end({ timeout: 2 })
  }
  throw new Stop('The database is so busy that no quiet moment was found for the backup: try again later.')
}

/** Whether a transaction that a snapshot (`xmin:xmax:running,…`) does not see has committed by now. */
async function unseenCommit(sql: Sql, seen: string): Promise<boolean> {
  const [, xmax = '0', running = ''] = seen.split(':')
  const [now] = await sql`select pg_snapshot_xmax(pg_current_snapshot())::text as xmax`
  const unseen = running.split(',').filter(Boolean)
  for (let id = BigInt(xmax); id < BigInt(now?.xmax as string); id++) unseen.push(String(id))
  const until = performance.now() + settleMs
  for (;;) {
    const [answer] = await sql`
      select coalesce(bool_or(pg_xact_status(id::xid8) = 'committed'), false) as committed,
        coalesce(bool_or(pg_xact_status(id::xid8) = 'in progress'), false) as open
      from unnest(${unseen}::text[]) as unseen (id)`
    if (answer?.committed) return true
    if (!answer?.open || performance.now() > until) return false
    await Bun.sleep(20)
  }
}
