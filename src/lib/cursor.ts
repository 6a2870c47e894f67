import { z } from 'zod'
import { Malformed } from '../errors.ts'
import { isId } from './id.ts'

/** What every list takes from its query. */
export const ListQuery = z.strictObject({
  limit: z.coerce
    .number({ error: 'must be a number from 1 to 100' })
    .int({ error: 'must be a whole number from 1 to 100' })
    .min(1, { error: 'must be a number from 1 to 100' })
    .max(100, { error: 'must be a number from 1 to 100' })
    .default(50),
  cursor: z.string({ error: 'must be the "next" of the page before' }).optional(),
})
export type ListQuery = z.infer<typeof ListQuery>

/** One page of a list. `next` is the cursor of the page after it, null on the last. */
export interface Page<T> {
  items: T[]
  next: string | null
}

/** An opaque cursor over the sort keys of a page's last row. */
export const writeCursor = (keys: readonly string[]): string =>
  Buffer.from(JSON.stringify(keys)).toString('base64url')

/** What one sort key of a cursor may be. */
export type KeyCheck = RegExp | ((key: string) => boolean)

const passes = (key: string, check: KeyCheck | undefined) =>
  check instanceof RegExp ? check.test(key) : (check?.(key) ?? false)

/**
 * The sort keys in a cursor; null when none was given.
 * @param checks one for each key, so that nothing else reaches the query
 * @throws Malformed `bad_cursor`
 */
export function readCursor(cursor: string | undefined, checks: readonly KeyCheck[]): string[] | null {
  if (cursor === undefined) return null
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (
      Array.isArray(keys) &&
      keys.length === checks.length &&
      keys.every((key, at) => typeof key === 'string' && passes(key, checks[at]))
    )
      return keys
  } catch {
    // Not one of ours: said below.
  }
  throw new Malformed(
    'This cursor is not one that a list has given. Start the list again without it.',
    'bad_cursor',
  )
}

export const idKey: KeyCheck = isId

/** A moment as PostgreSQL writes it (`2026-11-21 10:00:00.123456+00`): as text, because a Date cuts the microseconds. */
export const timeKey: KeyCheck = key => {
  try {
    return /^\d{4}-\d\d-\d\d \d\d:/.test(key) && Temporal.Instant.from(key).epochMilliseconds > 0
  } catch {
    return false
  }
}

/** Cuts a query of `limit + 1` rows to one page. */
export function pageOf<T>(rows: readonly T[], limit: number, keys: (last: T) => readonly string[]): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, next: rows.length > limit && last !== undefined ? writeCursor(keys(last)) : null }
}
