import type { TransactionSql } from 'postgres'
import { tablesOf } from './clone.ts'

/** What a schema holds: for telling what a migration did to it. */
export interface Inventory {
  tables: Map<string, TableInventory>
  /** Bytes by relation, tables and indexes, with the file each lies in. */
  files: Map<string, { file: number; bytes: number }>
}

export interface TableInventory {
  rows: number
  /** A sum over all values of each column: another one means that values changed. */
  sums: Map<string, string>
}

/** Reads everything once: as long as it takes to read the schema's tables from the disk. */
export async function takeInventory(tx: TransactionSql, schema: string): Promise<Inventory> {
  const oids = await tablesOf(tx, schema)
  const columns = await tx<{ table: string; column: string }[]>`
    select quote_ident(c.relname) as table, quote_ident(a.attname) as column
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.oid = any(${oids}::oid[]) order by c.relname, a.attnum`
  const counting = [...Map.groupBy(columns, ({ table }) => table)].map(async ([table, of]) => {
    const names = of.map(({ column }) => column)
    // With the row's key in it, values that only change places are seen too.
    const key = names.includes('id') ? 'id::text' : "''"
    const sums = names.map(
      name => `sum(hashtextextended(${key} || ':' || coalesce(${name}::text, '\\N'), 0)::numeric)::text`,
    )
    const [row] = await tx.unsafe(
      `select count(*)::int as rows, array[${sums.join(', ')}]::text[] as sums from ${schema}.${table}`,
    )
    const values = row?.sums as (string | null)[]
    const counted = {
      rows: row?.rows as number,
      sums: new Map(names.map((name, at) => [name, values[at] ?? ''])),
    }
    return [table, counted] as const
  })
  const tables = new Map(await Promise.all(counting))
  const files = await tx<{ name: string; file: number; bytes: number }[]>`
    select relname as name, pg_relation_filenode(oid)::int8::float8 as file, pg_table_size(oid)::float8 as bytes
    from pg_class where oid = any(${oids}::oid[])
      or oid in (select indexrelid from pg_index where indrelid = any(${oids}::oid[]))`
  return { tables, files: new Map(files.map(({ name, file, bytes }) => [name, { file, bytes }])) }
}

export interface Difference {
  /** Tables with fewer rows than before, or gone with the rows they had: nobody may lose those unasked. */
  lost: string[]
  /** What else is not as it was, in words. */
  changed: string[]
  /** Bytes of tables and indexes that were written anew, or grew. */
  written: number
}

/** Compares the same schema before and after, table by table and column by column. */
export function compareInventories(before: Inventory, after: Inventory): Difference {
  const lost: string[] = []
  const changed: string[] = []
  const rows = (count: number) => `${count.toLocaleString('en')} ${count === 1 ? 'row' : 'rows'}`
  for (const [name, was] of before.tables) {
    const is = after.tables.get(name)
    if (!is) {
      if (was.rows > 0) lost.push(`${name} is gone with ${rows(was.rows)}`)
      else changed.push(`${name} is gone, it was empty`)
      continue
    }
    if (is.rows < was.rows) lost.push(`${name} has ${rows(was.rows - is.rows)} fewer`)
    if (is.rows > was.rows) changed.push(`${name} has ${rows(is.rows - was.rows)} more`)
    const altered: string[] = []
    for (const [column, sum] of was.sums) {
      if (!is.sums.has(column)) changed.push(`${name}.${column} is gone`)
      else if (is.rows === was.rows && is.sums.get(column) !== sum) altered.push(column)
    }
    if (altered.length > 0) changed.push(`${name} has other values in ${altered.join(', ')}`)
  }
  let written = 0
  for (const [name, { file, bytes }] of after.files) {
    const was = before.files.get(name)
    written += was?.file === file ? Math.max(0, bytes - was.bytes) : bytes
  }
  return { lost, changed, written }
}
