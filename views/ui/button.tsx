import type { Html } from '../html.ts'
import type { Child, JSX } from '../jsx-runtime.ts'
import { Icon, type IconName } from './icon.tsx'

/** `main`: the one next step of a page. `quiet`: beside others. `danger`: takes something away. */
export type ButtonVariant = 'plain' | 'main' | 'quiet' | 'danger'

interface Look {
  variant?: ButtonVariant | undefined
  icon?: IconName | undefined
  /** Small: inside rows and cards. Large: 48 px, for thumbs. */
  size?: 'small' | 'large' | undefined
  /** Words for a button that shows only its icon; also its tooltip. */
  label?: string | undefined
  children?: Child
}

const look = ({ variant = 'plain', size, label, children }: Look): string =>
  `btn btn-${variant}${size ? ` btn-${size}` : ''}${label && !children ? ' btn-icon' : ''}`

/** A button. Submits its form unless `type="button"`; takes every attribute of `<button>` and `hx-*`. */
export function Button({
  variant,
  icon,
  size,
  label,
  children,
  type = 'submit',
  ...rest
}: JSX.IntrinsicElements['button'] & Look): Html {
  return (
    <button
      type={type}
      class={look({ variant, size, label, children })}
      aria-label={label}
      title={label}
      {...rest}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  )
}

/** A link that looks like a button: for going somewhere, never for changing something. */
export function LinkButton({
  variant,
  icon,
  size,
  label,
  children,
  href,
  ...rest
}: JSX.IntrinsicElements['a'] & Look & { href: string }): Html {
  return (
    <a
      href={href}
      class={look({ variant, size, label, children })}
      aria-label={label}
      title={label}
      {...rest}
    >
      {icon && <Icon name={icon} />}
      {children}
    </a>
  )
}

/** A form of one button: the plain way to change something from a list or a card. `fields` are sent as hidden inputs. */
export function ActionButton({
  action,
  fields = {},
  htmx = {},
  ...button
}: Look & {
  action: string
  fields?: Record<string, string> | undefined
  /** `hx-post`, `hx-target`, … for the form. */
  htmx?: Record<`hx-${string}`, string> | undefined
  disabled?: boolean | undefined
}): Html {
  return (
    <form class="action" method="post" action={action} {...htmx}>
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <Button {...button} />
    </form>
  )
}

/** Buttons side by side, wrapping on a phone. */
export function Buttons({ children, end = false }: { children?: Child; end?: boolean | undefined }): Html {
  return <div class={end ? 'buttons buttons-end' : 'buttons'}>{children}</div>
}
