import type { Bench } from './command.ts'

/** What an upgrade can be taken back to. */
export interface SafetyCopy {
  /** The command that restores it. */
  restore: string
}

/**
 * Copies the instance as it is, before it is upgraded.
 * @returns null where no copy can be made from here: the operator is told to have one of their own
 */
export async function safetyCopy({ config }: Bench): Promise<SafetyCopy | null> {
  process.stderr.write(
    config.databaseUrl
      ? 'No safety copy is made of a database of your own: have its backup at hand.\n'
      : 'No safety copy is made: have a backup at hand.\n',
  )
  return null
}
