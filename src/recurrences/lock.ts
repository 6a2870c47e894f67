import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { isId } from '../lib/id.ts'
import { besideBrakes } from '../publishing/braked.ts'
import { parseRule, type Series } from './rule.ts'
import type { StoppedFor } from './schema.ts'

/** A recurrence as the moves see it. */
export interface Locked extends Series {
  id: string
  contentId: string
  accounts: string[]
  exceptions: ReadonlySet<string>
  lateMinutes: number | null
  active: boolean
  /** Until when its occurrences are planned; null when it has none after those. */
  plannedThrough: Date | null
}

/**
 * Locks a recurrence until the transaction ends. Its content first, as everybody does who plans or archives it.
 * @throws NotFound
 */
export async function lockRecurrence(scope: Scope, id: string): Promise<Locked> {
  const { sql } = scope
  await besideBrakes(scope)
  const [about] = isId(id)
    ? await sql`
        select c.id from content c where c.id = (select r.content_id from recurrences r where r.id = ${id}) for no key update`
    : []
  const [row] = about
    ? await sql`
        select id, content_id, accounts, rule, starts, zone, exceptions, late_minutes, state,
          case when planned_through < 'infinity' then planned_through end as planned_through
        from recurrences where id = ${id} for update`
    : []
  if (!row) throw new NotFound()
  const zone = row.zone as string
  return {
    id,
    contentId: row.content_id as string,
    accounts: row.accounts as string[],
    rule: parseRule(row.rule as string, zone),
    starts: row.starts as string,
    zone,
    exceptions: new Set(row.exceptions as string[]),
    lateMinutes: row.late_minutes as number | null,
    active: row.state === 'active',
    plannedThrough: row.planned_through as Date | null,
  }
}

/** Nothing more is planned of it. What is planned is the caller's to call off. */
export async function markStopped({ sql }: Scope, id: string, why: StoppedFor): Promise<void> {
  await sql`
    update recurrences set state = 'stopped', stopped_for = ${why} where id = ${id} and state = 'active'`
}
