import type { Scope } from '../db/scope.ts'
import type { MailChoice } from './schema.ts'

/** Switches one's own notifications by mail on or off. Mails that wait are not sent either once it is off. */
export async function changeMailChoice(scope: Scope, choice: MailChoice): Promise<MailChoice> {
  await scope.sql`update users set by_mail = ${choice.notifications} where id = ${scope.actor.userId}`
  return choice
}
