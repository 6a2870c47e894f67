import { createApp } from '../app.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { deleteTenantSchema } from '../db/tenants.ts'
import { Stop } from '../errors.ts'
import { createWorker } from '../jobs/worker.ts'
import { openServices } from '../open.ts'
import type { Services } from '../services.ts'
import { start } from '../start.ts'
import { bench, print, readArgs, runCommand } from './command.ts'
import { password, people, slug } from './demo/cast.ts'
import { restoreClock, withMovedClock } from './demo/clock.ts'
import { fill } from './demo/fill.ts'

const help = `The demo: one made-up workspace, Northwind Coffee, with four people and a month of posts.

  bun run demo [--no-start] [--yes]
      Fills it once, prints the logins and starts the app; --no-start only fills.
      It moves the database's clock into the past while it fills, so it wants a database without other workspaces:
      --yes says that you do not mind. Erase it again with: bun run tenant erase ${slug} --yes`

async function demo(args: string[]): Promise<void> {
  const { values } = readArgs(args, { 'no-start': { type: 'boolean' }, yes: { type: 'boolean' } })
  const { config } = bench()
  await prepare(config, values.yes === true)
  for (const { name, email, role } of Object.values(people))
    print(`${role.padEnd(8)}  ${name.padEnd(14)}  ${email.padEnd(24)}  ${password}`)
  if (values['no-start']) return
  const running = await start(config)
  print(
    `Masthead is ready at ${running.address} – sign in as one of these four at ${running.address}/w/${slug}.`,
  )
  await new Promise<void>((resolve, reject) => {
    const end = () => void running.stop().then(resolve, reject)
    process.on('SIGTERM', end)
    process.on('SIGINT', end)
  })
}

/** Fills the demo's workspace unless it is there. */
async function prepare(config: Config, others: boolean): Promise<void> {
  // A hundred posts at once are no news, and nobody reads mail at the addresses of invented people.
  const quiet: Config = {
    ...config,
    logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel,
    smtpUrl: null,
  }
  const { services, close } = await openServices(quiet)
  try {
    await restoreClock(services.db.owner)
    if (await isFilled(services)) return print('Northwind Coffee is there already, as it was left.')
    const [other] = await services.db.sql`select slug from public.tenants limit 1`
    if (other && !others)
      throw new Stop(
        `There is a workspace here (${other.slug}), and the demo moves the database's clock while it fills: use an empty DATA_DIR, or add --yes if you do not mind.`,
      )
    print('Filling Northwind Coffee …')
    const began = performance.now()
    // Who hears of events is told as the app is made; it does not listen.
    createApp(services)
    const worker = createWorker(services)
    await withMovedClock(services.db.owner, clock => fill(services, worker, clock))
    await worker.stop(5_000)
    print(`Filled in ${((performance.now() - began) / 1000).toFixed(1)} s.`)
  } finally {
    await close()
  }
}

/** Whether the demo is there, whole. What a cut-off run has left is erased; a workspace of somebody else's is refused. */
async function isFilled({ db, files }: Services): Promise<boolean> {
  const [tenant] = await db.sql`select id, state from public.tenants where slug = ${slug}`
  if (!tenant) return false
  if (tenant.state !== 'active')
    throw new Stop(
      `The workspace "${slug}" is there, but not in use: bun run tenant show ${slug} says why, and tenant erase ${slug} --yes --now clears it away.`,
    )
  const id = tenant.id as string
  const marks = await marksOf(db, id)
  if (marks.includes('filled')) return true
  if (!marks.includes('begun'))
    throw new Stop(
      `There is a workspace "${slug}" here that is not the demo's: use another DATA_DIR, or another database.`,
    )
  print('A former run of the demo was cut off: starting over.')
  await deleteTenantSchema(db.owner, id)
  await files.removeTenant(id)
  db.forgetTenant(id)
  return false
}

async function marksOf(db: Database, tenantId: string): Promise<string[]> {
  const rows = await db.within(
    { tenantId, userId: null, role: 'system' },
    ({ sql }) =>
      sql`select data->>'demo' as mark from events where type = 'workspace.changed' and data ? 'demo'`,
  )
  return rows.map(row => row.mark as string)
}

await runCommand(help, { '': demo })
