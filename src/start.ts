import { type App, createApp } from './app.ts'
import type { Config } from './config.ts'
import { joinCluster, sayTogether } from './db/cluster.ts'
import { type Watchdog, type WatchTimes, watch } from './db/watchdog.ts'
import { Stop } from './errors.ts'
import { holdAfterRestore } from './jobs/after-restore.ts'
import { crontab } from './jobs/crontab.ts'
import { startScheduler } from './jobs/scheduler.ts'
import { createWorker, type Worker } from './jobs/worker.ts'
import { checkMail } from './mail/check.ts'
import { openServices } from './open.ts'
import type { Services } from './services.ts'
import { readyStorage } from './storage/check.ts'

export interface Running {
  services: Services
  /** Where it listens, as an address for a browser. */
  address: string
  /**
   * Lets requests and posts in flight end, then closes everything. Before it stops listening, a balancer that asks
   * `/readyz` is told so; `atOnce` does not wait for that, and called while another call waits it ends the wait.
   */
  stop(atOnce?: boolean): Promise<void>
}

const drainMs = 25_000
/** A balancer that asks less often than every two seconds or so is not waited for. */
const tellMs = 5_000

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
  const { services, redis, close } = await openServices(config)
  const worker = createWorker(services)
  services.lastLook = worker.lastLook
  const { owner, pools } = services.db
  let watchdog: Watchdog | null = null
  try {
    await readyStorage(services)
    await holdAfterRestore(services)
    const listener = await owner.listen('masthead_due', worker.wake, () => worker.wake())
    watchdog = pools && watch(pools, services, giveUp, times)
    await watchdog?.listening
    // After every other LISTEN: that it is the last one is how the processes know each other.
    const neighbours = await joinCluster(services, redis)
    const app = createApp(services)
    app.listen({ port: config.port, hostname: config.host })
    sayTogether(services, neighbours)
    return run(config, services, { app, worker }, async () => {
      await watchdog?.stop()
      await listener.unlisten().catch(() => {})
      await neighbours.leave()
      await close()
    })
  } catch (error) {
    await watchdog?.stop()
    await close()
    throw portTaken(config, error)
  }
}

function run(
  config: Config,
  services: Services,
  { app, worker }: { app: App; worker: Worker },
  close: () => Promise<void>,
): Running {
  const scheduler = startScheduler(crontab(services, worker), services.log)
  worker.wake()
  if (services.mailer) void warnOfMail(services)
  let stopping: Promise<void> | null = null
  const port = app.server?.port ?? config.port
  const host = ['0.0.0.0', '::'].includes(config.host) ? 'localhost' : config.host
  return {
    services,
    address: config.publicUrl?.origin ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    stop(atOnce = false) {
      const told = services.readiness.leave(atOnce ? 0 : tellMs)
      stopping ??= (async () => {
        scheduler.stop()
        const drained = told.then(() => {
          // An open stream would keep the server from ever ending.
          services.streams.close()
          return Promise.race([app.stop(), Bun.sleep(drainMs)])
        })
        await Promise.all([worker.stop(drainMs), drained])
        await app.server?.stop(true)
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

/** The mail server is asked in the background: nothing waits for it. */
async function warnOfMail({ config, mailer, log }: Services): Promise<void> {
  const wrong = await checkMail(config, mailer)
  if (wrong) log.warn('mails do not go out as they should', { why: wrong })
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
