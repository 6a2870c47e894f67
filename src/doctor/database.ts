import { migrationStates } from '../db/ledger.ts'
import { readMigrations } from '../db/migrations.ts'
import { unwrapKey } from '../db/tenants.ts'
import { type Check, type Finding, fail, type Open, ok, warn } from './check.ts'
import { tenantChecks } from './tenants.ts'

/** What one process may have open: the app's pool and the owner's. */
const connectionsNeeded = 16
const skewSeconds = 2
const lagSeconds = 60

export const databaseChecks: readonly Check<Open>[] = [
  { name: 'server', run: server },
  { name: 'locale', run: locale },
  { name: 'connections', run: connections },
  { name: 'locks', run: locks },
  { name: "the app's login", run: appLogin },
  { name: 'keys', run: keys },
  { name: 'migrations', run: migrations },
  ...tenantChecks,
  { name: 'clock', run: clock },
  { name: 'due posts', run: due },
]

async function server({ owner, embedded }: Open): Promise<Finding> {
  const [row] = await owner`
    select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
      pg_is_in_recovery() as standby, pg_size_pretty(pg_database_size(current_database())) as size`
  if ((row?.number as number) < 150_000)
    return fail(`PostgreSQL ${row?.version} is too old`, 'Masthead needs PostgreSQL 15 or newer')
  if (row?.standby)
    return fail(
      'the database is a standby, which nobody can write to',
      'name the primary in DATABASE_URL, or promote this one',
    )
  return ok(`PostgreSQL ${row?.version}, ${embedded ? 'embedded' : 'your own'}, ${row?.size}`)
}

async function locale({ owner }: Open): Promise<Finding> {
  const [row] = await owner`
    select pg_encoding_to_char(encoding) as encoding, datcollate as collate, datcollversion as version,
      pg_database_collation_actual_version(oid) as actual
    from pg_database where datname = current_database()`
  if (row?.encoding !== 'UTF8')
    return fail(
      `the database is encoded in ${row?.encoding}`,
      'make one with encoding UTF8: create database … encoding utf8 template template0',
    )
  if (row.version !== row.actual)
    return warn(
      `its collation ${row.collate} has another version than when it was made (${row.version}, now ${row.actual})`,
      'reindex database <name>; alter database <name> refresh collation version',
    )
  return ok(`UTF8, ${row.collate}`)
}

async function connections({ owner }: Open): Promise<Finding> {
  const [row] = await owner`
    select current_setting('max_connections')::int as most,
      (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used`
  const [most, used] = [row?.most as number, row?.used as number]
  if (most < connectionsNeeded + 10)
    return fail(
      `max_connections is ${most}`,
      `each process of Masthead may use ${connectionsNeeded}: set it to 100 or more`,
    )
  return used > most * 0.8
    ? warn(`${used} of ${most} are in use`, 'put PgBouncer before the database, or raise max_connections')
    : ok(`${used} of ${most} in use`)
}

/** A dump or a wide migration locks every table of every workspace in one transaction. */
async function locks({ owner }: Open): Promise<Finding> {
  const [row] = await owner`
    select current_setting('max_locks_per_transaction')::int as each,
      current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int as sessions,
      (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and n.nspname like 'tenant\\_%') as tables`
  const [each, sessions, tables] = [row?.each as number, row?.sessions as number, row?.tables as number]
  const enough = Math.ceil(tables / sessions)
  return each < enough
    ? warn(
        `max_locks_per_transaction is ${each}, and ${tables} tables need ${enough} for a dump of all`,
        `raise it to ${2 ** Math.ceil(Math.log2(enough))} or more and restart PostgreSQL`,
      )
    : ok(
        `max_locks_per_transaction ${each}, enough for ${(each * sessions).toLocaleString('en')} tables; there are ${tables}`,
      )
}

async function appLogin({ owner, app, appRole }: Open): Promise<Finding> {
  const [role] = await owner`
    select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolinherit, rolcanlogin,
      coalesce('search_path=pg_catalog' = any(rolconfig), false) as closed,
      (select count(*)::int from pg_class c where c.relowner = r.oid) as owns
    from pg_roles r where rolname = ${appRole}`
  if (!role) return fail(`the login ${appRole} is not there`, 'start Masthead: it makes it')
  const wrong = [
    role.rolsuper && 'is a superuser',
    role.rolcreaterole && 'may make roles',
    role.rolcreatedb && 'may make databases',
    role.rolbypassrls && 'passes by row-level security',
    role.rolinherit && 'inherits what its workspaces may do',
    !role.rolcanlogin && 'may not log in',
    !role.closed && 'has another path than pg_catalog',
    role.owns > 0 && `owns ${role.owns} tables or indexes`,
  ].filter(Boolean)
  if (wrong.length > 0)
    return fail(
      `${appRole} ${wrong.join(', ')}`,
      `alter role "${appRole}" nosuperuser nocreaterole nocreatedb nobypassrls noinherit login; give what it owns to the owner; a start mends its path`,
    )
  try {
    await app`select 1`
  } catch (error) {
    return fail(
      `${appRole} cannot log in (${(error as { code?: string }).code ?? (error as Error).message})`,
      `its password follows from the secret, or stands in DATABASE_URL: alter role "${appRole}" password '…'`,
    )
  }
  return ok(`${appRole}: no superuser, inherits and owns nothing`)
}

