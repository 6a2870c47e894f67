import type { Sql } from './pool.ts'

/** Schema → table → number of rows, and a sum over their contents that does not depend on their order. */
export type Fingerprints = Record<string, Record<string, [rows: number, sum: string]>>

const schemaName = /^(public|tenant_[0-9a-f_]{36})$/

/**
 * Counts and sums every table of `public` and of each tenant. Equal fingerprints mean equal rows, on servers of one
 * version (`hashtextextended` promises no more).
 *
 * @param snapshot an exported snapshot of a transaction that is still open; without one each schema is read as it is
 */
export async function fingerprint(
  owner: Sql,
  snapshot?: string,
  onSchema: (done: number, of: number) => void = () => {},
): Promise<Fingerprints> {
  const inSnapshot = <T>(work: (run: (text: string) => Promise<Record<string, unknown>[]>) => Promise<T>) =>
    owner.begin('isolation level repeatable read read only', async tx => {
      if (snapshot) await tx.unsafe(`set transaction snapshot '${snapshot.replaceAll("'", '')}'`)
      // What a row looks like as text depends on it.
      await tx`set local timezone to 'UTC'`
      return work(async text => [...(await tx.unsafe(text))])
    })
  const tables = new Map<string, string[]>()
  const listed = await inSnapshot(run =>
    run(`select n.nspname as schema, c.relname as "table" from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and (n.nspname = 'public' or n.nspname like 'tenant\\_%') order by 1, 2`),
  )
  for (const { schema, table } of listed as { schema: string; table: string }[])
    if (schemaName.test(schema)) tables.set(schema, [...(tables.get(schema) ?? []), table])
  const found: Fingerprints = {}
  let done = 0
  // One transaction a schema: a single one over thousands of them would need a lock for each table and index.
  for (const [schema, names] of tables) {
    const parts = names.map(
      table => `select '${table}' as "table", count(*)::int as rows,
        coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as sum from ${schema}."${table}" t`,
    )
    const rows = await inSnapshot(run => run(parts.join(' union all ')))
    found[schema] = Object.fromEntries(
      rows.map(row => [row.table as string, [row.rows as number, row.sum as string]]),
    )
    onSchema(++done, tables.size)
  }
  return found
}

/** What differs, one line a table, for people. */
export function differences(before: Fingerprints, after: Fingerprints): string[] {
  const said: string[] = []
  for (const schema of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[schema], after[schema]]
    if (!was || !is) said.push(`${schema} ${is ? 'is new' : 'is missing'}`)
    else
      for (const table of new Set([...Object.keys(was), ...Object.keys(is)])) {
        const [wasRows, wasSum] = was[table] ?? [0, 'none']
        const [isRows, isSum] = is[table] ?? [0, 'none']
        if (wasRows !== isRows) said.push(`${schema}.${table} has ${isRows} rows instead of ${wasRows}`)
        else if (wasSum !== isSum) said.push(`${schema}.${table} has ${isRows} rows, but other ones`)
      }
  }
  return said
}
