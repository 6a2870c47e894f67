import type { PlatformId } from '../../src/platforms/platform.ts'
import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { FieldError } from './field.tsx'
import { Icon } from './icon.tsx'
import { platforms } from './platform.tsx'

/** The composer's two columns: what is written, and beside it how it will look and what others say. */
export function Compose({ children, aside }: { children?: Child; aside?: Child }): Html {
  return (
    <div class="compose">
      <div class="compose-main">{children}</div>
      <aside class="compose-aside" aria-label="Previews and comments">
        {aside}
      </aside>
    </div>
  )
}

/** The framed sheet that holds the parts of a draft, divided by hairlines. */
export function Sheet({ children, id }: { children?: Child; id?: string | undefined }): Html {
  return (
    <div class="sheet" id={id}>
      {children}
    </div>
  )
}

/** A part of the sheet. `tone="sunk"` for the last one, where the time is set and the draft is sent. */
export function SheetPart({ children, tone }: { children?: Child; tone?: 'sunk' | undefined }): Html {
  return <div class={['sheet-part', tone && `sheet-${tone}`]}>{children}</div>
}

export interface PickAccount {
  id: string
  name: string
  platform: PlatformId
  checked?: boolean | undefined
  /** Why it cannot be chosen ("reconnect first"). */
  disabled?: string | undefined
}

/** Which accounts a draft is for: one checkbox each. `name` is sent once for every chosen id. */
export function AccountPicker({
  accounts,
  name = 'accounts',
  label = 'Publish to',
  error,
}: {
  accounts: readonly PickAccount[]
  name?: string | undefined
  label?: string | undefined
  error?: string | undefined
}): Html {
  return (
    <fieldset class={['accounts', error && 'field-bad']} id={`f-${name}`} tabindex="-1">
      <legend class="unseen">{label}</legend>
      {accounts.map(account => (
        <label class="acct" title={account.disabled ?? platforms[account.platform].name}>
          <input
            type="checkbox"
            name={name}
            value={account.id}
            checked={account.checked}
            disabled={Boolean(account.disabled)}
          />
          <Icon name="check" />
          <Icon name={platforms[account.platform].icon} label={platforms[account.platform].name} />
          <span dir="auto">{account.name}</span>
          {account.disabled && <small>{account.disabled}</small>}
        </label>
      ))}
      {error && <FieldError>{error}</FieldError>}
    </fieldset>
  )
}

/** The words of a draft, set large. `counters` stand below it; `size="variant"` for one account's own words, `part` for a later part of a thread. */
export function Paper({
  name,
  label,
  value,
  placeholder,
  error,
  counters,
  id,
  size,
  required = false,
}: {
  name: string
  label: string
  value: string
  placeholder?: string | undefined
  error?: string | undefined
  counters?: Child
  id?: string | undefined
  size?: 'variant' | 'part' | undefined
  required?: boolean | undefined
}): Html {
  const own = id ?? `f-${name}`
  return (
    <div class={['paper', size && `paper-${size}`, error && 'field-bad']}>
      <label for={own} class="unseen">
        {label}
      </label>
      {/* HTML drops the first line break of a textarea, so one is put before the text. */}
      <textarea
        id={own}
        name={name}
        dir="auto"
        placeholder={placeholder}
        required={required}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={error ? `${own}-error` : undefined}
      >
        {`\n${value}`}
      </textarea>
      {error && <FieldError id={`${own}-error`}>{error}</FieldError>}
      {counters && <div class="counters">{counters}</div>}
    </div>
  )
}

/** One account's own words, folded away while they are the same as everywhere. `note`: "same", "shortened". */
export function Variant({
  platform,
  name,
  note,
  changed = false,
  children,
}: {
  platform: PlatformId
  name: string
  note: string
  changed?: boolean | undefined
  children?: Child
}): Html {
  return (
    <details class="variant" open={changed}>
      <summary>
        <Icon name={platforms[platform].icon} />
        <span dir="auto">{name}</span>
        <small class={changed ? 'review' : undefined}>{note}</small>
        <Icon name="chevron-down" />
      </summary>
      {children}
    </details>
  )
}

/** Whether the draft is saved: a live region that htmx replaces after each autosave. */
export function SaveState({ id = 'saved', children }: { id?: string | undefined; children?: Child }): Html {
  return (
    <span class="saved" id={id} role="status">
      {children}
    </span>
  )
}

/** Buttons that stay in a thumb's reach at the foot of a phone's screen; a plain line of buttons on a desk. */
export function ActionBar({ children }: { children?: Child }): Html {
  return <div class="action-bar">{children}</div>
}