/** The secret must be the one that wrapped the workspaces' keys. */
async function keys({ owner, secret }: Open): Promise<Finding | null> {
  const [table] = await owner`select to_regclass('public.tenant_keys') is not null as there`
  if (!table?.there || !secret) return null
  const rows = await owner`
    select id, data_key from public.tenants union all select tenant_id, data_key from public.tenant_keys`
  let shut = 0
  for (const { id, data_key } of rows)
    try {
      unwrapKey(secret.value, id as string, data_key as Uint8Array)
    } catch {
      shut++
    }
  return shut > 0
    ? fail(
        `${shut} of ${rows.length} keys of workspaces do not open with the instance secret`,
        'MASTHEAD_SECRET is another one than the database was set up with: put the former back, or restore it from a backup',
      )
    : ok(
        rows.length === 1
          ? 'the one key of a workspace opens with the instance secret'
          : `${rows.length} keys of workspaces open with the instance secret`,
      )
}

async function migrations({ owner }: Open): Promise<Finding> {
  const [ledger] = await owner`select to_regclass('public.migrations') is not null as there`
  if (!ledger?.there) return warn('none is applied', 'start Masthead: every start migrates')
  const known = readMigrations()
  const applied = await owner`select number, name, checksum from public.migrations order by number`
  for (const { number, name, checksum } of applied) {
    const file = known[(number as number) - 1]
    if (!file)
      return fail(
        `the database has the migration ${name}, which this version does not know`,
        'run the newer version of Masthead, or restore the backup made before it',
      )
    if (file.checksum !== checksum)
      return fail(
        `the migration ${file.name} was changed after it was applied`,
        'put the file back as it was, and add a new migration',
      )
  }
  const states = await migrationStates(owner)
  const failed = await owner`
    select slug, migration_error from public.tenants where migration_error is not null order by slug limit 5`
  if (failed.length > 0)
    return fail(
      failed.map(row => `${row.slug}: ${row.migration_error}`).join('; '),
      'mend what is said there, and run "bun run migrate"',
    )
  const pending = states.filter(state => !state.applied)
  if (pending.length > 0)
    return warn(
      `${pending.map(({ name }) => name).join(', ')} is pending`,
      'bun run migrate, or start Masthead',
    )
  const behind = Math.max(0, ...states.map(state => state.behind))
  return behind > 0
    ? fail(`${behind} workspaces are behind`, 'bun run migrate')
    : ok(`all ${states.length} applied, in every workspace`)
}

async function clock({ owner }: Open): Promise<Finding> {
  const asked = Date.now()
  const [row] = await owner`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as now,
      to_regprocedure('public.clock()') is not null as has_clock`
  const off = ((row?.now as number) - (asked + Date.now()) / 2) / 1000
  if (Math.abs(off) > skewSeconds)
    return warn(
      `this machine's clock and the database's are ${Math.abs(off).toFixed(1)} s apart`,
      'set both by NTP: posts go out by the database’s',
    )
  if (!row?.has_clock) return ok('as the database’s')
  const [own] = await owner`select extract(epoch from public.clock() - now())::float8 as moved`
  return Math.abs(own?.moved as number) > skewSeconds
    ? warn(
        `public.clock() is moved by ${Math.round(own?.moved as number)} s`,
        'a demo was killed while it filled: start Masthead, or run "bun run demo --no-start"',
      )
    : ok(`${Math.abs(off).toFixed(2)} s from the database's`)
}

async function due({ owner }: Open): Promise<Finding | null> {
  const [table] = await owner`select to_regclass('public.tenant_due') is not null as there`
  if (!table?.there) return null
  const [row] = await owner`
    select count(*)::int as waiting,
      coalesce(extract(epoch from public.clock() - min(d.next_due_at)), 0)::float8 as lag
    from public.tenant_due d join public.tenants t on t.id = d.tenant_id
    where t.state = 'active' and d.next_due_at > '-infinity' and d.next_due_at <= public.clock()`
  const lag = row?.lag as number
  const waiting =
    row?.waiting === 1 ? '1 workspace has something' : `${row?.waiting} workspaces have something`
  if (lag <= lagSeconds) return ok(`${waiting} due, none for long`)
  return fail(
    `${waiting} due, the oldest for ${Math.round(lag / 60)} min`,
    'a running Masthead takes them up within seconds: start it, or look at /readyz and its log',
  )
}
