import type { Scope } from '../db/scope.ts'
import { reseal, type SealedColumn, sealedColumns } from './sealed.ts'

/** So many rows are locked at a time: for a few milliseconds, while publishing goes on. */
const batch = 50

/** A value that no key of its tenant opens: it was damaged, or put there by hand. */
export interface Unreadable {
  table: string
  id: string
}

export interface Pass {
  resealed: number
  unreadable: Unreadable[]
  /** Where the next batch begins; null when the column is done. */
  after: string | null
}

/**
 * Seals the next rows of a column anew that are not sealed with the current key. Their rows stay locked until the
 * transaction is over, so nobody's newer value is overwritten.
 */
export async function resealBatch(scope: Scope, column: SealedColumn, after: string | null): Promise<Pass> {
  const { sql, tenant } = scope
  const name = sql(column.column)
  const rows = await sql`
    select ${sql([...new Set(['id', ...column.place, column.column])])} from ${sql(column.table)}
    where ${name} is not null and ${keyIdIn(scope, column)} <> ${tenant.keys.current.id}
      and (${after}::uuid is null or id > ${after}) order by id limit ${batch} for update`
  const unreadable: Unreadable[] = []
  for (const row of rows) {
    let fresh: Buffer | string | null
    try {
      fresh = reseal(column, row, tenant, tenant)
    } catch {
      unreadable.push({ table: column.table, id: row.id as string })
      continue
    }
    await sql`update ${sql(column.table)} set ${name} = ${fresh} where id = ${row.id}`
  }
  return {
    resealed: rows.length - unreadable.length,
    unreadable,
    after: rows.length < batch ? null : (rows.at(-1)?.id as string),
  }
}

/** The id of the key that a value is sealed with, in SQL; as `keyIdOf` reads it. */
function keyIdIn({ sql }: Scope, { column, form }: SealedColumn) {
  const bytes = form === 'base64' ? sql`decode(${sql(column)}, 'base64')` : sql`${sql(column)}`
  return sql`case get_byte(${bytes}, 0) when 1 then 1 else get_byte(${bytes}, 1) * 256 + get_byte(${bytes}, 2) end`
}

/** How many values of the tenant are sealed with each key. */
export async function sealedByKey(scope: Scope): Promise<Map<number, number>> {
  const counts = new Map<number, number>()
  for (const column of sealedColumns) {
    const rows = await scope.sql`
      select ${keyIdIn(scope, column)} as key, count(*)::int as values from ${scope.sql(column.table)}
      where ${scope.sql(column.column)} is not null group by 1`
    for (const { key, values } of rows)
      counts.set(key as number, (counts.get(key as number) ?? 0) + (values as number))
  }
  return counts
}
