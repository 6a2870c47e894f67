import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { Conflict } from '../errors.ts'
import { readWebhook } from '../webhooks/find.ts'
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
  await lockActive(scope, delivery.webhookId)
  const [again] = await scope.sql`
    update deliveries set state = 'waiting', tries_before = tries, next_try_at = public.clock(), ended_at = null
    where id = ${id} and state <> 'sending' returning next_try_at`
  if (!again) throw new Conflict('It is being sent just now. Look again in a moment.')
  await scope.sql`update webhooks set paused_until = null where id = ${delivery.webhookId}`
  await wakeAt(scope, again.next_try_at as Date)
  return readDelivery(scope, id)
}

/**
 * Sends every message of one webhook that was given up once more, the oldest first, each with its own id.
 * @returns how many
 * @throws Forbidden, NotFound, Conflict while the webhook is switched off
 */
export async function replayFailed(scope: Scope, webhookId: string): Promise<{ replayed: number }> {
  const { id } = await readWebhook(scope, webhookId)
  await lockActive(scope, id)
  const again = await scope.sql`
    update deliveries set state = 'waiting', tries_before = tries, next_try_at = public.clock(), ended_at = null
    where webhook_id = ${id} and state = 'failed' returning next_try_at`
  const [first] = again
  if (!first) return { replayed: 0 }
  await scope.sql`update webhooks set paused_until = null where id = ${id}`
  await wakeAt(scope, first.next_try_at as Date)
  return { replayed: again.length }
}

async function lockActive({ sql }: Scope, webhookId: string): Promise<void> {
  const [webhook] = await sql`select state from webhooks where id = ${webhookId} for no key update`
  if (webhook?.state !== 'active')
    throw new Conflict('The webhook is switched off. Switch it on, then send this again.')
}
