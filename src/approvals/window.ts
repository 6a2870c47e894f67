/** When what was approved may go out. */
import type { ScopedSql } from '../db/scope.ts'
import { Invalid } from '../errors.ts'
import { instantOf, localTime } from '../lib/time.ts'

/** ISO 8601 in UTC. From `from` on and before `until`; null: no end on that side. At least one of them is given. */
export interface TimeWindow {
  from: string | null
  until: string | null
}

/**
 * A window that was typed as wall times. Of an hour that happens twice the whole is meant.
 * @throws Invalid for a time that is none
 */
export function windowTyped(
  typed: { from?: string | undefined; until?: string | undefined },
  zone: string,
): Partial<TimeWindow> {
  const instant = (path: 'from' | 'until', fold: 'first' | 'second') => {
    const local = typed[path]
    if (!local) return {}
    try {
      return { [path]: instantOf({ local, zone, fold }).at.toISOString() }
    } catch (error) {
      if (!(error instanceof Invalid)) throw error
      throw new Invalid(error.message, [{ path, message: error.message }], error.code)
    }
  }
  return { ...instant('from', 'first'), ...instant('until', 'second') }
}

/** A part of a statement: whether approval `a` still holds for its version. */
export const holds = (sql: ScopedSql) => sql`
  a.decision = 'approved' and not exists (
    select 1 from approvals later where later.version_id = a.version_id and later.id > a.id
      and later.decision in ('withdrawn', 'changes_requested'))`

/** The window of a row's `publish_from` and `publish_until`; null for any time. */
export function windowOf(row: Record<string, unknown> | null | undefined): TimeWindow | null {
  const [from, until] = [row?.publish_from, row?.publish_until] as (Date | null | undefined)[]
  return from || until ? { from: from?.toISOString() ?? null, until: until?.toISOString() ?? null } : null
}

/** On which side of the window a moment is; null inside. */
export function sideOf(window: TimeWindow | null, at: Date): 'before' | 'after' | null {
  if (window?.from && at < new Date(window.from)) return 'before'
  if (window?.until && at >= new Date(window.until)) return 'after'
  return null
}

/** `between 2026-12-01 09:00 and 2026-12-05 18:00 (Europe/Berlin)`: the rest of "It may go out …". */
export function windowWords({ from, until }: TimeWindow, zone: string): string {
  const said = (at: string) => localTime(new Date(at), zone).replace('T', ' ')
  if (from && until) return `between ${said(from)} and ${said(until)} (${zone})`
  return from ? `from ${said(from)} on (${zone})` : `before ${said(until ?? '')} (${zone})`
}
