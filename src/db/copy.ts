import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type postgres from 'postgres'
import type { Sql } from './pool.ts'

/** An open transaction of the owner's. */
export type Tx = postgres.TransactionSql<Record<string, never>>

export interface Column {
  name: string
  type: string
}
export interface Table {
  name: string
  /** In the table's own order. */
  columns: Column[]
}

/** The tables of a schema, each after those that its foreign keys name. */
export async function tablesOf(tx: Tx, schema: string): Promise<Table[]> {
  const columns = await tx`
    select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = ${schema} and c.relkind = 'r' order by c.relname, a.attnum`
  const keys = await tx`
    select c.relname as table, f.relname as needs from pg_constraint k
    join pg_class c on c.oid = k.conrelid join pg_class f on f.oid = k.confrelid
    join pg_namespace n on n.oid = k.connamespace
    where n.nspname = ${schema} and k.contype = 'f' and k.conrelid <> k.confrelid order by 1, 2`
  const tables = new Map<string, Table>()
  for (const { table, name, type } of columns) {
    const known = tables.get(table as string) ?? { name: table as string, columns: [] }
    known.columns.push({ name: name as string, type: type as string })
    tables.set(known.name, known)
  }
  const needs = (name: string) => keys.filter(key => key.table === name).map(key => key.needs as string)
  const ordered: Table[] = []
  const visit = (table: Table) => {
    if (!tables.delete(table.name)) return
    for (const name of needs(table.name)) {
      const before = tables.get(name)
      if (before) visit(before)
    }
    ordered.push(table)
  }
  for (const table of [...tables.values()]) visit(table)
  return ordered
}

/** One state of the database, looked at for as long as it takes, with any number of tables copied out of it. */
export interface Reading {
  tx: Tx
  /** The rows of a table as COPY's text format, in the order of their ids; a piece holds whole rows. */
  copyOut(schema: string, table: Table): AsyncGenerator<Uint8Array>
  /** Ends the transaction, a copy under way too. Repeatable. */
  end(): Promise<void>
}

/** Opens a read-only transaction of the owner's that sees the database as it is now, whatever is written meanwhile. */
export async function openReading(owner: Sql): Promise<Reading> {
  const done = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<{ tx: Tx; pid: number }>()
  let copying: Readable | null = null
  const whole = owner.begin('isolation level repeatable read read only', async tx => {
    await sayPlainly(tx)
    const [backend] = await tx`select pg_backend_pid() as pid`
    opened.resolve({ tx, pid: backend?.pid as number })
    await done.promise
  })
  const ended = whole.then(
    () => {},
    (error: unknown) => {
      opened.reject(error)
      // What was broken off on purpose is no failure.
      if (!copying) throw error
    },
  )
  ended.catch(() => {})
  const { tx, pid } = await opened.promise
  return {
    tx,
    async *copyOut(schema, table) {
      const from = await openCopy(tx, schema, table)
      copying = from
      yield* inPieces(from)
      copying = null
    },
    async end() {
      // A transaction cannot end in the middle of a copy, and what is left of it may be long.
      const left = copying
      if (left) await owner`select pg_cancel_backend(${pid})`
      const going = left && setInterval(() => goOn(left), 20)
      done.resolve()
      await ended
      if (going) clearInterval(going)
    },
  }
}

/**
 * The rows of a table as COPY's text format, in the order of their ids; a piece holds whole rows. Call `sayPlainly`
 * first. Must be read to its end before the transaction goes on.
 */
export async function* copyOut(tx: Tx, schema: string, table: Table): AsyncGenerator<Uint8Array> {
  yield* inPieces(await openCopy(tx, schema, table))
}

const openCopy = (tx: Tx, schema: string, table: Table): Promise<Readable> =>
  tx
    .unsafe(
      `copy (select ${listed(table)} from ${quoted(schema)}.${quoted(table.name)} order by id) to stdout`,
    )
    .readable() as Promise<Readable>

