import type { Listener } from '../events.ts'
import { planCountsSoon } from './collect.ts'

/** A post that went out is to be counted before long, and so are those of an account that is there again. */
export const countPublished: Listener = async (scope, happenings) => {
  const accounts = happenings.flatMap(({ type, subjectId, data }) => {
    if (type === 'account.connected') return [subjectId]
    return type === 'publish_job.published' && typeof data.accountId === 'string' ? [data.accountId] : []
  })
  if (accounts.length > 0) await planCountsSoon(scope, accounts)
}
