import type { TransactionSql } from 'postgres'
import { Conflict, Invalid, Unavailable } from '../errors.ts'
import { newId } from '../lib/id.ts'
import { deriveKey, newKey, open, seal } from '../lib/seal.ts'
import { type Migration, readMigrations, statementsOf } from './migrations.ts'
import type { Sql } from './pool.ts'
import type { Tenant } from './scope.ts'

/** Addresses that would collide with routes or mislead people. */
const reservedSlugs = new Set([
  'admin',
  'api',
  'www',
  'setup',
  'sign-in',
  'public',
  'feed',
  'help',
  'status',
  'masthead',
])
export const slugPattern = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/

export const schemaNameOf = (tenantId: string): string => `tenant_${tenantId.replaceAll('-', '_')}`

/** A tenant's data key as it is kept: sealed with the instance's. */
export const wrapKey = (secret: string, tenantId: string, key: Buffer): Buffer =>
  seal(deriveKey(secret, 'tenant keys'), key, `tenant ${tenantId}`)

/** The tenant's own data key, unwrapped with the instance's. @throws when the instance secret is another one. */
export const unwrapKey = (secret: string, tenantId: string, wrapped: Uint8Array): Buffer =>
  open(deriveKey(secret, 'tenant keys'), wrapped, `tenant ${tenantId}`)

/**
 * Makes a tenant: its row, key, schema, role and tables. It is `creating`, and no request can enter it, until
 * `seed` (the workspace's first rows) has succeeded; on any failure nothing of it is left.
 *
 * @param seed fills the new schema, by way of the scope, once it is entered as its own tenant
 * @throws Invalid when the slug cannot be used, Conflict when it is taken
 */
export async function createTenant(
  owner: Sql,
  given: { slug: string; secret: string; appRole: string },
  seed: (tenant: Tenant) => Promise<void>,
): Promise<Tenant> {
  const { slug } = given
  checkSlug(slug)
  const id = newId()
  const key = newKey()
  const wrappedKey = wrapKey(given.secret, id, key)
  const tenant: Tenant = {
    id,
    slug,
    formerSlugs: [],
    state: 'creating',
    stateReason: null,
    eraseAfter: null,
    schema: schemaNameOf(id),
    keys: { current: { id: 1, key }, others: new Map() },
  }
  await clearHalfMade(owner, slug)
  await owner.begin(async tx => {
    await claimSlug(tx, slug, id)
    await tx`insert into public.tenants (id, slug, schema_name, data_key) values (${id}, ${slug}, ${tenant.schema}, ${wrappedKey})`
  })
  try {
    await createTenantSchema(owner, tenant, given.appRole)
    await seedPatiently(seed, tenant)
    await owner`update public.tenants set state = 'active' where id = ${id}`
    return { ...tenant, state: 'active' }
  } catch (error) {
    await deleteTenantSchema(owner, id)
    throw error
  }
}

/** @throws Invalid when it is no address that a workspace may have */
function checkSlug(slug: string): void {
  if (slugPattern.test(slug) && !reservedSlugs.has(slug)) return
  throw new Invalid(`"${slug}" cannot be the address of a workspace.`, [
    {
      path: 'slug',
      message: 'use 1 to 40 lower-case letters, digits and hyphens, and not a reserved word',
    },
  ])
}

/**
 * Makes sure that a tenant may take an address in this transaction: nobody else has it or had it before. Whoever takes
 * addresses waits here for the others, so that what was read stays true until the end.
 * @throws Invalid, Conflict
 */
export async function claimSlug(tx: TransactionSql, slug: string, tenantId: string): Promise<void> {
  checkSlug(slug)
  await tx`select pg_advisory_xact_lock(hashtext('masthead addresses'))`
  const [taken] = await tx`
    select 1 from public.tenants where slug = ${slug} and id <> ${tenantId}
    union all select 1 from public.former_slugs where slug = ${slug} and tenant_id <> ${tenantId}`
  if (taken) throw new Conflict(`The address "${slug}" is taken. Choose another one.`)
}

/** A backend of the app may not know the new role yet; the next one does. */
async function seedPatiently(seed: (tenant: Tenant) => Promise<void>, tenant: Tenant): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await seed(tenant)
    } catch (error) {
      if (!(error instanceof Unavailable) || tries === 3) throw error
    }
  }
}

/** A process that died while it made a tenant leaves it half made, holding its address; nobody was ever in it. */
async function clearHalfMade(owner: Sql, slug: string): Promise<void> {
  // An import that is under way holds its row.
  const [left] = await owner`
    select id from public.tenants
    where slug = ${slug} and state = 'creating' and created_at < now() - interval '10 minutes'
    for update skip locked`
  if (left) await deleteTenantSchema(owner, left.id as string)
}

/**
 * Makes role, schema and tables of a tenant in one transaction. The order matters: default privileges come before the
 * first table, because `grant … on all tables` scans the whole catalog (measured: 3-4 times slower at 5,000 tenants).
 * Nothing is granted on a shared object: two creations at once would fail with "tuple concurrently updated".
 */
export async function createTenantSchema(
  owner: Sql,
  tenant: Tenant,
  appRole: string,
  given = readMigrations(),
): Promise<void> {
  const { schema } = tenant
  await owner.begin(async tx => {
    const { level } = await standing(tx, given)
    await Promise.all([
      buildSchema(tx, schema, level, appRole, given),
      tx`insert into public.tenant_due (tenant_id, role) values (${tenant.id}, ${schema})`,
      tx`update public.tenants set schema_version = ${level} where id = ${tenant.id}`,
    ])
  })
}

/**
 * Role, schema and tables as they stand at a migration level, empty.
 * @param appRole who may become the role; null for a schema that only the owner works in
 */
