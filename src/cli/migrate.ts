import { type MigrationState, migrationStates } from '../db/ledger.ts'
import { defaultWorkers, migrateDown } from '../db/migrate.ts'
import type { Sql } from '../db/pool.ts'
import { Stop } from '../errors.ts'
import { bench, print, readArgs, runCommand } from './command.ts'
import { failureWords, migrateShown, moveLine, readWorkers, shown, type Timed } from './migrating.ts'
import { withOwner } from './owner.ts'

const help = `Migrations. Every start of the app applies what is pending by itself.

  bun run migrate [--workers <n>] [--json]
      Applies what is pending, for all workspaces, ${defaultWorkers} at once if nothing else is said. A workspace that fails is
      named and keeps its level, and the others go on; run it again when that one is mended.
  bun run migrate status [--json]
      Shows what is applied and how many workspaces are behind.
  bun run migrate down --steps <n> --yes [--workers <n>] [--json]
  bun run migrate down --to <number> --yes
      Undoes the newest n migrations, or all that are newer than the number, newest first. What they had added is lost
      with its data; stop the app before, and start the version that belongs to the level afterwards. After an
      interruption say it with --to: it may be said again.`

const line = ({ number, name, side, applied, behind }: MigrationState): string =>
  `${String(number).padStart(4, '0')}  ${applied ? 'applied' : 'pending'}  ${side.padEnd(6)}  ${name}${behind > 0 ? `  ${behind} workspaces behind` : ''}`

const asJson = ({ names, moved, failed, seconds }: Timed, word: 'applied' | 'undone'): string =>
  JSON.stringify({
    ok: failed.length === 0,
    [word]: names,
    workspaces: moved,
    failed: failed.map(({ slug, migration, reason }) => ({ slug, migration, reason })),
    seconds: Math.round(seconds * 10) / 10,
  })

async function up(args: string[]): Promise<void> {
  const { values } = readArgs(args, { json: { type: 'boolean' }, workers: { type: 'string' } })
  const result = await migrateShown(bench(), readWorkers(values.workers))
  if (values.json) print(asJson(result, 'applied'))
  else {
    for (const name of result.names) print(`Applied: ${name}`)
    if (result.moved > 0) print(moveLine(result))
  }
  if (result.failed.length > 0) throw new Stop(failureWords(result.failed, 'bun run migrate'))
  if (!values.json) print('The database is up to date.')
}

async function status(args: string[]): Promise<void> {
  const { values } = readArgs(args, { json: { type: 'boolean' } })
  await withOwner(bench(), async owner => {
    const states = await migrationStates(owner)
    if (values.json) return print(JSON.stringify(states))
    for (const state of states) print(line(state))
  })
}

async function down(args: string[]): Promise<void> {
  const { values } = readArgs(args, {
    steps: { type: 'string' },
    to: { type: 'string' },
    yes: { type: 'boolean' },
    json: { type: 'boolean' },
    workers: { type: 'string' },
  })
  const workers = readWorkers(values.workers)
  const at = bench()
  await withOwner(at, async owner => {
    const undoing = await toUndo(owner, values)
    if (!values.yes)
      throw new Stop(
        `This undoes ${undoing.map(({ name }) => name).join(', ')}, and what they added is lost with its data: add --yes if you mean it.`,
      )
    const to = (undoing.at(-1)?.number ?? 1) - 1
    const result = await shown('undoing', onProgress =>
      migrateDown(owner, { to }, at.log, { workers, onProgress }),
    )
    if (values.json) print(asJson(result, 'undone'))
    else {
      for (const name of result.names) print(`Undone: ${name}`)
      if (result.moved > 0) print(moveLine(result))
    }
    if (result.failed.length > 0)
      throw new Stop(failureWords(result.failed, `bun run migrate down --to ${to} --yes`))
  })
}

/** The migrations to undo, newest first. @throws Stop when the wish is not clear, or there is nothing to undo */
async function toUndo(
  owner: Sql,
  wish: { steps?: string | undefined; to?: string | undefined },
): Promise<MigrationState[]> {
  const number = /^\d{1,6}$/
  const steps = number.test(wish.steps ?? '') ? Number(wish.steps) : 0
  if (wish.to === undefined ? steps < 1 : wish.steps !== undefined || !number.test(wish.to))
    throw new Stop(
      'Say how many migrations to undo, --steps 1, or down to which number, --to 4; one of the two.',
    )
  const newest = (await migrationStates(owner)).filter(({ applied }) => applied).reverse()
  const undoing =
    wish.to === undefined ? newest.slice(0, steps) : newest.filter(state => state.number > Number(wish.to))
  if (undoing.length === 0)
    throw new Stop(
      newest.length === 0
        ? 'No migration is applied, so there is nothing to undo.'
        : `Nothing newer than ${wish.to} is applied, so there is nothing to undo.`,
    )
  return undoing
}

await runCommand(help, { '': up, status, down })
