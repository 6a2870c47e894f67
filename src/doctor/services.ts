import Redis from 'ioredis'
import { behindPooler, openPool } from '../db/pool.ts'
import { checkMail } from '../mail/check.ts'
import { checkStorage } from '../storage/check.ts'
import { openStorage } from '../storage/open.ts'
import { type Check, type Finding, fail, type Open, ok, type Patient, warn } from './check.ts'

const answerMs = 4_000
/** A replica is read from only while it is nearer than this. */
const mostLagBytes = 16 * 1024 * 1024

/** What stands beside Masthead, each one setting. */
export const serviceChecks: readonly Check<Patient>[] = [
  { name: 'Redis', run: redis },
  { name: 'storage', run: storage },
  { name: 'mail', run: mail },
  { name: 'n8n', run: ({ config }) => answers(config.n8nUrl, '/healthz', 'N8N_URL') },
  { name: 'ComfyUI', run: ({ config }) => answers(config.comfyuiUrl, '/system_stats', 'COMFYUI_URL') },
]

/** What needs both the service and the database. */
export const besideDatabaseChecks: readonly Check<Open>[] = [
  { name: 'pooler', run: pooler },
  { name: 'replica', run: replica },
]

/** The data folder itself has a line of its own; this is the bucket. */
async function storage({ config }: Patient): Promise<Finding | null> {
  if (!config.s3Url) return null
  const wrong = await checkStorage(openStorage(config))
  return wrong
    ? fail(wrong, 'mend S3_URL or the bucket')
    : ok(`${config.s3Url.host} keeps and gives back files`)
}

async function mail({ config }: Patient): Promise<Finding | null> {
  if (!config.smtpUrl) return null
  const wrong = await checkMail(config)
  return wrong ? fail(wrong, 'mend SMTP_URL or the mail server') : ok(`${config.smtpUrl.host} takes mail`)
}

async function redis({ config: { redisUrl } }: Patient): Promise<Finding | null> {
  if (!redisUrl) return null
  const client = new Redis(redisUrl, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: answerMs,
    commandTimeout: answerMs,
  })
  let last: Error | null = null
  client.on('error', error => {
    last = error
  })
  try {
    await client.connect()
    await client.ping()
    const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'of unknown version'
    return ok(`${new URL(redisUrl).host} answers, ${version}`)
  } catch (error) {
    const why = (last ?? (error as Error)) as { code?: string; message: string }
    return fail(
      `${new URL(redisUrl).host} does not answer (${why.code ?? why.message})`,
      'start it, or correct REDIS_URL; meanwhile each process counts for itself',
    )
  } finally {
    client.disconnect()
  }
}

async function answers(url: URL | null, path: string, setting: string): Promise<Finding | null> {
  if (!url) return null
  const cure = `start it, or correct ${setting}`
  try {
    const answer = await fetch(new URL(path, url), {
      signal: AbortSignal.timeout(answerMs),
      redirect: 'manual',
    })
    return answer.ok
      ? ok(`${url.host} answers`)
      : fail(
          `${url.host} answers with ${answer.status} at ${path}`,
          `look whether ${setting} names the right server`,
        )
  } catch (error) {
    return fail(
      `${url.host} does not answer (${(error as { code?: string }).code ?? (error as Error).name})`,
      cure,
    )
  }
}

async function pooler({ config }: Open): Promise<Finding | null> {
  if (!config.databaseUrl) return null
  if (config.databaseOwnerUrl && (await behindPooler({ url: config.databaseOwnerUrl })))
    return warn(
      'DATABASE_OWNER_URL goes through a connection pooler',
      'name PostgreSQL itself there, unless the pooler keeps whole sessions: the owner migrates and listens, which transaction pooling breaks',
    )
  const pooled = await behindPooler({ url: config.databaseUrl })
  if (!config.databaseOwnerUrl && pooled)
    return fail(
      'DATABASE_URL goes through a connection pooler, and is the owner’s too',
      'set DATABASE_OWNER_URL to PostgreSQL itself',
    )
  if (config.pgbouncerPrepare && !pooled)
    return warn('PGBOUNCER_PREPARE is set, and there is no pooler', 'remove it: it changes nothing')
  return pooled
    ? ok(
        `there is one; prepared statements are ${config.pgbouncerPrepare ? 'on (PgBouncer 1.21 or newer keeps them)' : 'off'}`,
      )
    : ok('none')
}

async function replica({ config: { databaseReadUrl }, owner }: Open): Promise<Finding | null> {
  if (!databaseReadUrl) return null
  const where = new URL(databaseReadUrl).host
  const pool = openPool({ url: databaseReadUrl }, { name: 'masthead doctor', max: 1 })
  try {
    const [there] = await pool`
      select pg_is_in_recovery() as standby, pg_last_wal_replay_lsn()::text as replayed`
    if (!there?.standby)
      return fail(`${where} is no replica`, 'name a streaming standby in DATABASE_READ_URL, or remove it')
    const [lag] = await owner`
      select pg_wal_lsn_diff(pg_current_wal_lsn(), ${there.replayed as string}::pg_lsn)::float8 as bytes`
    return (lag?.bytes as number) > mostLagBytes
      ? warn(
          `${where} is ${Math.round((lag?.bytes as number) / 1e6)} MB of WAL behind`,
          'look at pg_stat_replication on the primary; until it has caught up, the primary is read from',
        )
      : ok(`${where} follows, ${Math.max(0, lag?.bytes as number)} bytes behind`)
  } catch (error) {
    return fail(
      `${where} does not answer (${(error as { code?: string }).code ?? (error as Error).message})`,
      'start it, or correct DATABASE_READ_URL; meanwhile the primary is read from',
    )
  } finally {
    await pool.end({ timeout: 1 })
  }
}