export async function buildSchema(
  tx: TransactionSql,
  schema: string,
  level: number,
  appRole: string | null,
  given = readMigrations(),
): Promise<void> {
  // Roles are the whole cluster's: another database may hold the same tenant.
  const [server] = await tx`
    select current_setting('server_version_num')::int as version,
      exists (select 1 from pg_roles where rolname = ${schema}) as known`
  // Before 16 a membership says nothing of inheriting; the app's login is NOINHERIT either way.
  const how = (server?.version as number) >= 160_000 ? ' with inherit false, set true' : ''
  const statements = [
    ...(server?.known ? [] : [`create role ${schema} nologin`]),
    `create schema ${schema}`,
    ...(appRole ? [`grant ${schema} to "${appRole}"${how}`] : []),
    `grant usage on schema ${schema} to ${schema}`,
    `alter default privileges in schema ${schema} grant select, insert, update, delete on tables to ${schema}`,
    ...tenantStatements(schema, 0, level, given),
  ]
  await Promise.all(statements.map(statement => tx.unsafe(statement)))
}

/** Lifts the tables of a schema from one migration level to a later one, inside a transaction of the caller's. */
export async function liftSchema(
  tx: TransactionSql,
  schema: string,
  from: number,
  to: number,
): Promise<void> {
  await Promise.all(tenantStatements(schema, from, to).map(statement => tx.unsafe(statement)))
}

const tenantStatements = (schema: string, from: number, to: number, given = readMigrations()): string[] =>
  given
    .filter(({ side, number }) => side === 'tenant' && number > from && number <= to)
    .flatMap(({ up }) => statementsFor(up, schema))

/** Drops schema, role, directory entries and the row with its keys: what GDPR erasure asks of the database. Repeatable. */
export async function deleteTenantSchema(owner: Sql, tenantId: string): Promise<void> {
  await owner.begin(async tx => {
    await dropSchema(tx, tenantId)
    await tx`delete from public.tenants where id = ${tenantId}`
  })
}

/**
 * Drops schema and role and leaves the row, by which an erasure that is cut off is found and finished. From here on
 * nobody can enter the tenant, whatever a process remembers of it. Repeatable.
 */
export async function emptyTenant(owner: Sql, tenantId: string): Promise<void> {
  await owner.begin(tx => dropSchema(tx, tenantId))
}

async function dropSchema(tx: TransactionSql, tenantId: string): Promise<void> {
  const schema = schemaNameOf(tenantId)
  await tx`update public.tenants set state = 'erasing' where id = ${tenantId}`
  await tx.unsafe(`drop schema if exists ${schema} cascade`)
  // Roles are the whole cluster's: another database may hold the same tenant, and keeps it.
  const [role] = await tx`
    select coalesce(bool_or(b.datname = current_database()), false) as holds,
      coalesce(bool_or(b.datname <> current_database()), false) as elsewhere
    from pg_roles r left join pg_shdepend d on d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid
    left join pg_database b on b.oid = d.dbid where r.rolname = ${schema} group by r.oid`
  // Its default privileges went with the schema, and the app lets it own nothing. SQL that got into a scope could
  // have made a large object or default privileges of its own, which would keep the role.
  if (role?.holds) {
    await tx.unsafe(`grant ${schema} to current_user`)
    await tx.unsafe(`drop owned by ${schema}`)
  }
  if (role && !role.elsewhere) await tx.unsafe(`drop role ${schema}`)
}

/**
 * Moves one tenant one migration up or down; state and DDL commit together, so a crash loses nothing. Its people may
 * be at work: no statement waits longer than two seconds for a table, because whoever comes later waits behind it.
 *
 * @returns false when the tenant was already there, or is gone
 * @throws a PostgresError with code 55P03 when another process has the tenant, or its tables stay in use
 */
export async function applyTenantSchemaMigration(
  owner: Sql,
  tenantId: string,
  migration: Migration,
  direction: 'up' | 'down',
): Promise<boolean> {
  return (await owner.begin(async tx => {
    // Not `for update`: that would wait for, and block, every new row that refers to the tenant.
    const [[tenant]] = await Promise.all([
      tx`select schema_name, schema_version from public.tenants where id = ${tenantId} for no key update nowait`,
      tx`set local lock_timeout = '2s'`,
    ])
    const version = tenant?.schema_version as number | undefined
    if (version === undefined) return false
    if (direction === 'up' ? version >= migration.number : version < migration.number) return false
    const text = direction === 'up' ? migration.up : migration.down
    const level = direction === 'up' ? migration.number : migration.number - 1
    await Promise.all([
      ...statementsFor(text, tenant?.schema_name as string).map(statement => tx.unsafe(statement)),
      tx`update public.tenants set schema_version = ${level}, migration_error = null where id = ${tenantId}`,
    ])
    return true
  })) as boolean
}

const statementsFor = (text: string, schema: string): string[] =>
  statementsOf(text).map(statement => statement.replaceAll('{schema}', schema))

/**
 * The level that a new tenant starts at: the newest migration that is applied, or that this
 * version of the code knows: while a newer version rolls out, the older one still makes tenants of its own kind. The
 * lock keeps a migration from beginning between this look and the end of the transaction.
 */
export async function standing(
  tx: TransactionSql,
  migrations: readonly Migration[] = readMigrations(),
): Promise<{ level: number }> {
  const [, [row]] = await Promise.all([
    tx`select pg_advisory_xact_lock_shared(hashtext('masthead ledger'))`,
    tx`select coalesce(max(number), 0)::int as level from public.migrations`,
  ])
  return { level: Math.min(row?.level as number, migrations.length) }
}
