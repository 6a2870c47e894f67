import type { Scope } from '../db/scope.ts'

/** How many pieces of content wait for a review in this workspace. */
export async function reviewCount(scope: Scope): Promise<number> {
  const [row] = await scope.sql`select count(*)::int as waiting from content where state = 'in_review'`
  return (row?.waiting as number | undefined) ?? 0
}
