import { type KeyRing, openWith, sealWith } from '../lib/seal.ts'

/** Whose keys seal: a tenant, or the part of one that this needs. */
export interface Keeper {
  id: string
  keys: KeyRing
}

export type SealedRow = Readonly<Record<string, unknown>>

/** A column that is sealed with its tenant's keys. */
export interface SealedColumn {
  table: string
  column: string
  /** How the sealed bytes stand in the column: as they are, or as text. */
  form: 'bytea' | 'base64'
  /** The other columns that say where the value belongs. */
  place: readonly string[]
  /**
   * Whether the value stays until it is changed, so that a new key has to re-seal it. What does not last opens with
   * the former key until it goes by itself.
   */
  lasts: boolean
  /** Bound to the sealed bytes: copied to another row or tenant they do not open. */
  about(tenantId: string, row: SealedRow): string
}

/** A column of bytes in the row of its own id. */
const inOwnRow = (table: string, column: string): SealedColumn => ({
  table,
  column,
  form: 'bytea',
  place: ['id'],
  lasts: true,
  about: (tenantId, row) => `${tenantId}/${table}/${row.id}/${column}`,
})

export const accountSecret = inOwnRow('social_accounts', 'secret')
export const workflowSecret = inOwnRow('workflows', 'secret')
export const webhookSecret = inOwnRow('webhooks', 'secret')
/** What a mail says, until it is sent. */
export const mailWords = inOwnRow('deliveries', 'sealed')

/**
 * Answers that are given again to a repeated request; they live 24 hours. The request's hash beside one is made with
 * the key that seals it, so a value sealed with another key is of no use: where the keys change at once, as in a copy
 * of a workspace, these rows are dropped.
 */
export const idempotentAnswer: SealedColumn = {
  table: 'idempotency_keys',
  column: 'answer',
  form: 'base64',
  place: ['owner', 'route', 'key'],
  lasts: false,
  about: (tenantId, row) => `${tenantId}/idempotency_keys/${row.owner}/${row.route}/${row.key}`,
}

/** Everything that a tenant's keys seal in its schema. A new sealed column has its line here. */
export const sealedColumns: readonly SealedColumn[] = [
  accountSecret,
  workflowSecret,
  webhookSecret,
  mailWords,
  idempotentAnswer,
]

/** Seals a value for its row, which has the columns of `place`. */
export function sealFor(by: Keeper, column: SealedColumn, row: SealedRow, plain: string | Buffer): Buffer {
  return sealWith(by.keys, plain, column.about(by.id, row))
}

/** @throws when the keeper lacks the key, the bytes were changed, or they belong elsewhere */
export function openFor(by: Keeper, column: SealedColumn, row: SealedRow, sealed: Uint8Array): Buffer {
  return openWith(by.keys, sealed, column.about(by.id, row))
}

/** The bytes of a column's value as the driver gives it: a Uint8Array, or base64 text. */
export const bytesOf = (column: SealedColumn, value: unknown): Buffer =>
  column.form === 'base64' ? Buffer.from(value as string, 'base64') : Buffer.from(value as Uint8Array)

/** Bytes as the column keeps them. */
export const asKept = (column: SealedColumn, bytes: Buffer): Buffer | string =>
  column.form === 'base64' ? bytes.toString('base64') : bytes

/**
 * A row's sealed value, sealed anew: with the current key of `to`, for the same row there. null stays null.
 * @param row the sealed column and those of `place`
 * @throws when `from` lacks the key, the bytes were changed, or they belong elsewhere
 */
export function reseal(
  column: SealedColumn,
  row: SealedRow,
  from: Keeper,
  to: Keeper,
): Buffer | string | null {
  const value = row[column.column]
  if (value === null || value === undefined) return null
  const plain = openFor(from, column, row, bytesOf(column, value))
  return asKept(column, sealFor(to, column, row, plain))
}
