import { stopEmbedded } from '../db/embedded.ts'
import { Stop } from '../errors.ts'
import { bench, print, readArgs, runCommand } from './command.ts'

const help = `  bun run db:stop
      Stops the embedded PostgreSQL of the data folder. The next start of the app, or of a command, starts it again.`

async function stop(args: string[]): Promise<void> {
  readArgs(args, {})
  const { config, log } = bench()
  if (config.databaseUrl)
    throw new Stop('DATABASE_URL is set, so the database is not ours to stop: stop it where it runs.')
  print(
    (await stopEmbedded(config.dataDir, log)) ? 'The database is stopped.' : 'The database was not running.',
  )
}

await runCommand(help, { '': stop })
