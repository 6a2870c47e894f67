import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { Stop } from '../../errors.ts'
import { eraseTenant } from '../../tenants/erase.ts'
import { readTenant, type TenantSheet } from '../../tenants/find.ts'
import { graceDays, keepTenant, planErasure } from '../../tenants/life.ts'
import { print, readArgs } from '../command.ts'
import { inMegabytes, inMinutes, type Place, withTenant } from './place.ts'

/** `tenant erase` */
export async function erase(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(
    args,
    {
      yes: { type: 'boolean' },
      now: { type: 'boolean' },
      keep: { type: 'boolean' },
      json: { type: 'boolean' },
    },
    ['slug'],
  )
  if (values.keep && values.now) throw new Stop('--keep and --now contradict each other: choose one.')
  await withTenant(positionals[0] ?? '', async place => {
    const { slug } = place.tenant
    if (values.keep) return keep(place, values.json === true)
    if (!values.yes)
      throw new Stop(
        `This erases ${slug} with all its posts, pictures and logins, ${values.now ? 'at once and for good' : `for good after ${graceDays} days`}: add --yes if you mean it.`,
      )
    // One that was begun and cut off is finished, whatever was asked.
    if (values.now || place.tenant.state === 'erasing') return eraseNow(place, values.json === true)
    return plan(place, values.json === true)
  })
}

async function plan({ db, tenant }: Place, json: boolean): Promise<void> {
  const eraseAfter = (
    await planErasure(db, { tenantId: tenant.id, userId: null, role: 'system' })
  ).toISOString()
  if (json) return print(JSON.stringify({ id: tenant.id, slug: tenant.slug, erased: false, eraseAfter }))
  print(`${tenant.slug} is closed and will be erased after ${inMinutes(eraseAfter)}, by the running app.`)
  print(`Until then: tenant erase ${tenant.slug} --keep takes it back; --now --yes does not wait.`)
}

async function keep({ db, tenant }: Place, json: boolean): Promise<void> {
  const { served, late } = await keepTenant(db, { tenantId: tenant.id, userId: null, role: 'system' })
  if (json)
    return print(
      JSON.stringify({ id: tenant.id, slug: tenant.slug, state: served ? 'active' : 'suspended', late }),
    )
  print(
    served
      ? `The erasure of ${tenant.slug} is taken back: it is served again.`
      : `The erasure of ${tenant.slug} is taken back. It stays suspended: “${tenant.reason}”`,
  )
  if (late > 0) print(`${late} of its posts wait for a person's word, because their moment passed.`)
}

async function eraseNow(place: Place, json: boolean): Promise<void> {
  const { db, storage, tenant, config } = place
  const sheet = await readTenant(db, storage, tenant)
  await eraseTenant(db, storage, tenant.id)
  const erasedAt = new Date().toISOString()
  const remains = await whatRemains(config, place)
  if (json)
    return print(
      JSON.stringify({
        id: tenant.id,
        slug: tenant.slug,
        erased: true,
        erasedAt,
        files: sheet.files,
        bytes: sheet.bytes,
        remains,
      }),
    )
  for (const line of whatWent(sheet, erasedAt)) print(line)
  print('What is already published stays where it was published.')
  for (const line of remains) print(line)
  print('A running app forgets the workspace within 30 seconds; its data is gone at once.')
}

function whatWent(
  { slug, formerSlugs, people, content, files, bytes, keys }: TenantSheet,
  at: string,
): string[] {
  const logins = Object.values(people).reduce((sum, count) => sum + count, 0)
  const addresses = [slug, ...formerSlugs]
  return [
    `Erased ${slug} at ${at}.`,
    `  schema and role, ${inMegabytes(bytes.database)}: ${content} ${content === 1 ? 'piece' : 'pieces'} of content, ${logins} ${logins === 1 ? 'login' : 'logins'} and everything else in it`,
    `  ${keys.others.length + 1} data ${keys.others.length === 0 ? 'key' : 'keys'}: what a copy still holds sealed under ${keys.others.length === 0 ? 'it' : 'them'} opens only with a copy of the key`,
    `  files: ${files.media} of pictures (${inMegabytes(bytes.media)}), ${files.snapshots} of snapshots, ${files.exports} of exports`,
    `  its sign-in directory entries and ${addresses.length === 1 ? 'its address' : `its addresses ${addresses.join(', ')}`}, free for others now`,
  ]
}

/** What still holds it, with the dates that are known. */
async function whatRemains(config: Config, { db }: Place): Promise<string[]> {
  const backups = await filesBelow(join(config.dataDir, 'backups'))
  return [
    ...(config.databaseUrl
      ? [
          'The write-ahead log of your PostgreSQL, its archive and its base backups still hold it: it is gone when the last backup made before this moment, and the archived log up to it, have been deleted.',
        ]
      : [await embeddedLog(db)]),
    ...(backups.length > 0
      ? [
          'Backups made before this moment still hold it, until they are deleted:',
          ...backups.map(
            ({ name, changedAt }) => `  ${join(config.dataDir, 'backups', name)}, of ${inMinutes(changedAt)}`,
          ),
        ]
      : []),
    `Backups of the database and of the data folder kept elsewhere hold it until the last of them made before this moment has been deleted.`,
  ]
}

/**
 * Of the embedded database the log is all that is left. Segments are written over in turn; with a checkpoint the files of
 * dropped tables are gone from the disk (https://www.postgresql.org/docs/current/wal-configuration.html).
 */
async function embeddedLog({ owner }: Place['db']): Promise<string> {
  await owner`checkpoint`
  const [row] = await owner`
    select current_setting('max_wal_size') as most, count(*)::int as files, coalesce(sum(size), 0)::float8 as bytes
    from pg_ls_waldir()`
  return `The database's write-ahead log (${row?.files} files, ${inMegabytes(row?.bytes as number)}) may hold its rows until it is written over: at the latest when ${row?.most} more have been written. There is no date for that; it depends on how much is done.`
}

async function filesBelow(folder: string): Promise<{ name: string; changedAt: string }[]> {
  const names = await readdir(folder).catch(error => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  return Promise.all(
    names.sort().map(async name => ({
      name,
      changedAt: (await stat(join(folder, name))).mtime.toISOString(),
    })),
  )
}
