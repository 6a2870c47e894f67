import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Icon, type IconName } from './icon.tsx'

/** The colours of states; `css/tokens.css` gives each its light and dark ink. */
export type Tone = 'scheduled' | 'published' | 'review' | 'failed' | 'unsure' | 'held' | 'draft'

interface Look {
  words: string
  icon: IconName
  tone: Tone
}

/** Every state of content, publish jobs and social accounts: its word, shape and colour, always shown together. */
export const states = {
  draft: { words: 'Draft', icon: 'pen-line', tone: 'draft' },
  in_review: { words: 'In review', icon: 'circle-dot-dashed', tone: 'review' },
  changes_requested: { words: 'Changes asked for', icon: 'message-square-warning', tone: 'review' },
  approved: { words: 'Approved', icon: 'check-check', tone: 'published' },
  archived: { words: 'Archived', icon: 'archive', tone: 'held' },
  scheduled: { words: 'Scheduled', icon: 'clock', tone: 'scheduled' },
  publishing: { words: 'Publishing', icon: 'loader-circle', tone: 'scheduled' },
  published: { words: 'Published', icon: 'check', tone: 'published' },
  failed: { words: 'Failed', icon: 'triangle-alert', tone: 'failed' },
  unconfirmed: { words: 'Unconfirmed', icon: 'circle-question-mark', tone: 'unsure' },
  held: { words: 'Held', icon: 'pause', tone: 'held' },
  cancelled: { words: 'Cancelled', icon: 'ban', tone: 'held' },
  connected: { words: 'Connected', icon: 'plug-zap', tone: 'published' },
  reconnect: { words: 'Reconnect', icon: 'unplug', tone: 'failed' },
} as const satisfies Record<string, Look>
export type State = keyof typeof states

/** A state, by shape, word and colour. `children` replace the word ("in 24 min"), the state's name then stays for screen readers. */
export function StateMark({ state, children }: { state: State; children?: Child }): Html {
  const { words, icon, tone } = states[state]
  return (
    <span class={`mark mark-${state} ${tone}`}>
      <Icon name={icon} />
      <span>
        {children && <span class="unseen">{words}: </span>}
        {children ?? words}
      </span>
    </span>
  )
}

/** Any other fact that is told by shape, word and colour together. */
export function Mark({ tone, icon, children }: { tone: Tone; icon: IconName; children: Child }): Html {
  return (
    <span class={`mark ${tone}`}>
      <Icon name={icon} />
      <span>{children}</span>
    </span>
  )
}

/** How many of each state, as a line under a heading. States with none are left out. */
export function StateCounts({ counts }: { counts: Partial<Record<State, number>> }): Html {
  const shown = (Object.keys(states) as State[]).filter(state => counts[state])
  return (
    <ul class="state-counts">
      {shown.map(state => (
        <li class={`mark mark-${state} ${states[state].tone}`}>
          <Icon name={states[state].icon} />
          <span>
            <span class="num">{counts[state]}</span> {states[state].words.toLowerCase()}
          </span>
        </li>
      ))}
    </ul>
  )
}

/** A small word in a frame: a role, a version, "new". */
export function Badge({ tone, children }: { tone?: Tone | undefined; children?: Child }): Html {
  return <span class={['badge', tone]}>{children}</span>
}
