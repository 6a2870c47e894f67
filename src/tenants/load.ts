import { copyIn, copyOut, sayPlainly, setTriggers, type Table, type Tx, tablesOf } from '../db/copy.ts'
import { buildSchema, standing } from '../db/tenants.ts'
import { Stop } from '../errors.ts'
import type { KeyRing } from '../lib/seal.ts'
import { type Checksums, type Manifest, newSum, summed, tableSum } from './capsule.ts'
import { unwatched, type Watch } from './ground.ts'
import { readCapsule } from './read.ts'
import { type Keeper, reseal, sealedColumns } from './sealed.ts'

/** A capsule as a file of this machine: it is read twice, first to check it, then for its tables. */
export interface CapsuleFile {
  path: string
  secret: string | Buffer
}

export const opened = ({ path }: CapsuleFile): { stream: ReadableStream<Uint8Array>; bytes: number } => {
  const file = Bun.file(path)
  return { stream: file.stream(), bytes: file.size }
}

/** The same stream, telling how much of it was read. */
export function watched(
  { stream, bytes }: { stream: ReadableStream<Uint8Array>; bytes: number },
  what: string,
  watch: Watch,
): { stream: ReadableStream<Uint8Array>; bytes: number } {
  let done = 0
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      done += piece.length
      watch(what, done, bytes)
      controller.enqueue(piece)
    },
  })
  return { stream: stream.pipeThrough(counting), bytes }
}

/** Ends the reading of a capsule when all that was wanted of it has come. */
class Enough extends Error {}

/**
 * Builds a schema as the capsule has it, fills it, and reads it back: every table must give the checksum that it had
 * where it was copied out. Nothing of it lasts unless the caller's transaction commits. The triggers are left off, so
 * that rows can be mended without a trace.
 * @param appRole who may become the schema's role; null for a schema that only the owner works in
 * @throws Stop in words when the tables are not those of its level, or its rows do not fit
 */
export async function loadTables(
  tx: Tx,
  schema: string,
  appRole: string | null,
  file: CapsuleFile,
  checked: { manifest: Manifest; checksums: Checksums },
  watch: Watch = unwatched,
): Promise<Table[]> {
  const { manifest, checksums } = checked
  const { level: here } = await standing(tx)
  await sayPlainly(tx)
  await buildSchema(tx, schema, manifest.level, appRole)
  const built = await tablesOf(tx, schema)
  refuseOtherTables(manifest.tables, built)
  const total = checksums.tables.reduce((sum, { bytes }) => sum + bytes, 0)
  let done = 0
  const tell = (bytes: number) => {
    done += bytes
    watch('loading', done, total * 2)
  }
  await setTriggers(tx, schema, built, 'disable')
  await fill(tx, schema, file, here, rows => counted(rows, tell))
  for (const said of checksums.tables) {
    const table = manifest.tables.find(({ name }) => name === said.name) as Table
    const sum = newSum()
    for await (const piece of summed(copyOut(tx, schema, table), sum)) tell(piece.length)
    if (tableSum(said.name, sum).sha256 !== said.sha256)
      throw new Stop(`The rows of ${said.name} did not arrive as they are in the capsule.`)
  }
  await refuseOtherWorkspace(tx, schema, manifest)
  return built
}

async function fill(
  tx: Tx,
  schema: string,
  file: CapsuleFile,
  here: number,
  through: (rows: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    await readCapsule(file.secret, opened(file), here, {
      part: (table, rows) => copyIn(tx, schema, table, through(rows)),
      picture: () => Promise.reject(new Enough()),
    })
  } catch (error) {
    if (error instanceof Enough) return
    const { code, message } = error as { code?: string; message: string }
    // 22: a value is none of its type; 23: a rule of the tables is broken.
    if (code?.startsWith('22') || code?.startsWith('23'))
      throw new Stop(`The capsule’s rows do not fit its tables (${message}): it was not made by Masthead.`)
    throw error
  }
}

async function* counted(
  rows: AsyncIterable<Uint8Array>,
  tell: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of rows) {
    tell(piece.length)
    yield piece
  }
}

function refuseOtherTables(given: readonly Table[], built: readonly Table[]): void {
  const shape = (tables: readonly Table[]) =>
    tables
      .flatMap(({ name, columns }) => columns.map(column => `${name}.${column.name} ${column.type}`))
      .sort()
  const [ours, theirs] = [shape(built), shape(given)]
  const [other] = [...theirs.filter(one => !ours.includes(one)), ...ours.filter(one => !theirs.includes(one))]
  if (other)
    throw new Stop(
      `This capsule’s tables are not those of its migration level (${other.split(' ')[0]}): it was not made by Masthead.`,
    )
}

async function refuseOtherWorkspace(tx: Tx, schema: string, { tenant }: Manifest): Promise<void> {
  const rows = await tx`select id from ${tx(`${schema}.workspace`)} limit 2`
  if (rows.length !== 1 || rows[0]?.id !== tenant.id)
    throw new Stop('This capsule’s tables are of another workspace than it says.')
}

/** Seals what is sealed for another tenant, or with other keys. What is of no use there any more goes. */
export async function resealTables(tx: Tx, schema: string, from: Keeper, to: Keeper): Promise<void> {
  for (const column of sealedColumns) {
    const table = tx(`${schema}.${column.table}`)
    if (!column.lasts) {
      await tx`delete from ${table}`
      continue
    }
    const named = [...new Set(['id', ...column.place, column.column])]
    const rows =
      await tx`select ${tx(named)} from ${table} where ${tx(column.column)} is not null order by id`
    for (const row of rows) {
      const sealed = resealed(column, row, from, to)
      await tx`update ${table} set ${tx(column.column)} = ${sealed} where id = ${row.id as string}`
    }
  }
}

function resealed(...given: Parameters<typeof reseal>): ReturnType<typeof reseal> {
  try {
    return reseal(...given)
  } catch {
    const [{ table }, row] = given
    throw new Stop(`A secret in ${table} (${row.id}) does not open with the capsule’s own keys.`)
  }
}

/** Whether everything that the one ring opens the other opens too. */
export function opensAll(ring: KeyRing, of: KeyRing): boolean {
  const all = new Map([[ring.current.id, ring.current.key], ...ring.others])
  return [[of.current.id, of.current.key] as const, ...of.others].every(([id, key]) =>
    all.get(id)?.equals(key),
  )
}
