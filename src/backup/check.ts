import { createHash } from 'node:crypto'
import { differences, fingerprint } from '../db/fingerprint.ts'
import type { Sql } from '../db/pool.ts'
import { unwrapKey } from '../db/tenants.ts'
import type { Log } from '../lib/log.ts'
import { diskStorage } from '../storage/disk.ts'
import { makeScratch, recover, type Scratch } from './scratch.ts'
import { type Unpacked, unpack } from './unpack.ts'

export interface Verdict {
  madeAt: string
  workspaces: number
  tables: number
  rows: number
  keys: number
  pictures: number
  /** What is not as it was, one line each; empty when the backup is good. */
  wrong: string[]
}

/**
 * Restores a backup into a scratch folder below `parent`, compares it with what it was made from, and deletes it.
 * @throws Stop in words when it cannot even be restored
 */
export async function drill(
  file: string,
  passphrase: string,
  parent: string,
  log: Log,
  onBytes: (done: number, of: number) => void,
): Promise<Verdict> {
  const scratch = await makeScratch(parent, log)
  const give = () => void scratch.discard().finally(() => process.exit(1))
  process.once('SIGINT', give).once('SIGTERM', give)
  try {
    const unpacked = await unpackInto(scratch, file, passphrase, onBytes)
    const server = await recover(scratch, unpacked.secret, unpacked.manifest.point, log)
    try {
      return await check(server.owner, scratch, unpacked)
    } finally {
      await server.stop()
    }
  } finally {
    await scratch.discard()
    process.off('SIGINT', give).off('SIGTERM', give)
  }
}

export const unpackInto = (
  scratch: Scratch,
  file: string,
  passphrase: string,
  onBytes: (done: number, of: number) => void,
): Promise<Unpacked> =>
  unpack(
    file,
    passphrase,
    { postgres: scratch.postgres, media: scratch.folder, identity: scratch.identity },
    onBytes,
  )

/** Compares a recovered backup with its manifest: every table, every key, every picture. */
export async function check(
  owner: Sql,
  scratch: Scratch,
  { head, manifest, secret }: Unpacked,
): Promise<Verdict> {
  const after = await fingerprint(owner)
  const wrong = differences(manifest.tables, after)
  const all = Object.values(after).flatMap(tables => Object.values(tables))
  const keys = await openKeys(owner, secret, wrong)
  return {
    madeAt: head.madeAt,
    workspaces: Object.keys(after).length - 1,
    tables: all.length,
    rows: all.reduce((sum, [rows]) => sum + rows, 0),
    keys,
    pictures: await comparePictures(owner, scratch, wrong),
    wrong,
  }
}

/** @returns how many data keys open with the secret */
async function openKeys(owner: Sql, secret: string, wrong: string[]): Promise<number> {
  const keys = await owner`
    select id, data_key from public.tenants union all select tenant_id, data_key from public.tenant_keys`
  let opened = 0
  for (const { id, data_key } of keys)
    try {
      unwrapKey(secret, id as string, data_key as Uint8Array)
      opened++
    } catch {
      wrong.push(`a key of the workspace ${id} does not open with the secret of the backup`)
    }
  return opened
}

/** Every picture that a workspace names must be there with the bytes it had. @returns how many are */
async function comparePictures(owner: Sql, scratch: Scratch, wrong: string[]): Promise<number> {
  const files = diskStorage(scratch.folder)
  const tenants =
    await owner`select id, schema_name from public.tenants where state <> 'creating' order by id`
  let same = 0
  for (const { id, schema_name } of tenants) {
    const media = await owner`
      select id, sha256 from ${owner(`${schema_name}.media`)} where removed_at is null order by id`
    for (const { id: picture, sha256 } of media) {
      const body = await files.read(`media/${id}/${picture}`)
      if (!body) wrong.push(`the picture ${picture} of the workspace ${id} is missing`)
      else if ((await hashOf(body)) === sha256) same++
      else
        wrong.push(`the picture ${picture} of the workspace ${id} has other bytes than it was uploaded with`)
    }
  }
  return same
}

async function hashOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) hash.update(chunk)
  return hash.digest('hex')
}
