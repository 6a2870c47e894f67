import { entryOf } from '../platforms/catalogue/index.ts'
import type { Finding, Outcome } from '../platforms/platform.ts'
import type { Services } from '../services.ts'
import type { ClaimedJob } from './claim.ts'

/** A server may make up names without end; so many series the metrics of this process take, the others share one. */
const mostCodes = 50
const codes = new Set<string>()

/**
 * What becomes of an outcome whose failure the catalogue does not have: nobody knows what it means, so it is a question
 * when the post may be out (`armed`), and tried again within the usual limits when it is not. Counted and logged, so that
 * somebody writes the entry.
 */
export function heedCatalogue<T extends Outcome | Finding>(
  { metrics, log }: Pick<Services, 'metrics' | 'log'>,
  job: Pick<ClaimedJob, 'id' | 'platform'>,
  outcome: T,
  armed: boolean,
): T | Outcome {
  if (!('why' in outcome)) return outcome
  const { why } = outcome
  const unknown = why.unknown ?? (entryOf(job.platform, why.code) ? null : why.code)
  if (unknown === null) return outcome
  metrics.count(
    'masthead_uncatalogued_total',
    'answers and failures that the error catalogue does not have, by platform and code',
    { platform: job.platform, code: labelOf(job.platform, unknown) },
  )
  log.warn('a failure that the error catalogue does not have', {
    job: job.id,
    platform: job.platform,
    code: unknown,
  })
  if (armed) return { is: 'unconfirmed', why }
  return outcome.is === 'retry' ? outcome : { is: 'retry', why }
}

function labelOf(platform: string, code: string): string {
  const label = code.replace(/[^A-Za-z0-9_]+/g, '_').slice(0, 60)
  const key = `${platform} ${label}`
  if (codes.size < mostCodes) codes.add(key)
  return codes.has(key) ? label : 'other'
}
