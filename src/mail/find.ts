import type { Scope } from '../db/scope.ts'
import type { MailChoice } from './schema.ts'

/** How many mails wait, and how many were given up. */
export async function countDeliveries(scope: Scope): Promise<{ waiting: number; failed: number }> {
  const [row] = await scope.sql`
    select count(*) filter (where state in ('waiting', 'sending'))::int as waiting,
      count(*) filter (where state = 'failed')::int as failed
    from deliveries where kind = 'mail'`
  return { waiting: (row?.waiting as number) ?? 0, failed: (row?.failed as number) ?? 0 }
}

/** The caller's own choice. */
export async function readMailChoice(scope: Scope): Promise<MailChoice> {
  const [row] = await scope.sql`select by_mail from users where id = ${scope.actor.userId}`
  return { notifications: row?.by_mail === true }
}
