import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { newId } from '../src/lib/id.ts'
import { keyIdOf, newKey } from '../src/lib/seal.ts'
import {
  asKept,
  bytesOf,
  type Keeper,
  openFor,
  reseal,
  type SealedRow,
  sealedColumns,
  sealFor,
} from '../src/tenants/sealed.ts'
import { cloneDatabase } from './setup.ts'

setDefaultTimeout(60_000)

let clone: Awaited<ReturnType<typeof cloneDatabase>>
beforeAll(async () => {
  clone = await cloneDatabase()
})
afterAll(() => clone.drop())

const keeper = (keyId: number, others: [number, Buffer][] = []): Keeper => ({
  id: newId(),
  keys: { current: { id: keyId, key: newKey() }, others: new Map(others) },
})

describe('the list of what is sealed', () => {
  test('has every column of a tenant that holds bytes, and names columns that exist', async () => {
    const columns = (await clone.db.owner`
      select table_name || '.' || column_name as name, data_type as type from information_schema.columns
      where table_schema = ${clone.cast.alice.tenant.schema}`) as unknown as { name: string; type: string }[]
    const named = sealedColumns
      .filter(({ form }) => form === 'bytea')
      .map(one => `${one.table}.${one.column}`)
    const bytes = columns.filter(({ type }) => type === 'bytea').map(({ name }) => name)
    expect(bytes.sort()).toEqual(named.sort())
    for (const { table, column, place } of sealedColumns)
      for (const name of [column, ...place])
        expect(columns.map(one => one.name)).toContain(`${table}.${name}`)
  })
})

describe.each(sealedColumns.map(column => [`${column.table}.${column.column}`, column] as const))(
  'a value of %s',
  (_, column) => {
    const row: SealedRow = Object.fromEntries(column.place.map(name => [name, `${name} of the row`]))
    const kept = (by: Keeper, plain: string) => ({
      ...row,
      [column.column]: asKept(column, sealFor(by, column, row, plain)),
    })

    test('is sealed anew for another workspace and key, and opens there only', () => {
      const [from, to] = [keeper(1), keeper(7)]
      const before = kept(from, 'the words')
      const after = bytesOf(column, reseal(column, before, from, to))
      expect(keyIdOf(after)).toBe(7)
      expect(openFor(to, column, row, after).toString()).toBe('the words')
      expect(() => openFor({ ...to, id: from.id }, column, row, after)).toThrow()
      expect(() => openFor(from, column, row, after)).toThrow()
      for (const name of column.place)
        expect(() => openFor(to, column, { ...row, [name]: 'another' }, after)).toThrow()
    })

    test('stays nothing where there is none, and what was changed is refused', () => {
      const from = keeper(1)
      expect(reseal(column, { ...row, [column.column]: null }, from, keeper(2))).toBeNull()
      const bytes = bytesOf(column, kept(from, 'the words')[column.column])
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
      expect(() =>
        reseal(column, { ...row, [column.column]: asKept(column, bytes) }, from, keeper(2)),
      ).toThrow()
    })
  },
)
