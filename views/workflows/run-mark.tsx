import type { Run, RunState } from '../../src/workflows/schema.ts'
import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Icon, type IconName, type Tone } from '../ui/index.tsx'

export const runLooks: Record<RunState, { words: string; icon: IconName; tone: Tone }> = {
  waiting: { words: 'Waiting', icon: 'clock', tone: 'scheduled' },
  running: { words: 'Running', icon: 'loader-circle', tone: 'scheduled' },
  succeeded: { words: 'Succeeded', icon: 'check', tone: 'published' },
  failed: { words: 'Failed', icon: 'triangle-alert', tone: 'failed' },
}

/** A run's state by shape, word and colour; one that waits for another try says so. `children` replace the word. */
export function RunMark({ run, children }: { run: Pick<Run, 'state' | 'tries'>; children?: Child }): Html {
  const { words, icon, tone } = runLooks[run.state]
  const again = run.state === 'waiting' && run.tries > 0
  return (
    <span class={['mark', run.state === 'running' && 'mark-publishing', again ? 'review' : tone]}>
      <Icon name={again ? 'refresh-cw' : icon} />
      <span>{children ?? (again ? 'To be tried again' : words)}</span>
    </span>
  )
}

/** JSON as a person reads it. */
export const readable = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 2)
