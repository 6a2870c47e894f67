import { join } from 'node:path'
import type { TransactionSql } from 'postgres'
import type { Config } from '../config.ts'
import { Stop } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { deriveKey, derivePassword, keyedHash } from '../lib/seal.ts'
import { tenantDirectory } from './directory.ts'
import { ownerUser, startEmbedded } from './embedded.ts'
import { type Committed, telling } from './hints.ts'
import { type LastingPool, lasting } from './lasting.ts'
import { migrate } from './migrate.ts'
import { type Address, behindPooler, keepsPrepared, openPool, type Sql, waitFor } from './pool.ts'
import { createWithin, type Tenant, type Within } from './scope.ts'
import { seedReference } from './seed.ts'
import { unwrapKey } from './tenants.ts'

export interface Database {
  /** The app's login. Sees `public` only; a tenant is entered by `within`. */
  sql: Sql
  /** The owner's login, direct, for DDL. */
  owner: Sql
  appRole: string
  within: Within
  /** The keyed hash under which a mail address stands in the sign-in directory. */
  hashAddress(address: string): Buffer
  tenantById(id: string): Promise<Tenant | null>
  tenantBySlug(slug: string): Promise<Tenant | null>
  /** Forgets what is remembered about a tenant (it was made, renamed or erased). */
  forgetTenant(id: string): void
  /** The pools as the watchdog replaces them; null over pools that a test opened. */
  pools: { app: LastingPool; worker: LastingPool; owner: LastingPool } | null
  /** Called after each transaction of `within` that may have written; one listener. */
  afterCommit: Committed | null
  close(): Promise<void>
}

/** The app's login, where we make it. */
export const embeddedAppRole = 'masthead_app'
/** A single query of the app's own login, outside any scope, is given up after so long. */
const answerMs = 10_000
/** The worker's connections: few, so that each tenant's tables are loaded once, and enough to wait for the disk together. */
const homes = 4
const databaseName = 'masthead'

interface Addresses {
  app: Address
  owner: Address
  appRole: string
  appPassword: string
  /** For messages: never with a password. */
  shown: string
}

/**
 * Opens the database the settings name, or the embedded one: makes the app's login if it is missing, migrates, and
 * checks that the instance secret is the one the tenants' keys were wrapped with. A tenant that cannot be migrated does
 * not keep the others waiting: it is answered "unavailable" until it can.
 * @param bringUp migrates; a command gives its own to show how far it is
 * @throws Stop with one sentence that says what to do
 */
export async function openDatabase(
  config: Config,
  log: Log,
  bringUp: (owner: Sql, appRole: string, log: Log) => Promise<unknown> = migrate,
): Promise<Database> {
  const where = config.databaseUrl ? given(config) : await embedded(config, log)
  const openOwner = () => openPool(where.owner, { name: 'masthead owner', max: 4, idleSeconds: 20 })
  const owner = openOwner()
  let sql: Sql | null = null
  try {
    await waitFor(owner, where.shown, log)
    await refuseOldServer(owner)
    await makeAppLogin(owner, where)
    await bringUp(owner, where.appRole, log)
    await seedReference(owner)
    const prepare = await preparing(where, config.pgbouncerPrepare, log)
    const openApp = () => openPool(where.app, { name: 'masthead', max: 10, prepare })
    const openHomes = () => openPool(where.app, { name: 'masthead worker', max: homes, prepare })
    sql = openApp()
    const pools = {
      app: lasting('app', sql, openApp, answerMs),
      worker: lasting('worker', openHomes(), openHomes),
      owner: lasting('owner', owner, openOwner),
    }
    // The very object: `within` asks it whom to tell after a commit.
    return Object.assign(
      await assemble(pools.app.sql, pools.owner.sql, where.appRole, config.secret, pools.worker.sql),
      { pools },
    )
  } catch (error) {
    await Promise.all([owner.end({ timeout: 1 }), sql?.end({ timeout: 1 })])
    throw error
  }
}

/** Whether statements may be prepared: not through a transaction pooler, unless the settings say that it keeps them. */
async function preparing({ app, shown }: Addresses, wanted: boolean, log: Log): Promise<boolean> {
  const probe = openPool(app, { name: 'masthead probe', max: 1, prepare: false })
  try {
    await waitFor(probe, shown, log)
  } finally {
    await probe.end({ timeout: 1 })
  }
  if (!(await behindPooler(app))) return true
  if (!wanted) {
    log.info(
      'a connection pooler stands before the database: prepared statements are off (PGBOUNCER_PREPARE=1 turns them on with PgBouncer 1.21 or newer)',
    )
    return false
  }
  if (!(await keepsPrepared(app)))
    throw new Stop(
      'PGBOUNCER_PREPARE is 1, but the pooler in DATABASE_URL loses prepared statements: use PgBouncer 1.21 or newer with max_prepared_statements above 0, or remove PGBOUNCER_PREPARE.',
    )
  log.info('a connection pooler stands before the database and keeps prepared statements')
  return true
}

/** Puts the pieces together over two open pools; tests use it on a database of their own. */
export async function assemble(
  sql: Sql,
  owner: Sql,
  appRole: string,
  secret: string,
  homes: Sql = sql,
): Promise<Database> {
  await checkSecret(sql, secret)
  const [version] = await sql`select current_setting('server_version_num')::int as number`
  const directory = tenantDirectory(sql, secret)
  const addressKey = deriveKey(secret, 'sign-in directory')
  const hashAddress = (address: string) => keyedHash(addressKey, address.trim().toLowerCase())
  const database: Database = {
    sql,
    owner,
    appRole,
    within: telling(
      createWithin(sql, directory.byId, version?.number as number, hashAddress, homes),
      () => database.afterCommit,
    ),
    afterCommit: null,
    hashAddress,
    tenantById: directory.byId,
    tenantBySlug: directory.bySlug,
    forgetTenant: directory.forget,
    pools: null,
    async close() {
      await Promise.all([...new Set([sql, homes, owner])].map(pool => pool.end({ timeout: 3 })))
    },
  }
  return database
}

