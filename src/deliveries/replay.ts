import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { Conflict } from '../errors.ts'
import { readDelivery } from './find.ts'
import type { Delivery } from './schema.ts'

/**
 * Sends a message to a webhook once more, with the same id, by which its receiver knows a repeat; one that waits goes at
 * once. What was tried before stays in its record.
 * @throws Forbidden, NotFound, Conflict for a mail, and while the webhook is switched off or the message is being sent
 */
export async function replayDelivery(scope: Scope, id: string): Promise<Delivery> {
  const delivery = await readDelivery(scope, id)
  if (delivery.kind === 'mail')
    throw new Conflict('What a mail said is forgotten once it has ended. Do again what it was sent for.')
  const [webhook] = await scope.sql`
    select state from webhooks where id = ${delivery.webhookId} for no key update`
  if (webhook?.state !== 'active')
    throw new Conflict('The webhook is switched off. Switch it on, then send this again.')
  const [again] = await scope.sql`
    update deliveries set state = 'waiting', tries_before = tries, next_try_at = public.clock(), ended_at = null
    where id = ${id} and state <> 'sending' returning next_try_at`
  if (!again) throw new Conflict('It is being sent just now. Look again in a moment.')
  await scope.sql`update webhooks set paused_until = null where id = ${delivery.webhookId}`
  await wakeAt(scope, again.next_try_at as Date)
  return readDelivery(scope, id)
}
