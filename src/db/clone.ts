import type { TransactionSql } from 'postgres'

/**
 * Copies a schema's tables with their rows, constraints, indexes, triggers and policies, and its functions, into a new
 * schema of this transaction, under the names they have: a migration that trips over something that grew by hand trips
 * over the copy too. Privileges are not copied: the owner alone can enter. Tables are read, nothing of them is locked
 * against readers or writers.
 *
 * Not copied: views, sequences and types of one's own; no migration of ours makes any in a tenant.
 *
 * @param rows false for the tables' shape alone
 */
export async function cloneSchema(tx: TransactionSql, from: string, to: string, rows = true): Promise<void> {
  await tx.unsafe(`create schema ${to}`)
  const moved = (text: string) => text.replaceAll(`${from}.`, `${to}.`)
  const run = async (statements: readonly { statement: string }[]) => {
    await Promise.all(statements.map(({ statement }) => tx.unsafe(moved(statement))))
  }
  const functions = await tx<{ statement: string }[]>`
    select pg_get_functiondef(p.oid) as statement from pg_proc p
    where p.oid = any(${await inSchema(tx, from, 'pg_proc')}::oid[]) and p.prokind = 'f'
      and not exists (select 1 from pg_depend d
        where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`
  await run(functions)
  const oids = await tablesOf(tx, from)
  const tables = await tx<{ name: string; columns: string | null; options: string | null }[]>`
    select quote_ident(c.relname) as name, array_to_string(c.reloptions, ', ') as options, (
      select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
    from pg_class c where c.oid = any(${oids}::oid[]) order by c.relname`
  await Promise.all(
    tables.map(({ name, options }) =>
      tx.unsafe(
        `create table ${to}.${name} (like ${from}.${name} including defaults including generated including identity including storage)${options ? ` with (${options})` : ''}`,
      ),
    ),
  )
  if (rows)
    // One after another: a large one shall not make the others wait in memory.
    for (const { name, columns } of tables)
      if (columns)
        await tx.unsafe(
          `insert into ${to}.${name} (${columns}) overriding system value select ${columns} from ${from}.${name}`,
        )
  await run(await constraints(tx, from, oids))
  await run(await indexes(tx, oids))
  await run(await rules(tx, from, oids))
}

/** The tables of a schema. */
export async function tablesOf(tx: TransactionSql, schema: string): Promise<number[]> {
  const rows = await tx`
    select oid::int8::float8 as oid from pg_class
    where oid = any(${await inSchema(tx, schema, 'pg_class')}::oid[]) and relkind = 'r'`
  return rows.map(row => row.oid as number)
}

/**
 * What a schema holds of a kind. By what depends on the schema, because that has an index: to look for its name reads
 * the whole catalog, which is most of the work where there are thousands of tenants.
 */
async function inSchema(
  tx: TransactionSql,
  schema: string,
  catalog: 'pg_class' | 'pg_proc',
): Promise<number[]> {
  const rows = await tx`
    select objid::int8::float8 as oid from pg_depend
    where refclassid = 'pg_namespace'::regclass and refobjid = ${schema}::regnamespace
      and classid = ${catalog}::regclass`
  return rows.map(row => row.oid as number)
}

/**
 * Keys first, then what refers to them; not-null constraints came with the columns. PostgreSQL leaves out the schema of
 * a table that is referred to when it stands in the search path, as `public` does, so it is written in.
 */
const constraints = (tx: TransactionSql, from: string, oids: number[]) => tx<{ statement: string }[]>`
  select format('alter table %I.%I add constraint %I ', ${from}::text, c.relname, k.conname)
    || case when k.contype = 'f' then regexp_replace(pg_get_constraintdef(k.oid), ' REFERENCES [^(]+\\(',
        format(' REFERENCES %I.%I(', f.relnamespace::regnamespace, f.relname))
      else pg_get_constraintdef(k.oid) end as statement
  from pg_constraint k join pg_class c on c.oid = k.conrelid left join pg_class f on f.oid = k.confrelid
  where k.conrelid = any(${oids}::oid[]) and k.contype in ('p', 'u', 'x', 'c', 'f')
  order by k.contype = 'f', k.conname`

const indexes = (tx: TransactionSql, oids: number[]) => tx<{ statement: string }[]>`
  select pg_get_indexdef(i.indexrelid) as statement
  from pg_index i where i.indrelid = any(${oids}::oid[])
    and not exists (select 1 from pg_constraint k
      where k.conrelid = i.indrelid and k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))`

/** Triggers, and who sees which rows. The roles of a policy are left out with all other privileges. */
const rules = (tx: TransactionSql, from: string, oids: number[]) => tx<{ statement: string }[]>`
  select pg_get_triggerdef(oid) as statement from pg_trigger
  where tgrelid = any(${oids}::oid[]) and not tgisinternal
  union all
  select format('alter table %I.%I enable row level security', ${from}::text, relname) from pg_class
  where oid = any(${oids}::oid[]) and relrowsecurity
  union all
  select format('create policy %I on %I.%I as %s for %s', policyname, schemaname, tablename, permissive, cmd)
    || coalesce(' using (' || qual || ')', '') || coalesce(' with check (' || with_check || ')', '')
  from pg_policies where schemaname = ${from}`
