import type { Scope } from '../db/scope.ts'
import { Conflict } from '../errors.ts'
import { newId } from '../lib/id.ts'
import type { Answered } from './call.ts'
import { readWebhook } from './find.ts'
import { bodyOf } from './payload.ts'
import { openSecrets, signingWith } from './secret.ts'

/** A signed message to try a receiver with, which is sent outside any transaction. */
export interface Trial {
  webhookId: string
  id: string
  url: string
  secrets: string[]
  body: string
}

/** What is sent to try a webhook, switched on or off. @throws Forbidden, NotFound, Conflict when nothing can be signed */
export async function prepareTrial(scope: Scope, webhookId: string): Promise<Trial> {
  const { url } = await readWebhook(scope, webhookId)
  const [row] = await scope.sql`
    select secret, public.clock() as now, (select name from workspace) as workspace from webhooks where id = ${webhookId}`
  const secrets = row && openSecrets(scope, webhookId, row.secret as Uint8Array)
  if (!secrets) throw new Conflict(unsigned)
  const now = row.now as Date
  const message = {
    type: 'webhook.test',
    timestamp: now.toISOString(),
    data: { webhook: webhookId, workspace: row.workspace, sample: true },
  }
  return { webhookId, id: newId(), url, secrets: signingWith(secrets, now), body: bodyOf(message) }
}

/** Why a message cannot be signed. */
export const unsigned =
  'The signing secret cannot be opened: MASTHEAD_SECRET is not the one it was sealed with. Restore that, or make a new secret.'

/** Keeps what became of a trial among the webhook's deliveries. Nothing is tried again. @returns the delivery's id */
export async function keepTrial(scope: Scope, trial: Trial, answered: Answered): Promise<string> {
  const { sql } = scope
  const { is, at, ms, status, words } = answered
  await readWebhook(scope, trial.webhookId)
  await sql`
    insert into deliveries (id, kind, webhook_id, state, body, tries, answer, attempts, ended_at)
    values (${trial.id}, 'webhook', ${trial.webhookId}, ${is === 'delivered' ? 'delivered' : 'failed'},
      ${sql.json(JSON.parse(trial.body))}, 1, ${sql.json({ words })}, ${sql.json([{ at, ms, status, words }])}, public.clock())`
  return trial.id
}
