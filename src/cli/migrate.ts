import { type MigrationState, migrateDown, migrationStates } from '../db/migrate.ts'
import type { Sql } from '../db/pool.ts'
import { Stop } from '../errors.ts'
import { bench, print, readArgs, runCommand, withDatabase } from './command.ts'
import { withOwner } from './owner.ts'

const help = `Migrations. Every start of the app applies what is pending by itself.

  bun run migrate [--json]          Applies what is pending, for all workspaces.
  bun run migrate status [--json]   Shows what is applied and how many workspaces are behind.
  bun run migrate down --steps <n> --yes
      Undoes the newest n migrations, newest first. What they had added is lost with its data;
      stop the app before, and start the version that belongs to the level afterwards.`

const line = ({ number, name, side, applied, behind }: MigrationState): string =>
  `${String(number).padStart(4, '0')}  ${applied ? 'applied' : 'pending'}  ${side.padEnd(6)}  ${name}${behind > 0 ? `  ${behind} workspaces behind` : ''}`

async function show(owner: Sql, json: boolean | undefined): Promise<void> {
  const states = await migrationStates(owner)
  if (json) return print(JSON.stringify(states))
  for (const state of states) print(line(state))
}

async function up(args: string[]): Promise<void> {
  const { values } = readArgs(args, { json: { type: 'boolean' } })
  await withDatabase(bench(), async db => {
    await show(db.owner, values.json)
    if (!values.json) print('The database is up to date.')
  })
}

async function status(args: string[]): Promise<void> {
  const { values } = readArgs(args, { json: { type: 'boolean' } })
  await withOwner(bench(), owner => show(owner, values.json))
}

async function down(args: string[]): Promise<void> {
  const { values } = readArgs(args, { steps: { type: 'string' }, yes: { type: 'boolean' } })
  const steps = Number(values.steps)
  if (!/^\d+$/.test(values.steps ?? '') || steps < 1)
    throw new Stop('Say how many migrations to undo: --steps 1.')
  const at = bench()
  await withOwner(at, async owner => {
    const applied = (await migrationStates(owner)).filter(state => state.applied)
    const undone = applied.slice(-steps).reverse()
    if (undone.length === 0) throw new Stop('No migration is applied, so there is nothing to undo.')
    if (!values.yes)
      throw new Stop(
        `This undoes ${undone.map(({ name }) => name).join(', ')}, and what they added is lost with its data: add --yes if you mean it.`,
      )
    for (const name of await migrateDown(owner, steps, at.log)) print(`Undone: ${name}`)
  })
}

await runCommand(help, { '': up, status, down })