/** The driver gives a piece a row: many rows are handed on at once. */
async function* inPieces(from: Readable): AsyncGenerator<Uint8Array> {
  let rows: Uint8Array[] = []
  let bytes = 0
  for await (const row of from as AsyncIterable<Uint8Array>) {
    rows.push(row)
    bytes += row.length
    if (bytes < pieceBytes) continue
    yield Buffer.concat(rows, bytes)
    rows = []
    bytes = 0
  }
  goOn(from)
  if (bytes > 0) yield Buffer.concat(rows, bytes)
}

/**
 * Lets the driver read on. It stops its socket behind a full buffer; where that was the last row, or nobody takes any
 * more, it would never start it again, and the transaction would hang (measured with postgres 3.4.9).
 */
const goOn = (from: Readable): void => from._read(0)

const pieceBytes = 256 * 1024

/** Adds rows in COPY's text format to a table. @throws what PostgreSQL says of rows that do not fit */
export async function copyIn(
  tx: Tx,
  schema: string,
  table: Table,
  rows: AsyncIterable<Uint8Array>,
): Promise<void> {
  const into = await tx
    .unsafe(`copy ${quoted(schema)}.${quoted(table.name)} (${listed(table)}) from stdin`)
    .writable()
  await pipeline(Readable.from(rows, { objectMode: false }), into)
}

/** Puts all rows of a table into its namesake in another schema. */
export async function pour(tx: Tx, from: string, to: string, table: Table): Promise<void> {
  await tx.unsafe(
    `insert into ${quoted(to)}.${quoted(table.name)} (${listed(table)}) select ${listed(table)} from ${quoted(from)}.${quoted(table.name)}`,
  )
}

/**
 * Puts rows of a table into its namesake in another schema. Of a row that is there under the same id, either the other
 * one's values are taken, or it stays as it is.
 * @param ids which; null for all
 */
export async function mingle(
  tx: Tx,
  from: string,
  to: string,
  table: Table,
  ids: readonly string[] | null,
  there: 'is replaced' | 'stays',
): Promise<void> {
  const others = table.columns.filter(({ name }) => name !== 'id').map(({ name }) => quoted(name))
  const conflict =
    there === 'stays'
      ? 'on conflict do nothing'
      : `on conflict (id) do update set ${others.map(name => `${name} = excluded.${name}`).join(', ')}`
  await tx.unsafe(
    `insert into ${quoted(to)}.${quoted(table.name)} (${listed(table)})
     select ${listed(table)} from ${quoted(from)}.${quoted(table.name)}
     where $1::uuid[] is null or id = any($1::uuid[]) ${conflict}`,
    [ids as string[] | null],
  )
}

/** Keeps everybody out of these tables until the transaction ends. */
export async function lockTables(tx: Tx, schema: string, tables: readonly Table[]): Promise<void> {
  await tx.unsafe(`lock table ${named(schema, tables)} in access exclusive mode`)
}

export async function emptyTables(tx: Tx, schema: string, tables: readonly Table[]): Promise<void> {
  await tx.unsafe(`truncate ${named(schema, tables)}`)
}

/** While rows are put in place as they are, nothing may touch them on the way; afterwards it may again. */
export async function setTriggers(
  tx: Tx,
  schema: string,
  tables: readonly Table[],
  how: 'enable' | 'disable',
): Promise<void> {
  for (const { name } of tables)
    await tx.unsafe(`alter table ${quoted(schema)}.${quoted(name)} ${how} trigger user`)
}

export async function dropSchema(tx: Tx, schema: string): Promise<void> {
  await tx.unsafe(`drop schema ${quoted(schema)} cascade`)
  await tx.unsafe(`drop role ${quoted(schema)}`)
}

/** Values are written the same way everywhere, whatever the server's settings are. */
export async function sayPlainly(tx: Tx): Promise<void> {
  await tx`set local timezone = 'UTC'`
  await tx`set local datestyle = 'ISO, YMD'`
  await tx`set local intervalstyle = 'postgres'`
  await tx`set local bytea_output = 'hex'`
  await tx`set local extra_float_digits = 1`
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const listed = (table: Table): string => table.columns.map(({ name }) => quoted(name)).join(', ')
const named = (schema: string, tables: readonly Table[]): string =>
  tables.map(({ name }) => `${quoted(schema)}.${quoted(name)}`).join(', ')
