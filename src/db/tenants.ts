import type postgres from 'postgres'
import { Conflict, Invalid } from '../errors.ts'
import { newId } from '../lib/id.ts'
import { deriveKey, newKey, open, seal } from '../lib/seal.ts'
import { type Migration, readMigrations } from './migrate.ts'
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
    await seed(tenant)
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
export async function claimSlug(tx: postgres.TransactionSql, slug: string, tenantId: string): Promise<void> {
  checkSlug(slug)
  await tx`select pg_advisory_xact_lock(hashtext('masthead addresses'))`
  const [taken] = await tx`
    select 1 from public.tenants where slug = ${slug} and id <> ${tenantId}
    union all select 1 from public.former_slugs where slug = ${slug} and tenant_id <> ${tenantId}`
  if (taken) throw new Conflict(`The address "${slug}" is taken. Choose another one.`)
}

/** A process that died while it made a tenant leaves it half made, holding its address; nobody was ever in it. */
export async function clearHalfMade(owner: Sql, slug: string): Promise<void> {
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
export async function createTenantSchema(owner: Sql, tenant: Tenant, appRole: string): Promise<void> {
  const { schema } = tenant
  const { level } = await standing(owner)
  await owner.begin(async tx => {
    await Promise.all([
      buildSchema(tx, schema, level, appRole),
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
  tx: postgres.TransactionSql,
  schema: string,
  level: number,
  appRole: string | null,
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
    ...tenantStatements(schema, 0, level),
  ]
  await Promise.all(statements.map(statement => tx.unsafe(statement)))
}

/** Lifts the tables of a schema from one migration level to a later one, inside a transaction of the caller's. */
export async function liftSchema(
  tx: postgres.TransactionSql,
  schema: string,
  from: number,
  to: number,
): Promise<void> {
  await Promise.all(tenantStatements(schema, from, to).map(statement => tx.unsafe(statement)))
}

const tenantStatements = (schema: string, from: number, to: number): string[] =>
  readMigrations()
    .filter(({ side, number }) => side === 'tenant' && number > from && number <= to)
    .flatMap(({ up }) => statementsOf(up, schema))

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

async function dropSchema(tx: postgres.TransactionSql, tenantId: string): Promise<void> {
  const schema = schemaNameOf(tenantId)
  await tx`update public.tenants set state = 'erasing' where id = ${tenantId}`
  await tx.unsafe(`drop schema if exists ${schema} cascade`)
  // Roles are the whole cluster's: another database may hold the same tenant.
  const [role] = await tx`
    select 1 from pg_roles r where rolname = ${schema} and not exists (
      select 1 from pg_shdepend d join pg_database b on b.oid = d.dbid
      where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid and b.datname <> current_database())`
  // Its default privileges went with the schema; it owns and was granted nothing elsewhere.
  if (role) await tx.unsafe(`drop role ${schema}`)
}

/**
 * Moves one tenant one migration up or down; state and DDL commit together, so a crash loses nothing.
 * @returns false when the tenant was already there
 */
export async function applyTenantSchemaMigration(
  owner: Sql,
  tenantId: string,
  migration: Migration,
  direction: 'up' | 'down',
): Promise<boolean> {
  return (await owner.begin(async tx => {
    const [tenant] =
      await tx`select schema_name, schema_version from public.tenants where id = ${tenantId} for update`
    const version = tenant?.schema_version as number | undefined
    if (version === undefined) return false
    if (direction === 'up' ? version >= migration.number : version < migration.number) return false
    await tx`set local lock_timeout = '5s'`
    const statements = statementsOf(
      direction === 'up' ? migration.up : migration.down,
      tenant?.schema_name as string,
    )
    await Promise.all(statements.map(statement => tx.unsafe(statement)))
    const level = direction === 'up' ? migration.number : migration.number - 1
    await tx`update public.tenants set schema_version = ${level}, migration_error = null where id = ${tenantId}`
    return true
  })) as boolean
}

/** One statement a message: a batch with an index or a trigger is refused by Citus. */
function statementsOf(text: string, schema: string): string[] {
  return text
    .replace(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map(statement => statement.trim().replaceAll('{schema}', schema))
    .filter(statement => statement !== '')
}

/** The migration level that new tenants start at. */
export async function standing(sql: Sql | postgres.TransactionSql): Promise<{ level: number }> {
  const [row] = await sql`select coalesce(max(number), 0)::int as level from public.migrations`
  return { level: row?.level as number }
}