async function embedded(config: Config, log: Log): Promise<Addresses> {
  const ownerPassword = derivePassword(config.secret, 'database owner')
  const appPassword = derivePassword(config.secret, 'database app')
  const cluster = await startEmbedded(config.dataDir, ownerPassword, log)
  const address = (user: string, password: string, database: string): Address => ({
    socket: cluster.socket,
    user,
    password,
    database,
  })
  const shown = join(config.dataDir, 'postgres')
  const first = openPool(address(ownerUser, ownerPassword, 'postgres'), { name: 'masthead start', max: 1 })
  try {
    await waitFor(first, shown, log)
    const [found] = await first`select 1 from pg_database where datname = ${databaseName}`
    if (!found) await createDatabase(first)
  } finally {
    await first.end({ timeout: 2 })
  }
  return {
    owner: address(ownerUser, ownerPassword, databaseName),
    app: address(embeddedAppRole, appPassword, databaseName),
    appRole: embeddedAppRole,
    appPassword,
    shown,
  }
}

async function createDatabase(sql: Sql): Promise<void> {
  try {
    await sql.unsafe(`create database ${databaseName}`)
  } catch (error) {
    // 42P04 and 23505: another starter was faster.
    if (!['42P04', '23505'].includes((error as { code?: string }).code ?? '')) throw error
  }
}

/** A database of one's own: one address that owns, or the app's and the owner's. */
function given(config: Config): Addresses {
  const url = config.databaseUrl ?? ''
  const shown = new URL(url).host
  if (config.databaseOwnerUrl) {
    const app = new URL(url)
    return {
      owner: { url: config.databaseOwnerUrl },
      app: { url },
      appRole: decodeURIComponent(app.username),
      appPassword: decodeURIComponent(app.password),
      shown,
    }
  }
  const app = new URL(url)
  const appPassword = derivePassword(config.secret, 'database app')
  app.username = embeddedAppRole
  app.password = appPassword
  return { owner: { url }, app: { url: app.href }, appRole: embeddedAppRole, appPassword, shown }
}

async function refuseOldServer(owner: Sql): Promise<void> {
  const [row] =
    await owner`select current_setting('server_version_num')::int as number, current_setting('server_version') as name`
  if ((row?.number as number) >= 150_000) return
  throw new Stop(`PostgreSQL ${row?.name} is too old: Masthead needs 15 or newer.`)
}

/** Makes the app's login: no superuser, inherits nothing, and without a scope it finds no table by its bare name. */
export async function makeAppLogin(
  owner: Sql,
  where: { appRole: string; appPassword: string },
): Promise<void> {
  if (!/^[a-z_][a-z0-9_-]*$/i.test(where.appRole))
    throw new Stop('The user in DATABASE_URL may have only letters, digits, _ and - in its name.')
  const [role] = await owner`select rolsuper from pg_roles where rolname = ${where.appRole}`
  if (role?.rolsuper)
    throw new Stop(
      `The app may not log in as the superuser ${where.appRole}: name another user in DATABASE_URL; it is made if it is missing.`,
    )
  try {
    await owner.begin(async tx => {
      await tx`select pg_advisory_xact_lock(hashtext('masthead app login'))`
      const [again] =
        await tx`select 'search_path=pg_catalog' = any(rolconfig) as closed from pg_roles where rolname = ${where.appRole}`
      const password = where.appPassword.replaceAll("'", "''")
      if (!again) await tx.unsafe(`create role "${where.appRole}" login noinherit password '${password}'`)
      // Only when it is not so yet: the role is the whole cluster's, and two databases that start at once would collide.
      if (!again?.closed) await tx.unsafe(`alter role "${where.appRole}" set search_path = pg_catalog`)
      await closeTemporary(tx)
    })
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') throw error
    throw new Stop(
      `The owner of the database may not make or alter the role ${where.appRole}: give it CREATEROLE, or let an administrator run: create role "${where.appRole}" login noinherit password '…'; alter role "${where.appRole}" set search_path = pg_catalog.`,
    )
  }
}

/**
 * Everybody may make temporary tables in a new database, tenants too, and one outlives its transaction on a pooled
 * connection: where the database is ours, they may not. Elsewhere the scope's search path holds without it.
 */
async function closeTemporary(tx: TransactionSql): Promise<void> {
  const [database] = await tx`
    select datname as name, pg_has_role(datdba, 'USAGE') as ours, has_database_privilege('public', datname, 'TEMP') as open
    from pg_database where datname = current_database()`
  if (database?.ours && database.open)
    await tx`revoke temporary on database ${tx(database.name as string)} from public`
}

async function checkSecret(sql: Sql, secret: string): Promise<void> {
  const [row] = await sql`select id, data_key from public.tenants order by created_at limit 1`
  if (!row) return
  try {
    unwrapKey(secret, row.id as string, row.data_key as Uint8Array)
  } catch {
    throw new Stop(
      'MASTHEAD_SECRET is not the secret this database was set up with: put the former one back, or restore it from a backup.',
    )
  }
}
