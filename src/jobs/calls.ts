import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import type { Services } from '../services.ts'
import { type Answered, callReceiver } from '../webhooks/call.ts'
import { bodyOf, type Message } from '../webhooks/payload.ts'
import { maxTries } from '../webhooks/schema.ts'
import { openSecrets, signingWith } from '../webhooks/secret.ts'
import { unsigned } from '../webhooks/trial.ts'
import { disableWebhook } from '../webhooks/webhooks.ts'
import { crashPoint } from './crash.ts'
import { type Claim, claimRows, type Queue, stillHeld } from './queue.ts'
import { system } from './run-record.ts'

/** One call takes 20 s at most. */
const queue: Queue = { table: 'deliveries', kind: 'webhook', held: 'sending', leaseSeconds: 45 }
/** Calls of one workspace at a time: its receivers that hang do not keep others' waiting. */
const mostOfTenant = 4
/**
 * Waits between the tries of one message, in seconds: 75 hours in all. The example table of
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
const backOff = [5, 300, 1_800, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600]
/**
 * After so many failures in a row nothing at all goes to a receiver for so long, in seconds, and then one message tries
 * it: an outage costs it a call each quarter of an hour, whatever waits.
 */
const pauses = [5, 30, 120, 300, 900]
/** A receiver that took nothing for so long is not called any more, once a message for it has been given up. */
const longSilentHours = 60
/** After so many failures in a row what waits does not sit out its own back-off once the receiver answers again. */
const outage = 3
/** Longer than this no receiver may ask us to wait. */
const longestAskedMs = 3_600_000

/** A message that this worker holds. */
export interface ClaimedCall extends Claim {
  webhookId: string
  url: string
  active: boolean
  body: Message
  /** Those to sign with; null when they cannot be opened. */
  secrets: string[] | null
}

/**
 * Claims at most `most` messages to webhooks: of each webhook one at a time, the oldest first, and none while it is paused.
 * Called inside the worker's own transaction, with the due row locked.
 */
export async function claimCalls(scope: Scope, most: number): Promise<ClaimedCall[]> {
  if (most <= 0) return []
  const { sql } = scope
  await lineUp(scope)
  const [busy] = await sql`
    select count(*)::int as calls from deliveries
    where kind = 'webhook' and state = 'sending' and lease_until > public.clock()`
  const claims = await claimRows(scope, queue, Math.min(most, mostOfTenant - (busy?.calls as number)))
  if (claims.length === 0) return []
  const rows = await sql`
    select d.id, d.tries, d.body, w.id as webhook_id, w.url, w.state, w.secret, public.clock() as now
    from deliveries d join webhooks w on w.id = d.webhook_id
    where d.id = any(${claims.map(({ id }) => id)}::uuid[])`
  return rows.map(row => {
    const webhookId = row.webhook_id as string
    const secrets = openSecrets(scope, webhookId, row.secret as Uint8Array)
    return {
      id: row.id as string,
      tries: row.tries as number,
      webhookId,
      url: row.url as string,
      active: row.state === 'active',
      body: row.body as Message,
      secrets: secrets && signingWith(secrets, row.now as Date),
    }
  })
}

/**
 * Of what is due only the first of each webhook's line keeps its moment, moved behind the pause if there is one; the
 * others have none until that one has ended. Rows that somebody else has are met the next time.
 */
async function lineUp({ sql }: Scope): Promise<void> {
  await sql`
    with due as materialized (
      select d.id from deliveries d
      where d.kind = 'webhook' and d.state = 'waiting' and d.lease_until is null and d.next_try_at <= public.clock()
      for update skip locked),
    -- Once a webhook, not once a message: ten thousand may come at one moment.
    line as materialized (
      select w.id as webhook_id, w.paused_until, (
        select before.id from deliveries before
        where before.webhook_id = w.id and (before.state = 'sending'
          or (before.state = 'waiting' and before.next_try_at <= public.clock()))
        order by before.state <> 'sending', before.id limit 1) as first
      from webhooks w)
    update deliveries d set next_try_at = case when line.first = d.id then line.paused_until end
    from due, line
    where d.id = due.id and line.webhook_id = d.webhook_id
      and (line.first is distinct from d.id or line.paused_until > public.clock())`
}

/**
 * Makes a claimed call and records what became of it. The receiver is called outside any transaction; should the process
 * die between its answer and the record, the same message goes once more when the lease ends.
 * @throws only when the database cannot be reached; the message then comes back when its lease ends
 */
export async function makeCall(services: Services, tenantId: string, call: ClaimedCall): Promise<void> {
  const answered = await attempt(services, call)
  crashPoint('webhook-called')
  const recorded = await services.db.within(system(tenantId), scope => record(scope, call, answered))
  const fields = {
    tenant: tenantId,
    delivery: call.id,
    webhook: call.webhookId,
    tries: call.tries,
    ms: 'ms' in answered ? answered.ms : 0,
  }
  if (!recorded)
    services.log.warn('a message to a webhook was taken over by another worker, or removed', fields)
  else if (answered.is === 'delivered') services.log.info('a webhook was called', fields)
  else services.log.warn('a webhook did not take a message', { ...fields, why: answered.words })
}

/** Nothing was sent, and nothing will be: no try is counted against the receiver. */
interface Unsent {
  is: 'unsent'
  words: string
}

