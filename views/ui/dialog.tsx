import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Button, type ButtonVariant } from './button.tsx'
import { Icon, type IconName } from './icon.tsx'

/**
 * A button that asks before it acts; works without scripts (`<details>`). The question and the second button open below it.
 * `children` may hold fields that go with the answer.
 */
export function Confirm({
  label,
  icon,
  variant = 'quiet',
  size,
  question,
  children,
  action,
  fields = {},
  yes,
  yesVariant = 'danger',
  htmx = {},
  align = 'start',
}: {
  label: string
  icon?: IconName | undefined
  variant?: ButtonVariant | undefined
  size?: 'small' | undefined
  question: string
  children?: Child
  action: string
  fields?: Record<string, string> | undefined
  yes: string
  yesVariant?: ButtonVariant | undefined
  htmx?: Record<`hx-${string}`, string> | undefined
  align?: 'start' | 'end' | undefined
}): Html {
  return (
    <details class={`popover popover-${align}`} data-popover>
      <summary class={`btn btn-${variant}${size ? ` btn-${size}` : ''}`}>
        {icon && <Icon name={icon} />}
        {label}
      </summary>
      <form class="popover-panel" method="post" action={action} {...htmx}>
        <p class="popover-question">{question}</p>
        {Object.entries(fields).map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        {children}
        <div class="buttons">
          <Button variant={yesVariant}>{yes}</Button>
          <Button type="button" variant="quiet" data-close="" hidden>
            Cancel
          </Button>
        </div>
      </form>
    </details>
  )
}

/** A button that opens a small panel of anything (a menu, a form); works without scripts. */
export function Popover({
  label,
  icon,
  variant = 'plain',
  size,
  children,
  align = 'start',
  iconOnly = false,
}: {
  label: string
  icon?: IconName | undefined
  variant?: ButtonVariant | undefined
  size?: 'small' | undefined
  children?: Child
  align?: 'start' | 'end' | undefined
  iconOnly?: boolean | undefined
}): Html {
  return (
    <details class={`popover popover-${align}`} data-popover>
      <summary
        class={`btn btn-${variant}${size ? ` btn-${size}` : ''}${iconOnly ? ' btn-icon' : ''}`}
        aria-label={iconOnly ? label : undefined}
        title={iconOnly ? label : undefined}
      >
        {icon && <Icon name={icon} />}
        {!iconOnly && label}
      </summary>
      <div class="popover-panel">{children}</div>
    </details>
  )
}

/**
 * A native dialog. It is opened by `<DialogLink>`, which without scripts is a plain link to a page with the same content.
 */
export function Dialog({ id, title, children }: { id: string; title: string; children?: Child }): Html {
  return (
    <dialog class="dialog" id={id} aria-labelledby={`${id}-title`}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        <form method="dialog">
          <Button variant="quiet" icon="x" label="Close" />
        </form>
      </header>
      {children}
    </dialog>
  )
}

/** Opens a dialog of this page, or goes to `href` where scripts are off. */
export function DialogLink({
  href,
  dialog,
  variant = 'plain',
  icon,
  children,
}: {
  href: string
  dialog: string
  variant?: ButtonVariant | undefined
  icon?: IconName | undefined
  children?: Child
}): Html {
  return (
    <a class={`btn btn-${variant}`} href={href} data-dialog={dialog}>
      {icon && <Icon name={icon} />}
      {children}
    </a>
  )
}
