import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Migration, migrationsFolder, readMigrations, type Side } from '../src/db/migrations.ts'

export interface Extra {
  side: Side
  up: string
  down: string
}

/** Writes migrations of a version to come behind those of the repository, into `folder`. */
function write(folder: string, extras: readonly Extra[]): Migration[] {
  cpSync(migrationsFolder, folder, { recursive: true })
  const known = readMigrations().length
  extras.forEach(({ side, up, down }, at) => {
    const name = `${String(known + 1 + at).padStart(4, '0')}_to_come`
    writeFileSync(join(folder, side, `${name}.up.sql`), up)
    writeFileSync(join(folder, side, `${name}.down.sql`), down)
  })
  return readMigrations(folder).slice(known)
}

/** A folder with the repository's migrations and those of a version to come. */
export function migrationsToCome(...extras: Extra[]): {
  folder: string
  added: Migration[]
  remove(): void
} {
  const folder = mkdtempSync(join(tmpdir(), 'masthead-migrations-'))
  const added = write(folder, extras)
  return { folder, added, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

const root = join(import.meta.dir, '..')

/** The program as a version to come: its sources in a folder of their own, with more migrations. */
export function checkoutToCome(...extras: Extra[]): { folder: string; added: Migration[]; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'masthead-checkout-'))
  for (const part of ['src', 'views', 'public', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  mkdirSync(join(folder, 'migrations'))
  const added = write(join(folder, 'migrations'), extras)
  return { folder, added, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** What a version to come may well want: more about a post, found quickly. */
export const wider: Extra = {
  side: 'tenant',
  up: `-- A campaign groups posts.
alter table {schema}.content add column campaign text;
create index content_campaign on {schema}.content (campaign) where campaign is not null;
`,
  down: `drop index {schema}.content_campaign;
alter table {schema}.content drop column campaign;
`,
}
