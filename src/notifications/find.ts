import type { Scope } from '../db/scope.ts'

/** How many things wait for this user. */
export async function needsCount(scope: Scope): Promise<number> {
  const [row] = await scope.sql`
    select count(*)::int as open from notifications where user_id = ${scope.actor.userId} and done_at is null`
  return (row?.open as number | undefined) ?? 0
}
