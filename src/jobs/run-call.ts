import { callWebhook, type WebhookAnswer } from '../integrations/n8n.ts'
import type { Json } from '../platforms/platform.ts'
import type { Services } from '../services.ts'
import { readCall } from '../workflows/workflows.ts'
import { type ClaimedRun, type Ending, system } from './run-record.ts'

/** For one call, answer included; inside the run's lease. */
const callMs = 20_000
/** Answers that another try may change: too early, too often. 5xx are added to these. */
const passing = new Set([408, 425, 429])

/** Calls a workflow's webhook, signed, with the run's id as `webhook-id`, so that n8n recognises a repeat. */
export async function callWorkflow(services: Services, tenantId: string, run: ClaimedRun): Promise<Ending> {
  const base = services.config.n8nUrl
  if (!base)
    return {
      is: 'failed',
      outcome:
        'No n8n is connected, so nothing was called. Whoever runs Masthead sets N8N_URL; then run it again.',
    }
  const { workflowId } = run
  const call = workflowId
    ? await services.db.within(system(tenantId), scope => readCall(scope, workflowId), { readOnly: true })
    : null
  if (!call) return { is: 'failed', outcome: 'The workflow was removed before this run.' }
  const { path, secret } = call
  if (secret === null)
    return {
      is: 'failed',
      outcome:
        'The signing secret of the workflow cannot be opened: MASTHEAD_SECRET is not the one it was sealed with. Restore that, or make the workflow anew.',
    }
  try {
    // The signature carries the real time: n8n compares it with its own clock.
    const now = new Date()
    return meaning(
      await callWebhook({
        path,
        secret,
        base,
        body: run.input as Json,
        id: run.id,
        now,
        timeoutMs: callMs,
      }),
    )
  } catch (error) {
    services.log.error('a workflow could not be called', { error, run: run.id })
    return {
      is: 'failed',
      outcome:
        'The call could not be made. Check the path of the workflow; details are in the log of Masthead.',
    }
  }
}

function meaning(answer: WebhookAnswer): Ending {
  switch (answer.is) {
    case 'answered':
      return { is: 'succeeded', answer: answer.body, outcome: `n8n answered ${answer.status}.` }
    case 'not_registered':
      return { is: 'failed', outcome: answer.message }
    case 'unreachable':
      return { is: 'retry', outcome: answer.message }
    case 'failed': {
      const again = answer.status >= 500 || passing.has(answer.status)
      return { is: again ? 'retry' : 'failed', outcome: answer.message }
    }
  }
}
