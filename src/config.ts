import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { Stop } from './errors.ts'

const url = (protocols: readonly string[], example: string) =>
  z.string().refine(value => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    error: `must be an address such as ${example}`,
  })
const http = (example: string) => url(['http:', 'https:'], example).transform(value => new URL(value))
const postgres = url(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/masthead')
const portWords = 'must be a port number from 0 to 65535'
const yesNo = z.enum(['0', '1'], { error: 'must be 1 or 0' }).transform(value => value === '1')

const Environment = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, { error: portWords })
    .transform(Number)
    .refine(port => port <= 65_535, { error: portWords })
    .default(3000),
  HOST: z.string().default('127.0.0.1'),
  PUBLIC_URL: http('https://desk.example.com').optional(),
  DATA_DIR: z.string().default('./data'),
  DATABASE_URL: postgres.optional(),
  DATABASE_OWNER_URL: postgres.optional(),
  DATABASE_READ_URL: postgres.optional(),
  PGBOUNCER_PREPARE: yesNo.default(false),
  REDIS_URL: url(['redis:', 'rediss:'], 'redis://127.0.0.1:6379').optional(),
  MASTHEAD_SECRET: z.string().min(32, { error: 'must have at least 32 characters' }).optional(),
  S3_URL: http('https://KEY:SECRET@s3.example.com/bucket?region=eu-central-1')
    .refine(value => value.username !== '' && value.password !== '' && /^\/[^/]+\/?$/.test(value.pathname), {
      error: 'must hold key, secret and bucket: https://KEY:SECRET@host/bucket?region=…',
    })
    .optional(),
  SMTP_URL: url(['smtp:', 'smtps:'], 'smtp://user:password@mail.example.com:587')
    .transform(value => new URL(value))
    .optional(),
  MAIL_FROM: z.string().optional(),
  N8N_URL: http('http://127.0.0.1:5678').optional(),
  COMFYUI_URL: http('http://127.0.0.1:8188').optional(),
  OUTBOUND_ALLOW: z
    .string()
    .default('')
    .transform(value => value.split(',').flatMap(entry => entry.trim() || []))
    .refine(list => list.every(entry => /^[^\s:]+:\d+$|^\[[0-9a-f:]+\]:\d+$/i.test(entry)), {
      error: 'must be a list of host:port, separated by commas',
    }),
  TRUST_PROXY: yesNo.default(false),
  RATE_LIMIT: z.enum(['on', 'off'], { error: 'must be on or off' }).default('on'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], {
      error: 'must be debug, info, warn, error or silent',
    })
    .default('info'),
  NODE_ENV: z.string().default('development'),
})

export interface Config {
  port: number
  host: string
  /** Where people reach the app; null means: whatever address the request came in on. */
  publicUrl: URL | null
  dataDir: string
  databaseUrl: string | null
  databaseOwnerUrl: string | null
  /** A streaming replica for lists, analytics and exports. */
  databaseReadUrl: string | null
  /** PgBouncer 1.21 or newer keeps prepared statements: use them through it too. */
  pgbouncerPrepare: boolean
  redisUrl: string | null
  secret: string
  /** Bucket for pictures and snapshots, with key, secret and region in the address; null: the data folder. */
  s3Url: URL | null
  smtpUrl: URL | null
  /** The sender's address of mails; null: made from the host of `publicUrl`. */
  mailFrom: string | null
  n8nUrl: URL | null
  comfyuiUrl: URL | null
  outboundAllow: readonly string[]
  trustProxy: boolean
  rateLimit: boolean
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  production: boolean
}

/** Where links to us lead when no request is there to tell. */
export const publicBase = ({ publicUrl, host, port }: Pick<Config, 'publicUrl' | 'host' | 'port'>): string =>
  publicUrl?.origin ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`

/**
 * Reads the settings; the only place that looks at the environment. Makes the data folder and, on the first start,
 * the instance secret in it.
 * @throws Stop with one sentence per wrong setting.
 */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = Environment.safeParse(given)
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(issue => `${issue.path.join('.')} ${issue.message}`)
    throw new Stop(`The settings are not right: ${wrong.join('; ')}.`)
  }
  const env = parsed.data
  if (env.DATABASE_OWNER_URL && !env.DATABASE_URL)
    throw new Stop('DATABASE_OWNER_URL is set but DATABASE_URL is not: set both, or only DATABASE_URL.')
  const dataDir = resolve(env.DATA_DIR)
  return {
    port: env.PORT,
    host: env.HOST,
    publicUrl: env.PUBLIC_URL ?? null,
    dataDir,
    databaseUrl: env.DATABASE_URL ?? null,
    databaseOwnerUrl: env.DATABASE_OWNER_URL ?? null,
    databaseReadUrl: env.DATABASE_READ_URL ?? null,
    pgbouncerPrepare: env.PGBOUNCER_PREPARE,
    redisUrl: env.REDIS_URL ?? null,
    secret: env.MASTHEAD_SECRET ?? secretFrom(dataDir),
    s3Url: env.S3_URL ?? null,
    smtpUrl: env.SMTP_URL ?? null,
    mailFrom: env.MAIL_FROM ?? null,
    n8nUrl: env.N8N_URL ?? null,
    comfyuiUrl: env.COMFYUI_URL ?? null,
    outboundAllow: env.OUTBOUND_ALLOW,
    trustProxy: env.TRUST_PROXY,
    rateLimit: env.RATE_LIMIT === 'on',
    logLevel: env.LOG_LEVEL,
    production: env.NODE_ENV === 'production',
  }
}

/** The instance secret kept in the data folder, made on the first start; two racing starters agree on one. */
function secretFrom(dataDir: string): string {
  const file = join(dataDir, 'secret')
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o755 })
    if (!existsSync(file)) makeSecret(file)
    const secret = readFileSync(file, 'utf8').trim()
    if (secret.length >= 32) return secret
  } catch (error) {
    throw new Stop(
      `The data folder ${dataDir} cannot be written (${(error as NodeJS.ErrnoException).code}): give this user the right to, or set DATA_DIR to another folder.`,
    )
  }
  throw new Stop(`${file} holds no usable secret: restore it from a backup, or set MASTHEAD_SECRET.`)
}

/** Written beside and put in place whole: a racing starter, or one after a crash, never meets an empty file. */
function makeSecret(file: string): void {
  const beside = `${file}.${process.pid}`
  writeFileSync(beside, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 })
  try {
    linkSync(beside, file)
  } catch (error) {
    // Not there: this file system has no hard links. There: another starter was faster, and theirs holds.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' && !existsSync(file)) renameSync(beside, file)
  } finally {
    rmSync(beside, { force: true })
  }
}
