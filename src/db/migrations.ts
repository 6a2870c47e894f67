import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Stop } from '../errors.ts'

export type Side = 'public' | 'tenant'

export interface Migration {
  number: number
  name: string
  side: Side
  up: string
  down: string
  /** SHA-256 of the up text, so that a migration edited after it ran is noticed. */
  checksum: string
}

/**
 * The oldest level of a tenant that this code can read and write. The code of one version works with tenants at this
 * level and at every newer one: a migration first only adds (expand), and what the code before still needs is taken
 * away one version later (contract). Raise it in the commit whose code first needs what a tenant migration brought.
 * A tenant below it is answered "unavailable" until it is migrated; see `directory.ts`.
 */
export const oldestServedLevel = 18

export const migrationsFolder = join(import.meta.dir, '../../migrations')

/** All migrations of both folders in their one number series. */
export function readMigrations(folder = migrationsFolder): Migration[] {
  const all = (['public', 'tenant'] as const).flatMap(side =>
    readdirSync(join(folder, side))
      .filter(file => file.endsWith('.up.sql'))
      .map(file => {
        const name = file.replace(/\.up\.sql$/, '')
        const up = readFileSync(join(folder, side, file), 'utf8')
        const down = readFileSync(join(folder, side, `${name}.down.sql`), 'utf8')
        const checksum = createHash('sha256').update(up).digest('hex')
        return { number: Number.parseInt(name, 10), name, side, up, down, checksum }
      }),
  )
  all.sort((a, b) => a.number - b.number)
  all.forEach((migration, index) => {
    if (migration.number !== index + 1)
      throw new Stop(
        `The migrations are not numbered in one series: ${migration.name} should be number ${index + 1}.`,
      )
  })
  return all
}

/** A tenant migration's text as single statements, because a batch with an index or a trigger is refused by Citus. */
export function statementsOf(text: string): string[] {
  return text
    .replace(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map(statement => statement.trim())
    .filter(statement => statement !== '')
}
