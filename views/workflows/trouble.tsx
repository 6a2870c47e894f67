import type { Run } from '../../src/workflows/schema.ts'
import type { Html } from '../html.ts'
import { Notice, Time } from '../ui/index.tsx'

/** When a run that did not work is tried again. */
export function NextTry({ run, zone }: { run: Run; zone: string }): Html | null {
  if (run.state !== 'waiting' || run.tries === 0 || !run.nextTryAt) return null
  return (
    <p>
      Tries so far: {run.tries}. The next comes by itself at{' '}
      <Time at={run.nextTryAt} zone={zone} shape="time" />.
    </p>
  )
}

/** Why a run failed, or has to be tried again. */
export function Trouble({ run }: { run: Run }): Html | null {
  if (!run.outcome || run.state === 'succeeded') return null
  if (run.state === 'failed')
    return (
      <Notice kind="bad" title="It did not work">
        {run.outcome}
      </Notice>
    )
  return <Notice kind="warn">{run.outcome}</Notice>
}