async function attempt(services: Services, call: ClaimedCall): Promise<Answered | Unsent> {
  if (!call.active) return { is: 'unsent', words: 'Not sent: the webhook was switched off meanwhile.' }
  if (!call.secrets) return { is: 'unsent', words: unsigned }
  const body = bodyOf(call.body)
  return callReceiver(services.outbound, { url: call.url, secrets: call.secrets, id: call.id, body })
}

/**
 * Locks the webhook, then the due row, in the order of everybody who needs both: between the two, nobody lines up.
 * @returns false when another worker has taken the message over, or it was removed
 */
async function record(scope: Scope, call: ClaimedCall, answered: Answered | Unsent): Promise<boolean> {
  const { sql } = scope
  const [webhook] = await sql`
    select state, failures, public.clock() as now, failing_since < public.clock() - ${longSilentHours} * interval '1 hour' as silent
    from webhooks where id = ${call.webhookId} for no key update`
  if (!webhook) return false
  await sql`select 1 from tenant_due where role = current_user for update`
  const ended = await recordTry(scope, call, answered, webhook.state === 'active')
  if (!ended) return false
  if (answered.is === 'delivered') {
    if ((webhook.failures as number) > 0) await recovered(scope, call.webhookId, webhook.failures as number)
  } else if (answered.is === 'gone')
    await disableWebhook(scope, call.webhookId, 'Its receiver says that the address is gone for good (410).')
  else if (answered.is === 'failed') {
    await pause(scope, call.webhookId, webhook.failures as number, answered.waitMs)
    if (ended.state === 'failed' && webhook.silent)
      await disableWebhook(
        scope,
        call.webhookId,
        `Its receiver has taken nothing for days. The last answer: ${answered.words}`,
      )
  }
  await nextInLine(scope, call.webhookId)
  if (ended.nextTryAt) await wakeAt(scope, ended.nextTryAt)
  return true
}

/** @returns null when this worker does not hold the message any more */
async function recordTry(
  scope: Scope,
  call: ClaimedCall,
  answered: Answered | Unsent,
  active: boolean,
): Promise<{ state: string; nextTryAt: Date | null } | null> {
  const { sql } = scope
  const { is, words } = answered
  const kept =
    answered.is === 'unsent' ? [] : [{ at: answered.at, ms: answered.ms, status: answered.status, words }]
  const [held] = await sql`
    select tries - tries_before as tries from deliveries where ${stillHeld(scope, queue, call)} for update`
  if (!held) return null
  const tries = held.tries as number
  const wait = answered.is === 'failed' && active && tries < maxTries ? backOff[tries - 1] : undefined
  const given = is === 'failed' && wait === undefined
  const said = !given
    ? words
    : active
      ? `${words} Given up after ${tries} tries.`
      : `${words} The webhook was switched off.`
  const seconds = wait === undefined ? null : Math.max(jittered(wait), askedSeconds(answered))
  const state = is === 'delivered' ? 'delivered' : seconds === null ? 'failed' : 'waiting'
  const [row] = await sql`
    update deliveries set state = ${state}, lease_until = null, answer = ${sql.json({ words: said })},
      attempts = attempts || ${sql.json(kept)}::jsonb,
      next_try_at = public.clock() + ${seconds}::float8 * interval '1 second',
      ended_at = case when ${state} = 'waiting' then null else public.clock() end
    where id = ${call.id} returning next_try_at`
  return { state, nextTryAt: (row?.next_try_at as Date | null | undefined) ?? null }
}

/** A tenth more or less, so that receivers that failed together are not called together. */
const jittered = (seconds: number): number => seconds * (0.9 + Math.random() * 0.2)

const askedSeconds = (answered: Answered | Unsent): number =>
  answered.is === 'failed' ? Math.min(answered.waitMs ?? 0, longestAskedMs) / 1000 : 0

async function pause(
  { sql }: Scope,
  webhookId: string,
  failures: number,
  waitMs: number | undefined,
): Promise<void> {
  const seconds = Math.max(
    jittered(pauses[Math.min(failures, pauses.length - 1)] as number),
    Math.min(waitMs ?? 0, longestAskedMs) / 1000,
  )
  await sql`
    update webhooks set failures = failures + 1, failing_since = coalesce(failing_since, public.clock()),
      paused_until = public.clock() + ${seconds}::float8 * interval '1 second'
    where id = ${webhookId}`
}

/** The receiver answers again. After an outage what waited for it goes now, one after the other, in its order. */
async function recovered({ sql }: Scope, webhookId: string, failures: number): Promise<void> {
  await sql`
    update webhooks set failures = 0, failing_since = null, paused_until = null where id = ${webhookId}`
  if (failures >= outage)
    await sql`update deliveries set next_try_at = null where webhook_id = ${webhookId} and state = 'waiting'`
}

/** Gives the first of those in line its moment. */
async function nextInLine(scope: Scope, webhookId: string): Promise<void> {
  const [next] = await scope.sql`
    update deliveries d set next_try_at = greatest(public.clock(), w.paused_until)
    from webhooks w
    where w.id = ${webhookId} and d.id = (
      select id from deliveries where webhook_id = ${webhookId} and state = 'waiting' and next_try_at is null
      order by id limit 1)
    returning d.next_try_at`
  if (next) await wakeAt(scope, next.next_try_at as Date)
}
