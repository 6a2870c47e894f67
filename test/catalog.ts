import { randomBytes } from 'node:crypto'
import { makeAppLogin } from '../src/db/database.ts'
import { openPool, type Sql } from '../src/db/pool.ts'
import { createLog } from '../src/lib/log.ts'
import { appLogin, testServer } from './setup.ts'

export const quiet = createLog({ level: 'silent', json: false })

export interface EmptyDatabase {
  owner: Sql
  name: string
  address: Awaited<ReturnType<typeof testServer>>
  drop(): Promise<void>
}

/** A new database without anything in it, on the tests' own cluster. */
export async function emptyDatabase(): Promise<EmptyDatabase> {
  const address = await testServer()
  const name = `mh_test_${randomBytes(6).toString('hex')}`
  const admin = openPool(address('postgres'), { name: 'masthead test set-up', max: 1 })
  await makeAppLogin(admin, appLogin)
  await admin.unsafe(`create database ${name} strategy file_copy`)
  const owner = openPool(address(name), { name: 'masthead test owner', max: 6 })
  return {
    owner,
    name,
    address,
    async drop() {
      await owner.end({ timeout: 2 })
      await admin.unsafe(`drop database if exists ${name} with (force)`)
      await admin.end({ timeout: 1 })
    },
  }
}

/** Everything PostgreSQL knows about one schema, as sorted lines; the schema's own name is written `{schema}`. */
export async function describeSchema(owner: Sql, schema: string): Promise<string[]> {
  const rows = await owner`
    with here as (select oid from pg_namespace where nspname = ${schema})
    select 'column ' || c.relname || '.' || a.attname || ' '
        || row_number() over (partition by c.oid order by a.attnum) || ' ' || format_type(a.atttypid, a.atttypmod)
        || ' ' || a.attnotnull || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') as line
      from pg_class c join here on here.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
      where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
    union all select 'table ' || relname || ' ' || coalesce(relacl::text, '') || ' ' || coalesce(reloptions::text, '')
        || ' ' || relrowsecurity
      from pg_class join here on here.oid = relnamespace where relkind = 'r'
    union all select 'grant ' || relname || '.' || attname || ' ' || attacl::text
      from pg_class c join here on here.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
      where attacl is not null
    union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(c.oid)
      from pg_constraint c join here on here.oid = connamespace
    union all select 'index ' || indexdef from pg_indexes where schemaname = ${schema}
    union all select 'trigger ' || pg_get_triggerdef(t.oid) || ' ' || tgenabled::text
      from pg_trigger t join pg_class c on c.oid = tgrelid join here on here.oid = c.relnamespace where not tgisinternal
    union all select 'policy ' || tablename || ' ' || policyname || ' ' || roles::text || ' ' || cmd || ' '
        || coalesce(qual, '') || ' ' || coalesce(with_check, '')
      from pg_policies where schemaname = ${schema}
    union all select 'function ' || pg_get_functiondef(p.oid) || ' ' || coalesce(proacl::text, '')
      from pg_proc p join here on here.oid = pronamespace
    union all select 'default ' || defaclacl::text from pg_default_acl join here on here.oid = defaclnamespace
    union all select 'schema ' || coalesce(nspacl::text, '') from pg_namespace where nspname = ${schema}
    order by 1`
  return rows.map(row => (row.line as string).replaceAll(schema, '{schema}'))
}

/** What a database and its cluster hold of one tenant: all zero when nothing is left. */
export async function tracesOf(owner: Sql, tenantId: string): Promise<Record<string, number>> {
  const role = `tenant_${tenantId.replaceAll('-', '_')}`
  const [row] = await owner`
    select (select count(*) from public.tenants where id = ${tenantId})::int as tenants,
      (select count(*) from public.tenant_due where tenant_id = ${tenantId})::int as due,
      (select count(*) from public.sign_in_directory where tenant_id = ${tenantId} or role = ${role})::int as directory,
      (select count(*) from pg_namespace where nspname = ${role})::int as schemas,
      (select count(*) from pg_roles where rolname = ${role})::int as roles,
      (select count(*) from pg_class where relname like ${`%${role}%`})::int as relations`
  return { ...row } as Record<string, number>
}
