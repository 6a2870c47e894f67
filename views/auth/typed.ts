import type { Rejected } from '../../src/http/form.ts'
import type { FormErrors } from '../ui/index.tsx'

/** What was typed into a field, or `otherwise` when nothing was sent yet. */
export function typed(form: Rejected | null, name: string, otherwise = ''): string {
  const value = form?.values[name]
  return typeof value === 'string' ? value : (value?.at(-1) ?? otherwise)
}

/** The sentences above a rejected form: each field's with its label before it, else the one about the whole. */
export function complaints(
  form: Rejected | null,
  labels: Readonly<Record<string, string>>,
): FormErrors | undefined {
  if (!form) return undefined
  const fields = Object.entries(form.errors)
  if (fields.length === 0) return { '': form.message }
  return Object.fromEntries(
    fields.map(([name, message]) => [labels[name] ? name : '', `${labels[name] ?? name} ${message}.`]),
  )
}

/** What is wrong with one field, as the sentence below it. */
export function wrong(form: Rejected | null, name: string): string | undefined {
  const message = form?.errors[name]
  return message && `${message.charAt(0).toUpperCase()}${message.slice(1)}.`
}
