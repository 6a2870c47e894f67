import type { Scope } from '../db/scope.ts'
import { type Happening, record } from '../events.ts'

/** A rule ends with its content, and with the last of its accounts. What it had planned, publishing calls off. */
export async function stopWithContent(scope: Scope, { type, subjectId }: Happening): Promise<void> {
  if (type === 'content.archived')
    await stop(
      scope,
      'archive',
      await scope.sql`
      update recurrences set state = 'stopped', stopped_for = 'archive'
      where content_id = ${subjectId} and state = 'active' returning id`,
    )
  if (type === 'account.removed')
    await stop(
      scope,
      'accounts',
      await scope.sql`
      update recurrences r set state = 'stopped', stopped_for = 'accounts'
      where r.state = 'active' and ${subjectId}::uuid = any(r.accounts) and not exists (
        select 1 from social_accounts a where a.id = any(r.accounts) and a.removed_at is null)
      returning r.id`,
    )
}

async function stop(scope: Scope, why: string, rows: readonly Record<string, unknown>[]): Promise<void> {
  for (const { id } of rows) await record(scope, 'recurrence.stopped', id as string, { for: why })
}
