import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { Conflict, Invalid } from '../errors.ts'
import { record } from '../events.ts'
import { checkAddress, OutboundError } from '../lib/fetch.ts'
import { newId } from '../lib/id.ts'
import { allow } from '../permissions.ts'
import { readWebhook } from './find.ts'
import { maxWebhooks, type NewWebhook, type Webhook, type WebhookChange } from './schema.ts'
import { newSecrets, openSecrets, rotated, sealSecrets } from './secret.ts'

/**
 * Makes a webhook. Its signing secret (Standard Webhooks, `whsec_…`) is in this answer only.
 * @param exempt the operator's `host:port` pairs to which the rules for addresses do not apply
 * @throws Forbidden, Invalid for an address that is never called, Conflict when there are too many
 */
export async function createWebhook(
  scope: Scope,
  { url, events }: NewWebhook,
  exempt: readonly string[],
): Promise<Webhook & { secret: string }> {
  allow(scope, 'webhooks.manage')
  checkUrl(url, exempt)
  const [count] = await scope.sql`select count(*)::int as all from webhooks`
  if ((count?.all as number) >= maxWebhooks)
    throw new Conflict(`A workspace has at most ${maxWebhooks} event webhooks. Remove one first.`)
  const id = newId()
  const secrets = newSecrets()
  await scope.sql`
    insert into webhooks (id, url, events, secret) values (${id}, ${url}, ${events}, ${sealSecrets(scope, id, secrets)})`
  await record(scope, 'webhook.created', id, { host: new URL(url).host })
  return { ...(await readWebhook(scope, id)), secret: secrets.secret }
}

/**
 * Changes what is given. Switching off ends what still waits; switching on, or another address, forgets earlier failures.
 * @throws Forbidden, NotFound, Invalid
 */
export async function changeWebhook(
  scope: Scope,
  id: string,
  change: WebhookChange,
  exempt: readonly string[],
): Promise<Webhook> {
  const now = await lockWebhook(scope, id)
  const url = change.url ?? now.url
  if (url !== now.url) checkUrl(url, exempt)
  const active = change.active ?? now.state === 'active'
  const afresh = url !== now.url || (active && now.state === 'disabled')
  await scope.sql`
    update webhooks set url = ${url}, events = ${change.events ?? now.events},
      state = ${active ? 'active' : 'disabled'}, state_reason = case when ${active} then null else state_reason end,
      failures = case when ${afresh} then 0 else failures end,
      failing_since = case when ${afresh} then null else failing_since end,
      paused_until = case when ${afresh} then null else paused_until end
    where id = ${id}`
  if (afresh) await dueNow(scope, id)
  if (now.state === 'active' && !active)
    await endWaiting(scope, id, 'The webhook was switched off while this waited.')
  await record(scope, 'webhook.changed', id, { host: new URL(url).host, active })
  return readWebhook(scope, id)
}

/**
 * Switches a webhook off because its receiver wants nothing more or takes nothing any more, and ends what waits for it.
 * Called with the webhook's row locked.
 * @param reason a sentence for people
 */
export async function disableWebhook(scope: Scope, id: string, reason: string): Promise<void> {
  const [row] = await scope.sql`
    update webhooks set state = 'disabled', state_reason = ${reason} where id = ${id} and state = 'active' returning url`
  if (!row) return
  await endWaiting(scope, id, `Not sent: the webhook was switched off. ${reason}`)
  await record(scope, 'webhook.disabled', id, { host: new URL(row.url as string).host, reason })
}

/** Removes a webhook and the record of what was sent to it. @throws Forbidden, NotFound */
export async function deleteWebhook(scope: Scope, id: string): Promise<void> {
  const { url } = await lockWebhook(scope, id)
  await scope.sql`delete from webhooks where id = ${id}`
  await record(scope, 'webhook.removed', id, { host: new URL(url).host })
}

/**
 * Gives a webhook another secret. For a day both sign, so that the receiver can change over without missing anything.
 * @throws Forbidden, NotFound
 */
export async function rotateSecret(scope: Scope, id: string): Promise<Webhook & { secret: string }> {
  await lockWebhook(scope, id)
  const [row] = await scope.sql`select secret, url, public.clock() as now from webhooks where id = ${id}`
  const former = row && openSecrets(scope, id, row.secret as Uint8Array)
  const secrets = former ? rotated(former, row.now as Date) : newSecrets()
  await scope.sql`update webhooks set secret = ${sealSecrets(scope, id, secrets)} where id = ${id}`
  await record(scope, 'webhook.changed', id, { host: new URL(row?.url as string).host, secret: true })
  return { ...(await readWebhook(scope, id)), secret: secrets.secret }
}

/** One change of a webhook at a time, whoever makes it; the row before anything of its deliveries. */
async function lockWebhook(scope: Scope, id: string): Promise<Webhook> {
  const webhook = await readWebhook(scope, id)
  await scope.sql`select 1 from webhooks where id = ${id} for no key update`
  return readWebhook(scope, webhook.id)
}

/** Nothing that waits sits out what the receiver did before. */
async function dueNow(scope: Scope, id: string): Promise<void> {
  const [row] = await scope.sql`
    update deliveries set next_try_at = public.clock() where webhook_id = ${id} and state = 'waiting'
    returning next_try_at`
  if (row) await wakeAt(scope, row.next_try_at as Date)
}

/** @param words why, in a sentence; each can be asked for again */
async function endWaiting({ sql }: Scope, id: string, words: string): Promise<void> {
  await sql`
    update deliveries set state = 'failed', next_try_at = null, ended_at = public.clock(), answer = ${sql.json({ words })}
    where webhook_id = ${id} and state = 'waiting'`
}

function checkUrl(url: string, exempt: readonly string[]): void {
  try {
    checkAddress(url, exempt)
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    throw new Invalid(error.message, [{ path: 'url', message: error.message }])
  }
}
