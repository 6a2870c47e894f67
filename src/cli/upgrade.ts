import { statfsSync } from 'node:fs'
import { join } from 'node:path'
import { clusterHome, unprivileged } from '../db/cluster-home.ts'
import { checkUpgrade, type Finding, inMegabytes, type UpgradeCheck } from '../db/upgrade-check.ts'
import { Stop } from '../errors.ts'
import { type Bench, bench, print, readArgs, runCommand } from './command.ts'
import { failureWords, migrateShown, moveLine, readWorkers } from './migrating.ts'
import { withOwner } from './owner.ts'
import { type Progress, progress } from './progress.ts'
import { safetyCopy } from './safety-copy.ts'

const help = `Upgrades. Run these with the files of the new version; the app may go on with the old ones meanwhile.

  bun run upgrade check [<slug>] [--workers <n>] [--json]
      Rehearses what is pending on copies of all workspaces, or of one: whether it goes through, whether a row would be
      lost, what would change, how long it takes and what it writes. Nothing is kept of the copies.
  bun run upgrade [--yes] [--workers <n>] [--json]
      Rehearses, makes a safety copy, migrates, and says the one command that goes back. Without --yes it only says
      what it would do. It stops when the rehearsal finds anything that speaks against it.`

/** @throws Stop when the database cannot be asked, or there is no such workspace */
async function checkShown(
  at: Bench,
  slug: string | undefined,
  workers: number,
): Promise<UpgradeCheck | null> {
  let bar: Progress | undefined
  const check = await withOwner(at, owner =>
    checkUpgrade(owner, {
      slug,
      workers,
      free: freeBytes(at),
      onProgress(done, total) {
        bar ??= progress('rehearsing', total, 'workspaces')
        bar.at(done)
      },
    }),
  )
  bar?.end()
  return check
}

/** Room where the embedded database lies; the disk of a database of one's own is not ours to see. */
function freeBytes({ config, log }: Bench): number | null {
  if (config.databaseUrl) return null
  const { bavail, bsize } = statfsSync(join(clusterHome(config.dataDir, unprivileged(), log), 'postgres'))
  return bavail * bsize
}

function show(check: UpgradeCheck): void {
  const { pending, tenants, rehearsed, problems, changes, slowest, diskNeeded, diskFree } = check
  for (const { name, side } of pending)
    print(`Pending: ${name} (${side === 'public' ? 'shared tables' : 'workspaces'})`)
  print(
    `Rehearsed on copies of ${rehearsed.toLocaleString('en')} of ${count(tenants)} to migrate, in ${inTime(check.seconds)}: ${problems.length === 0 ? 'everything went through, and no row is lost.' : 'something speaks against it.'}`,
  )
  for (const problem of problems) print(`Problem: ${found(problem)}`)
  for (const change of changes) print(`Change: ${found(change)}`)
  const longest = slowest ? `, the slowest workspace (${slowest.slug}) ${inTime(slowest.seconds)}` : ''
  print(`Time: about ${inTime(check.estimateSeconds)}${longest}.`)
  const room =
    diskFree === null ? 'look at your database server for what is free' : `${inMegabytes(diskFree)} are free`
  print(`Disk: it writes up to ${inMegabytes(diskNeeded)}; ${room}.`)
}

const count = (tenants: number) =>
  `${tenants.toLocaleString('en')} ${tenants === 1 ? 'workspace' : 'workspaces'}`
const inTime = (seconds: number) =>
  seconds < 10
    ? `${seconds.toFixed(1)} s`
    : seconds < 120
      ? `${Math.round(seconds)} s`
      : `${Math.round(seconds / 60)} min`
const found = ({ words, tenants, slugs }: Finding) =>
  tenants === 0
    ? `${words}.`
    : `${words} (${count(tenants)}: ${slugs.join(', ')}${tenants > slugs.length ? ', …' : ''}).`

const nothing = 'Nothing is pending: the database is at the level of this version.'

function problemWords(check: UpgradeCheck): string {
  const [first] = check.problems
  const more = check.problems.length > 1 ? ` and ${check.problems.length - 1} more` : ''
  return `The upgrade would not go well: ${first ? found(first).replace(/\.$/, '') : ''}${more}. Nothing was changed; mend that first, or, if it is meant so, run "bun run migrate" yourself.`
}

async function check(args: string[]): Promise<void> {
  const options = { json: { type: 'boolean' }, workers: { type: 'string' } } as const
  const [slug] = args[0] !== undefined && !args[0].startsWith('-') ? args : []
  const { values } = readArgs(slug === undefined ? args : args.slice(1), options)
  const result = await checkShown(bench(), slug, readWorkers(values.workers))
  if (values.json) print(JSON.stringify({ ok: !result?.problems.length, ...(result ?? { pending: [] }) }))
  else if (result) show(result)
  else print(nothing)
  if (result && result.problems.length > 0) throw new Stop(problemWords(result))
}

async function upgrade(args: string[]): Promise<void> {
  const { values } = readArgs(args, {
    yes: { type: 'boolean' },
    json: { type: 'boolean' },
    workers: { type: 'string' },
  })
  const workers = readWorkers(values.workers)
  const at = bench()
  const checked = await checkShown(at, undefined, workers)
  if (!checked) return print(values.json ? JSON.stringify({ ok: true, applied: [] }) : nothing)
  if (!values.json) show(checked)
  if (checked.problems.length > 0) throw new Stop(problemWords(checked))
  if (!values.yes) throw new Stop('Nothing was changed: add --yes to make a safety copy and migrate.')
  const copy = await safetyCopy(at)
  const result = await migrateShown(at, workers)
  // A migration that only some workspaces still lacked is not undone for all of them.
  const steps = result.names.length
  const back = steps > 0 ? `bun run migrate down --steps ${steps} --yes` : null
  if (values.json)
    print(
      JSON.stringify({
        ok: result.failed.length === 0,
        applied: result.names,
        workspaces: result.moved,
        failed: result.failed.map(({ slug, migration, reason }) => ({ slug, migration, reason })),
        seconds: Math.round(result.seconds * 10) / 10,
        back,
        restore: copy?.restore ?? null,
      }),
    )
  else {
    for (const name of result.names) print(`Applied: ${name}`)
    print(moveLine(result))
    if (back) print(`To go back, with the files of this version: ${back}`)
    if (copy) print(`The safety copy of before: ${copy.restore}`)
  }
  if (result.failed.length > 0) throw new Stop(failureWords(result.failed, 'bun run migrate'))
}

await runCommand(help, { '': upgrade, check })
