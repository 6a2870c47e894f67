import type { Listener } from '../events.ts'
import { planCountsSoon } from './collect.ts'

/** A post that went out is to be counted before long, and so are those of an account that is there again. */
export const countPublished: Listener = async (scope, { type, subjectId, data }) => {
  if (type === 'publish_job.published' && typeof data.accountId === 'string')
    await planCountsSoon(scope, data.accountId)
  if (type === 'account.connected') await planCountsSoon(scope, subjectId)
}
