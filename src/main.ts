import { readConfig } from './config.ts'
import { Stop } from './errors.ts'
import { start } from './start.ts'

try {
  const running = await start(readConfig())
  const [tenant] = await running.services.db
    .sql`select 1 from public.tenants where state <> 'creating' limit 1`
  const next = tenant
    ? 'sign in there.'
    : `open it and set up your workspace with the code ${running.services.setupCode}`
  const end = (atOnce: boolean) => {
    running.stop(atOnce).then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGTERM', () => end(false))
  process.on('SIGINT', () => end(true))
  process.stdout.write(`Masthead is ready at ${running.address} – ${next}\n`)
} catch (error) {
  const words =
    error instanceof Stop ? error.message : `Masthead could not start: ${(error as Error).message}`
  process.stderr.write(`${words}\n`)
  process.exit(1)
}
