import type { Html } from '../html.ts'
import type { Child, JSX } from '../jsx-runtime.ts'
import { fieldId } from './field.tsx'
import { Icon } from './icon.tsx'

/** What is wrong with a form: per field name one sentence, and under `''` a sentence about the whole. */
export type FormErrors = Readonly<Record<string, string | undefined>>

/** The sentences above a rejected form, each leading to its field. Takes the focus when it arrives. */
export function ErrorSummary({
  errors,
  title,
}: {
  errors: FormErrors
  title?: string | undefined
}): Html | null {
  const all = Object.entries(errors).filter((entry): entry is [string, string] => Boolean(entry[1]))
  if (all.length === 0) return null
  const [first] = all
  const alone = first && all.length === 1 && first[1] === title
  const heading = title ?? (all.length === 1 ? 'One thing to put right' : `${all.length} things to put right`)
  return (
    <div class="summary" role="alert" tabindex="-1" data-focus>
      <Icon name="triangle-alert" />
      <div>
        {!alone && <strong>{heading}</strong>}
        <ul>
          {all.map(([name, message]) => (
            <li dir="auto">{name ? <a href={`#${fieldId(name)}`}>{message}</a> : message}</li>
          ))}
        </ul>
      </div>
    </div>
  )
}

/**
 * A form that works without scripts. `guard` asks before unsaved words are lost; `upload` sends files.
 * With htmx: give it an `id`, `hx-post` and `hx-swap="outerMorph"`, and answer 422 with the same form.
 */
export function Form({
  action,
  method = 'post',
  errors,
  upload = false,
  guard = false,
  children,
  ...rest
}: Omit<JSX.IntrinsicElements['form'], 'method' | 'action'> & {
  action: string
  method?: 'get' | 'post' | undefined
  errors?: FormErrors | undefined
  upload?: boolean | undefined
  guard?: boolean | undefined
  children?: Child
}): Html {
  return (
    <form
      class="form"
      action={action}
      method={method}
      enctype={upload ? 'multipart/form-data' : undefined}
      data-guard={guard ? '' : undefined}
      {...rest}
    >
      {errors && <ErrorSummary errors={errors} />}
      {children}
    </form>
  )
}

/** Fields side by side (a date and a time); under each other on a phone. */
export function FieldRow({ children }: { children?: Child }): Html {
  return <div class="field-row">{children}</div>
}

/** A part of a settings page: its heading and explanation at the side, its form beside them. */
export function Section({
  title,
  about,
  id,
  danger = false,
  children,
}: {
  title: string
  about?: Child
  id?: string | undefined
  danger?: boolean | undefined
  children?: Child
}): Html {
  return (
    <section class={['section', danger && 'section-danger']} id={id}>
      <header>
        <h2>{title}</h2>
        {about && <p>{about}</p>}
      </header>
      <div class="section-body">{children}</div>
    </section>
  )
}
