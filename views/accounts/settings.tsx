import type { Rejected } from '../../src/http/form.ts'
import type { Json, Platform, SettingField } from '../../src/platforms/platform.ts'
import type { Html } from '../html.ts'
import { Button, Buttons, ErrorSummary, Field, Form, Select } from '../ui/index.tsx'

/** The form that a platform asks for, empty, filled with what is known, or as it was rejected. Secrets are never filled in. */
export function SettingsForm({
  platform,
  action,
  submit,
  known = {},
  form,
  main = true,
}: {
  platform: Platform
  action: string
  submit: string
  /** Whether sending it is the one next step of the page. */
  main?: boolean | undefined
  known?: Record<string, Json> | undefined
  form?: Rejected | undefined
}): Html {
  const onFields = Object.entries(form?.errors ?? {}).filter(([path]) => path.startsWith('settings.'))
  return (
    <Form action={action} id="connect-form">
      {form && (
        <ErrorSummary
          title={onFields.length > 0 ? form.message : 'It was not connected'}
          errors={onFields.length > 0 ? Object.fromEntries(onFields) : { '': form.message }}
        />
      )}
      {platform.fields.map(field => (
        <Setting field={field} known={known[field.name]} form={form} />
      ))}
      <Buttons>
        <Button variant={main ? 'main' : 'plain'}>{submit}</Button>
      </Buttons>
    </Form>
  )
}

function Setting({
  field,
  known,
  form,
}: {
  field: SettingField
  known: Json | undefined
  form: Rejected | undefined
}): Html {
  const name = `settings.${field.name}`
  const secret = field.type === 'password'
  const typed = form?.values[name]
  const given = typeof typed === 'string' ? typed : ''
  const saved = typeof known === 'string' || typeof known === 'number' ? String(known) : ''
  const value = secret ? '' : form ? given : saved
  const about = {
    name,
    label: field.label,
    required: field.required,
    // A choice and a number that are filled in already leave nothing to leave out.
    ...(field.type === 'select' || (field.type === 'number' && saved !== '') ? { optional: false } : {}),
    error: form?.errors[name],
    ...(field.hint ? { hint: secret && form ? `${field.hint} Type it again.` : field.hint } : {}),
  }
  if (field.type === 'select') return <Select {...about} options={field.options ?? []} value={value} />
  return (
    <Field
      {...about}
      type={field.type}
      value={value}
      placeholder={field.placeholder}
      autocomplete={secret ? 'new-password' : 'off'}
      autocapitalize="none"
      spellcheck={false}
      width={field.type === 'number' ? 'short' : undefined}
    />
  )
}
