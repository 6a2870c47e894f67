import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Stop } from '../../errors.ts'
import { openStorage } from '../../storage/open.ts'
import { exportTenant } from '../../tenants/export.ts'
import { groundOf } from '../../tenants/ground.ts'
import { importTenant } from '../../tenants/import.ts'
import { resumeTenant } from '../../tenants/life.ts'
import { bench, print, readArgs, withDatabase } from '../command.ts'
import { existing, figures, shown, speed, typedPassphrase } from './moving.ts'
import { withTenant } from './place.ts'

export const capsuleHelp = `  bun run tenant export <slug> --to <file> --passphrase-stdin [--json]
      Writes the whole workspace into one file, encrypted to the passphrase on stdin, while the app is running.
  bun run tenant import <file> --passphrase-stdin [--slug <other>] [--copy] [--resume] [--json]
      Makes a workspace of such a file, here or on another machine. It is suspended until tenant
      resume, since two copies would both post; --resume says that there is no other one that runs.
      --copy makes a second one beside the one it came from, with an id of its own.`

/** A person's passphrase guards everything a workspace has; a short one is guessed at leisure. */
const leastPassphrase = 12

export async function exportCapsule(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(
    args,
    { to: { type: 'string' }, 'passphrase-stdin': { type: 'boolean' }, json: { type: 'boolean' } },
    ['slug'],
  )
  if (!values.to) throw new Stop('--to is missing: name the file to write.')
  const passphrase = await typedPassphrase(values['passphrase-stdin'])
  if (passphrase.length < leastPassphrase)
    throw new Stop(`The passphrase is too short: use at least ${leastPassphrase} characters.`)
  const path = resolve(values.to)
  await withTenant(positionals[0] ?? '', async place => {
    const { tenant } = place
    const made = await shown(watch =>
      writeFile(path, async write => {
        const { file, result } = await exportTenant(place, tenant.id, passphrase, watch)
        await write(file)
        return result()
      }),
    )
    const { manifest, checksums, bytes, contentBytes, seconds } = made
    const rows = checksums.tables.reduce((sum, table) => sum + table.rows, 0)
    if (values.json)
      return print(
        JSON.stringify({
          file: path,
          tenant: manifest.tenant,
          level: manifest.level,
          madeAt: manifest.madeAt,
          rows,
          pictures: checksums.media.length,
          missing: checksums.missing,
          tables: checksums.tables,
          ...figures(made),
        }),
      )
    print(
      `Exported ${tenant.slug} to ${path}: ${rows} rows and ${checksums.media.length} files of pictures, ${speed({ bytes, contentBytes, seconds })}.`,
    )
    for (const name of checksums.missing)
      print(`The file of picture ${name} was not there, so the capsule is without it.`)
    print('Keep the passphrase: nobody can open the file without it.')
  })
}

export async function importCapsule(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(
    args,
    {
      slug: { type: 'string' },
      copy: { type: 'boolean' },
      'passphrase-stdin': { type: 'boolean' },
      resume: { type: 'boolean' },
      json: { type: 'boolean' },
    },
    ['file'],
  )
  const path = existing(positionals[0] ?? '')
  const secret = await typedPassphrase(values['passphrase-stdin'])
  const at = bench()
  await withDatabase(at, async db => {
    const ground = groundOf({ ...at, db, storage: openStorage(at.config) })
    const made = await shown(watch =>
      importTenant(ground, { path, secret }, { slug: values.slug, copy: values.copy === true }, watch),
    )
    const { tenant, level, checksums } = made
    const resumed = values.resume ? await resumeTenant(db, tenant.id) : null
    if (values.json)
      return print(
        JSON.stringify({
          tenant,
          state: resumed ? 'active' : 'suspended',
          ...resumed,
          level,
          missing: checksums.missing,
          tables: checksums.tables,
          ...figures(made),
        }),
      )
    const rows = checksums.tables.reduce((sum, table) => sum + table.rows, 0)
    print(
      `Imported ${tenant.name} as ${tenant.slug}: ${rows} rows, every table as it was, and ${checksums.media.length} files of pictures, ${speed(made)}.`,
    )
    if (level.to > level.from) print(`Its tables were lifted from level ${level.from} to ${level.to}.`)
    if (values.copy)
      print('Sessions, API keys and open invitations name the other workspace: this one has none.')
    for (const name of checksums.missing) print(`The file of picture ${name} is not in the capsule.`)
    if (resumed)
      return print(
        `It is served from now on${resumed.late > 0 ? `; ${resumed.late} posts whose moment has passed wait for a person's word` : ''}.`,
      )
    print(
      `It is suspended, because two copies would both post. When the other one is stopped: bun run tenant resume ${tenant.slug}`,
    )
  })
}

/** Writes a file beside and puts it in place whole; never over another one. */
async function writeFile<T>(
  path: string,
  work: (write: (bytes: ReadableStream<Uint8Array>) => Promise<void>) => Promise<T>,
): Promise<T> {
  if (existsSync(path)) throw new Stop(`${path} is there already: name another file.`)
  const part = `${path}.${randomBytes(4).toString('hex')}.part`
  const handle = await open(part, 'wx', 0o600).catch(error => {
    throw unwritable(path, error)
  })
  try {
    const result = await work(async bytes => {
      for await (const piece of bytes) {
        try {
          await handle.write(piece)
        } catch (error) {
          throw unwritable(path, error)
        }
      }
      await handle.sync()
    })
    await rename(part, path)
    return result
  } finally {
    await handle.close()
    await rm(part, { force: true })
  }
}

function unwritable(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new Stop(`The disk of ${path} is full: make room, or name a file elsewhere.`)
  if (code === 'ENOENT') return new Stop(`The folder of ${path} does not exist: make it first.`)
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return new Stop(`${path} cannot be written by this user: name a file elsewhere.`)
  return error
}
