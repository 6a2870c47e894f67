import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { backupFile } from '../backup/write.ts'
import { backupInstance } from './backup.ts'
import type { Bench } from './command.ts'

/** What an upgrade can be taken back to. */
export interface SafetyCopy {
  /** The command that restores it. */
  restore: string
}

/**
 * Backs the instance up as it is, tried by a test restore, before it is upgraded. Its passphrase is the instance
 * secret, which whoever upgrades has.
 * @returns null for a database of one's own: the operator is told to have a backup made by its own tools
 * @throws Stop when the copy is not good
 */
export async function safetyCopy(at: Bench): Promise<SafetyCopy | null> {
  const { config } = at
  if (config.databaseUrl) {
    process.stderr.write('No safety copy is made of a database of your own: have its backup at hand.\n')
    return null
  }
  const to = backupFile(join(config.dataDir, 'backups'))
  await backupInstance(at, { to, passphrase: config.secret, verify: true })
  const file = join(config.dataDir, 'secret')
  const passphrase = existsSync(file)
    ? `--passphrase-file ${file}`
    : '--passphrase-stdin (the passphrase is MASTHEAD_SECRET)'
  return { restore: `bun run restore ${to} --into <an empty folder> ${passphrase}` }
}
