import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Avatar } from './bits.tsx'
import { Icon, type IconName } from './icon.tsx'
import { type State, states } from './state.tsx'

/**
 * Something that asks for a person, with the answer inside the card. `state` gives shape and colour; `kicker` is the
 * question or deadline ("Did this go out?"), `title` what it is about, `children` what happens next, `actions` the answers.
 */
export function NeedCard({
  state,
  kicker,
  title,
  children,
  actions,
  id,
}: {
  state: State
  kicker: string
  title?: Child
  children?: Child
  actions?: Child
  id?: string | undefined
}): Html {
  const { icon, tone } = states[state]
  return (
    <article class={`need ${tone}`} id={id}>
      <p class={`mark mark-${state}`}>
        <Icon name={icon} /> <span>{kicker}</span>
      </p>
      {title && (
        <p class="need-title" dir="auto">
          {title}
        </p>
      )}
      {children && <div class="need-text">{children}</div>}
      {actions && <div class="buttons">{actions}</div>}
    </article>
  )
}

/** What a list shows when it is empty: one sentence and the next step. */
export function EmptyState({
  icon,
  title,
  children,
  action,
}: {
  icon: IconName
  title: string
  children?: Child
  action?: Child
}): Html {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action && <div class="buttons">{action}</div>}
    </div>
  )
}

/** A line that tells what just happened or what to know; `bad` interrupts a screen reader, the others wait. */
export function Notice({
  kind = 'info',
  title,
  children,
  actions,
}: {
  kind?: 'good' | 'bad' | 'warn' | 'info' | undefined
  title?: string | undefined
  children?: Child
  actions?: Child
}): Html {
  const icons: Record<typeof kind, IconName> = {
    good: 'circle-check',
    bad: 'triangle-alert',
    warn: 'message-square-warning',
    info: 'info',
  }
  return (
    <div class={`notice notice-${kind}`} role={kind === 'bad' ? 'alert' : undefined}>
      <Icon name={icons[kind]} />
      <div class="notice-words">
        {title && <strong>{title}</strong>}
        <div dir="auto">{children}</div>
      </div>
      {actions && <div class="buttons">{actions}</div>}
    </div>
  )
}

/** A message for `#toasts`: `<hx-partial hx-target="#toasts" hx-swap="beforeend"><Toast …/></hx-partial>`. */
export function Toast({
  kind = 'good',
  children,
}: {
  kind?: 'good' | 'bad' | 'info' | undefined
  children?: Child
}): Html {
  const icon: IconName = kind === 'good' ? 'circle-check' : kind === 'bad' ? 'triangle-alert' : 'info'
  return (
    <div class={`toast toast-${kind}`} data-toast={kind}>
      <Icon name={icon} />
      <span dir="auto">{children}</span>
      <button type="button" class="btn btn-quiet btn-icon btn-small" aria-label="Dismiss" data-dismiss hidden>
        <Icon name="x" />
      </button>
    </div>
  )
}

/** One comment. `at` is a `<Time>`; `quote` the words it is about; `actions` resolve or reply. */
export function Comment({
  author,
  at,
  quote,
  children,
  actions,
  resolved = false,
  id,
}: {
  author: string
  at: Child
  quote?: string | undefined
  children?: Child
  actions?: Child
  resolved?: boolean | undefined
  id?: string | undefined
}): Html {
  return (
    <article class={['say', resolved && 'say-resolved']} id={id}>
      <Avatar name={author} size="small" />
      <div>
        <header>
          <b dir="auto">{author}</b> <small>{at}</small> {resolved && <small>Resolved</small>}
        </header>
        {quote && <blockquote dir="auto">{quote}</blockquote>}
        <p class="words" dir="auto">
          {children}
        </p>
        {actions && <div class="buttons">{actions}</div>}
      </div>
    </article>
  )
}
