/** Installs the older PostgreSQL versions into their own folder, once per lockfile: 180 MB that only tests need. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { linkLibraries } from '../../../src/db/embedded.ts'

const folder = import.meta.dir
const stampFile = join(folder, 'node_modules', '.installed')
export const olderVersions = [15, 16, 17] as const
export type OlderVersion = (typeof olderVersions)[number]

const platform = process.platform === 'win32' ? 'windows' : process.platform
const packageOf = (version: OlderVersion) =>
  join(folder, 'node_modules', `postgres-${version}-${platform}-${process.arch}`)
const wantedStamp = () =>
  new Bun.CryptoHasher('sha256').update(readFileSync(join(folder, 'bun.lock'))).digest('hex')

/** True when what is installed fits this lockfile. */
export const hasOlderPostgres = (): boolean =>
  existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wantedStamp()

/** Where the programs of an older version are. */
export const olderBinaries = (version: OlderVersion) =>
  import(join(packageOf(version), 'dist', 'index.js')) as Promise<{ initdb: string; pg_ctl: string }>

/** Installs when needed. Answers `present` (nothing to do), `installed`, or in words what is in the way. */
export async function installOlderPostgres(): Promise<'present' | 'installed' | { cannot: string }> {
  if (hasOlderPostgres()) return 'present'
  const child = Bun.spawn([process.execPath, 'install', '--linker', 'hoisted', '--frozen-lockfile'], {
    cwd: folder,
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 5 * 60_000,
  })
  const [, words, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  if (code !== 0) return { cannot: `its installation failed (exit ${code}): ${words.trim().slice(-300)}` }
  for (const version of olderVersions) {
    if (!existsSync(packageOf(version)))
      return { cannot: `there is no PostgreSQL ${version} for ${platform}-${process.arch} on npm` }
    linkLibraries(join(packageOf(version), 'native'))
  }
  writeFileSync(stampFile, wantedStamp())
  return 'installed'
}
