import type { Html } from '../html.ts'
import type { Child, JSX } from '../jsx-runtime.ts'
import { Icon } from './icon.tsx'

/** What every field has. `error` is a sentence; it is read out with the field and turns its frame. */
export interface FieldBasics {
  name: string
  label: string
  hint?: Child
  error?: string | undefined
  required?: boolean | undefined
  /** Default `f-<name>`; give one when a page has two fields of the same name. */
  id?: string | undefined
  /** Keeps the label for screen readers only. */
  hideLabel?: boolean | undefined
  /** Says "optional" behind the label. Default: unless it is required. */
  optional?: boolean | undefined
  /** `short` for a time or a number, `wide` for the whole line. Default: a readable line. */
  width?: 'short' | 'medium' | 'wide' | undefined
}

export const fieldId = (name: string, id?: string | undefined): string =>
  id ?? `f-${name.replace(/[^\w-]/g, '-')}`

interface Wired {
  id: string
  name: string
  required: boolean | undefined
  'aria-describedby': string | undefined
  'aria-invalid': 'true' | undefined
}
function wire({ name, id, hint, error, required }: FieldBasics): Wired {
  const own = fieldId(name, id)
  const notes = [hint && `${own}-hint`, error && `${own}-error`].filter(Boolean).join(' ')
  return {
    id: own,
    name,
    required,
    'aria-describedby': notes || undefined,
    'aria-invalid': error ? 'true' : undefined,
  }
}

export function FieldError({ id, children }: { id?: string | undefined; children?: Child }): Html {
  return (
    <p class="field-error" id={id}>
      <Icon name="triangle-alert" /> <span dir="auto">{children}</span>
    </p>
  )
}

/** Label above, control, then hint and error: the frame all kinds share. */
function Frame({ basics, children }: { basics: FieldBasics; children?: Child }): Html {
  const { label, hint, error, required, hideLabel, width, optional = !required } = basics
  const id = fieldId(basics.name, basics.id)
  return (
    <div class={['field', width && `field-${width}`, error && 'field-bad']}>
      <label for={id} class={hideLabel ? 'unseen' : undefined}>
        {label}
        {optional && !hideLabel && <span class="optional"> optional</span>}
      </label>
      {children}
      {hint && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && <FieldError id={`${id}-error`}>{error}</FieldError>}
    </div>
  )
}

type Input = Omit<JSX.IntrinsicElements['input'], 'name' | 'id' | 'required' | 'list'>

/** One line of input: text, email, password, url, number, date, time, datetime-local, search, file. `suggestions` fill a datalist. */
export function Field({
  name,
  label,
  hint,
  error,
  required,
  id,
  hideLabel,
  optional,
  width,
  suggestions,
  type = 'text',
  ...rest
}: FieldBasics & Input & { suggestions?: readonly string[] | undefined }): Html {
  const basics = { name, label, hint, error, required, id, hideLabel, optional, width }
  const list = suggestions ? `${fieldId(name, id)}-list` : undefined
  return (
    <Frame basics={basics}>
      <input
        type={type}
        {...wire(basics)}
        {...rest}
        {...(list ? { list } : {})}
        dir={type === 'text' || type === 'search' ? 'auto' : undefined}
      />
      {suggestions && (
        <datalist id={list}>
          {suggestions.map(value => (
            <option value={value} />
          ))}
        </datalist>
      )}
    </Frame>
  )
}

/** Several lines of text. Grows with its content where the browser can. */
export function TextArea({
  name,
  label,
  hint,
  error,
  required,
  id,
  hideLabel,
  width = 'wide',
  value,
  rows = '4',
  ...rest
}: FieldBasics &
  Omit<JSX.IntrinsicElements['textarea'], 'name' | 'id' | 'required'> & {
    value?: string | undefined
  }): Html {
  const basics = { name, label, hint, error, required, id, hideLabel, width }
  return (
    <Frame basics={basics}>
      {/* HTML drops the first line break of a textarea, so one is put before the text. */}
      <textarea rows={rows} dir="auto" {...wire(basics)} {...rest}>
        {`\n${value ?? ''}`}
      </textarea>
    </Frame>
  )
}

export interface Option {
  value: string
  label: string
  hint?: Child
  disabled?: boolean | undefined
}

/** A drop-down. `groups` instead of `options` for long lists such as time zones; `blank` adds a first, empty choice. */
export function Select({
  name,
  label,
  hint,
  error,
  required,
  id,
  hideLabel,
  optional,
  width,
  value,
  options = [],
  groups = [],
  blank,
  ...rest
}: FieldBasics &
  Omit<JSX.IntrinsicElements['select'], 'name' | 'id' | 'required'> & {
    value?: string | undefined
    options?: readonly Option[] | undefined
    groups?: readonly { label: string; options: readonly Option[] }[] | undefined
    blank?: string | undefined
  }): Html {
  const basics = { name, label, hint, error, required, id, hideLabel, optional, width }
  const choice = (option: Option): Html => (
    <option value={option.value} selected={option.value === value} disabled={option.disabled}>
      {option.label}
    </option>
  )
  return (
    <Frame basics={basics}>
      <span class="select">
        <select {...wire(basics)} {...rest}>
          {blank !== undefined && <option value="">{blank}</option>}
          {options.map(choice)}
          {groups.map(group => (
            <optgroup label={group.label}>{group.options.map(choice)}</optgroup>
          ))}
        </select>
        <Icon name="chevron-down" />
      </span>
    </Frame>
  )
}

/** A group of checkboxes or radio buttons under one question. `value` holds what is chosen. */
export function Choices({
  name,
  label,
  hint,
  error,
  required,
  id,
  hideLabel,
  kind,
  options,
  value = [],
}: FieldBasics & {
  kind: 'checkbox' | 'radio'
  options: readonly Option[]
  value?: string | readonly string[] | undefined
}): Html {
  const { id: own, 'aria-describedby': notes } = wire({ name, label, id, hint, error })
  const chosen = typeof value === 'string' ? [value] : value
  return (
    <fieldset
      class={['field', 'choices', error && 'field-bad']}
      id={own}
      aria-describedby={notes}
      tabindex="-1"
    >
      <legend class={hideLabel ? 'unseen' : undefined}>{label}</legend>
      {hint && (
        <p class="field-hint" id={`${own}-hint`}>
          {hint}
        </p>
      )}
      {options.map(option => (
        <label class="choice">
          <input
            type={kind}
            name={name}
            value={option.value}
            checked={chosen.includes(option.value)}
            disabled={option.disabled}
            required={kind === 'radio' && required}
          />
          <span>
            <b dir="auto">{option.label}</b>
            {option.hint && <small>{option.hint}</small>}
          </span>
        </label>
      ))}
      {error && <FieldError id={`${own}-error`}>{error}</FieldError>}
    </fieldset>
  )
}

/** One yes-or-no. */
export function Check({
  name,
  label,
  hint,
  error,
  id,
  checked,
  value = 'on',
  disabled,
}: Omit<FieldBasics, 'required' | 'width' | 'hideLabel'> & {
  checked?: boolean | undefined
  value?: string | undefined
  disabled?: boolean | undefined
}): Html {
  const { required: _, ...wired } = wire({ name, label, id, hint, error })
  return (
    <div class={['field', error && 'field-bad']}>
      <label class="choice">
        <input type="checkbox" value={value} checked={checked} disabled={disabled} {...wired} />
        <span>
          <b>{label}</b>
          {hint && <small id={`${wired.id}-hint`}>{hint}</small>}
        </span>
      </label>
      {error && <FieldError id={`${wired.id}-error`}>{error}</FieldError>}
    </div>
  )
}
