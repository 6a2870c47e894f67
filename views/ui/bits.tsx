import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { LinkButton } from './button.tsx'
import { Icon, type IconName } from './icon.tsx'

/** A person's or account's sign: picture, or initials. Hidden from screen readers: the name stands beside it. */
export function Avatar({
  name,
  src,
  size = 'medium',
}: {
  name: string
  src?: string | undefined
  size?: 'small' | 'medium' | 'large' | undefined
}): Html {
  const words = name.trim().split(/\s+/u)
  const first = [...(words[0] ?? '')][0] ?? ''
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : ''
  return (
    <span class={`avatar avatar-${size}`} aria-hidden="true">
      {src ? <img src={src} alt="" loading="lazy" /> : `${first}${last}`.toLocaleUpperCase('en')}
    </span>
  )
}

/** Tags, as links when `href` tells where each leads. */
export function Tags({
  tags,
  href,
}: {
  tags: readonly string[]
  href?: ((tag: string) => string) | undefined
}): Html | null {
  if (tags.length === 0) return null
  return (
    <ul class="tags" aria-label="Tags">
      {tags.map(tag => (
        <li dir="auto">{href ? <a href={href(tag)}>{tag}</a> : tag}</li>
      ))}
    </ul>
  )
}

/** Terms and what they are: the facts of one thing. Empty values are left out. */
export function Meta({ items }: { items: readonly { term: string; value: Child }[] }): Html {
  return (
    <dl class="meta">
      {items
        .filter(({ value }) => value !== null && value !== undefined && value !== false && value !== '')
        .map(({ term, value }) => (
          <div>
            <dt>{term}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/** A value to take away (a link, a key). Selectable by hand; the button appears where scripts run. */
export function CopyField({
  label,
  value,
  hint,
  id,
}: {
  label: string
  value: string
  hint?: Child
  id: string
}): Html {
  return (
    <div class="field copy">
      <label for={id}>{label}</label>
      <span class="copy-line">
        <input
          id={id}
          value={value}
          readonly
          dir="ltr"
          spellcheck={false}
          aria-describedby={hint ? `${id}-hint` : undefined}
          data-select
        />
        <button type="button" class="btn btn-plain" data-copy={id} hidden>
          <Icon name="copy" /> <span>Copy</span>
        </button>
      </span>
      {hint && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

/** Leads on through a long list. `next` is the address of the next page (its cursor in it). */
export function Pager({
  next,
  first,
  label = 'Older',
}: {
  next?: string | null | undefined
  first?: string | null | undefined
  label?: string | undefined
}): Html | null {
  if (!next && !first) return null
  return (
    <nav class="pager" aria-label="Pages">
      {first ? (
        <LinkButton href={first} variant="quiet" icon="arrow-left">
          From the start
        </LinkButton>
      ) : (
        <span />
      )}
      {next && (
        <LinkButton href={next} rel="next">
          {label} <Icon name="arrow-right" />
        </LinkButton>
      )}
    </nav>
  )
}

/** Views of the same thing, each its own address. */
export function Tabs({
  label,
  items,
}: {
  label: string
  items: readonly {
    href: string
    label: string
    current?: boolean | undefined
    count?: number | undefined
    icon?: IconName | undefined
  }[]
}): Html {
  return (
    <nav class="tabs" aria-label={label}>
      {items.map(item => (
        <a href={item.href} aria-current={item.current ? 'page' : undefined}>
          {item.icon && <Icon name={item.icon} />}
          {item.label}
          {item.count !== undefined && <span class="tab-count num">{item.count}</span>}
        </a>
      ))}
    </nav>
  )
}

/** n of a maximum: the bar, and the numbers in words for screen readers. `of` names what is counted. */
export function Progress({ n, max, label }: { n: number; max: number; label: string }): Html {
  return (
    <span class="progress">
      <progress value={n} max={max} aria-label={label} />
      <span class="num">
        {n} / {max}
      </span>
    </span>
  )
}
