import { createApp } from './app.ts'
import type { Config } from './config.ts'
import { type WatchTimes, watch } from './db/watchdog.ts'
import { Stop } from './errors.ts'
import { crontab } from './jobs/crontab.ts'
import { startScheduler } from './jobs/scheduler.ts'
import { createWorker } from './jobs/worker.ts'
import { openServices } from './open.ts'
import type { Services } from './services.ts'

export interface Running {
  services: Services
  /** Where it listens, as an address for a browser. */
  address: string
  /** Lets requests and posts in flight end, then closes everything. Repeatable. */
  stop(): Promise<void>
}

const drainMs = 25_000

/**
 * Starts everything in one process: database, migrations, app, worker, schedules, and the watch over the database.
 * @param giveUp what to do when the database has been silent for too long; the process ends
 * @throws Stop in one sentence when a setting or the machine does not let it
 */
export async function start(
  config: Config,
  giveUp: (sentence: string) => void = endInWords,
  times?: WatchTimes,
): Promise<Running> {
  const { services, close } = await openServices(config)
  const worker = createWorker(services)
  services.lastLook = worker.lastLook
  const app = createApp(services)
  try {
    app.listen({ port: config.port, hostname: config.host })
  } catch (error) {
    await close()
    throw portTaken(config, error)
  }
  const listener = await services.db.owner
    .listen('masthead_due', worker.wake, worker.wake)
    .catch(async error => {
      await close()
      throw error
    })
  const watchdog = services.db.pools && watch(services.db.pools, services.log, giveUp, times)
  const scheduler = startScheduler(crontab(services, worker), services.log)
  worker.wake()
  let stopping: Promise<void> | null = null
  const port = app.server?.port ?? config.port
  const host = ['0.0.0.0', '::'].includes(config.host) ? 'localhost' : config.host
  return {
    services,
    address: config.publicUrl?.origin ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    stop() {
      stopping ??= (async () => {
        scheduler.stop()
        await watchdog?.stop()
        await Promise.all([worker.stop(drainMs), Promise.race([app.stop(), Bun.sleep(drainMs)])])
        await app.server?.stop(true)
        await listener.unlisten().catch(() => {})
        await close()
      })()
      return stopping
    },
  }
}

/** A supervisor starts it again, and the start says what is wrong. */
function endInWords(sentence: string): never {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}

function portTaken(config: Config, error: unknown): unknown {
  const code = (error as { code?: string }).code
  if (code === 'EADDRINUSE')
    return new Stop(
      `Port ${config.port} on ${config.host} is in use: stop what runs there, or set PORT to another one.`,
    )
  if (code === 'EACCES')
    return new Stop(`This user may not listen on port ${config.port}: set PORT to one above 1023.`)
  if (code === 'EADDRNOTAVAIL')
    return new Stop(`${config.host} is no address of this machine: set HOST to 127.0.0.1 or 0.0.0.0.`)
  return error
}
