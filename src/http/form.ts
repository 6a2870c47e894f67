import type { z } from 'zod'
import { Conflict, type FieldError, Invalid } from '../errors.ts'

/** A form as it was typed, with what is wrong about it, ready to be shown again. */
export interface Rejected {
  values: Readonly<Record<string, string | readonly string[]>>
  /** Field name → message. */
  errors: Readonly<Record<string, string>>
  /** One sentence above the form. */
  message: string
}

export type Reading<T> = { ok: true; value: T } | { ok: false; rejected: Rejected }

type Field = { type: string; inner: z.ZodType }

/** What a schema field wants, behind optional, default, nullable and pipes. */
function kind(schema: z.ZodType): Field {
  const def = schema.def as unknown as { type: string; innerType?: z.ZodType; in?: z.ZodType }
  if (def.innerType && ['optional', 'default', 'nullable', 'prefault', 'catch'].includes(def.type))
    return kind(def.innerType)
  if (def.type === 'pipe' && def.in) return kind(def.in)
  return { type: def.type, inner: schema }
}

const shapeOf = (schema: z.ZodType): Record<string, z.ZodType> =>
  (kind(schema).inner as unknown as { shape?: Record<string, z.ZodType> }).shape ?? {}

/** Strings of a form widened to what the schema's field wants: lists, ticks, numbers; an empty optional is absent. */
function widen(schema: z.ZodType, given: unknown): unknown {
  const { type } = kind(schema)
  if (type === 'array') return (given === undefined ? [] : [given].flat()).filter(item => item !== '')
  if (type === 'boolean') return given !== undefined && given !== '' && given !== 'false'
  const one = Array.isArray(given) ? given.at(-1) : given
  if (type === 'number') return one === '' || one === undefined ? undefined : Number(one)
  if (one === '' && (schema.def as { type: string }).type !== 'string') return undefined
  return one
}

/**
 * Reads a form with the same schema that the API uses. Field names with a dot (`at.local`) fill inner objects; names
 * that begin with `_` are the page's own.
 */
export function readForm<S extends z.ZodType>(body: unknown, schema: S): Reading<z.output<S>> {
  const given = (body ?? {}) as Record<string, unknown>
  const parsed = schema.safeParse(fill(schema, given, ''))
  if (parsed.success) return { ok: true, value: parsed.data as z.output<S> }
  return {
    ok: false,
    rejected: rejected(given, fieldErrors(parsed.error), 'Not saved yet: please look at the marked fields.'),
  }
}

function fill(schema: z.ZodType, given: Record<string, unknown>, prefix: string): Record<string, unknown> {
  const shape = shapeOf(schema)
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(shape)) {
    const path = prefix + name
    const { type } = kind(field)
    if (type === 'object') {
      const named = Object.keys(given).some(key => key.startsWith(`${path}.`))
      if (named) out[name] = fill(field, given, `${path}.`)
      continue
    }
    const value = widen(field, given[path])
    if (value !== undefined) out[name] = value
  }
  if (prefix === '') {
    const known = new Set(Object.keys(shape))
    for (const key of Object.keys(given))
      if (!key.startsWith('_') && !key.includes('.') && !known.has(key)) out[key] = given[key]
  }
  return out
}

/** The refusal of a move, as a form to show again; null when the error is none that a person can mend by typing. */
export function rejection(body: unknown, error: unknown): Rejected | null {
  if (!(error instanceof Invalid || error instanceof Conflict)) return null
  return rejected((body ?? {}) as Record<string, unknown>, error.errors, error.message)
}

function rejected(given: Record<string, unknown>, errors: readonly FieldError[], message: string): Rejected {
  const values: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(given)) {
    // A password is never sent back, nor a passphrase.
    if (/pass(word|phrase)/i.test(name)) continue
    if (typeof value === 'string') values[name] = value
    else if (Array.isArray(value)) values[name] = value.filter(item => typeof item === 'string')
  }
  const byField: Record<string, string> = {}
  for (const { path, message: words } of errors) byField[path] ??= words
  return { values, errors: byField, message }
}

export function fieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.flatMap(issue => {
    const at = issue.path.join('.')
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(key => ({ path: at ? `${at}.${key}` : key, message: 'is not a field here' }))
    return [{ path: at, message: issue.message }]
  })
}
