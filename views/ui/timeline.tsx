import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Icon, type IconName } from './icon.tsx'
import type { Tone } from './state.tsx'

export interface Moment {
  /** For links that lead here. */
  id?: string | undefined
  /** A `<Time>`. */
  at: Child
  tone: Tone
  icon: IconName
  title: Child
  /** What happened, what to do next. */
  children?: Child
  /** The platform's answer as it came, tokens removed; folded away. */
  raw?: string | undefined
  /** The steps inside one attempt. */
  steps?: readonly { at: Child; what: string }[] | undefined
  /** Still running: its mark turns. */
  live?: boolean | undefined
}

/** What happened to one thing, oldest first: attempts of a publish job, versions of a content, runs of a workflow. */
export function Timeline({ moments, label }: { moments: readonly Moment[]; label: string }): Html {
  return (
    <ol class="timeline" aria-label={label}>
      {moments.map(moment => (
        <li id={moment.id} class={['moment', moment.tone, moment.live && 'moment-live']}>
          <span class="moment-mark">
            <Icon name={moment.icon} />
          </span>
          <div class="moment-body">
            <header>
              <strong>{moment.title}</strong> <small>{moment.at}</small>
            </header>
            {moment.children && (
              <div class="moment-text" dir="auto">
                {moment.children}
              </div>
            )}
            {moment.steps && moment.steps.length > 0 && (
              <ol class="steps">
                {moment.steps.map(step => (
                  <li>
                    <small>{step.at}</small> <span dir="auto">{step.what}</span>
                  </li>
                ))}
              </ol>
            )}
            {moment.raw && <Raw label="The answer as it came">{moment.raw}</Raw>}
          </div>
        </li>
      ))}
    </ol>
  )
}

/** Text of a machine (JSON, a header), folded away behind its name. */
export function Raw({
  label,
  children,
  open = false,
}: {
  label: string
  children?: Child
  open?: boolean | undefined
}): Html {
  return (
    <details class="raw" open={open}>
      <summary>{label}</summary>
      <pre dir="ltr" tabindex="0">
        {children}
      </pre>
    </details>
  )
}
