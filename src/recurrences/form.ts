import { z } from 'zod'
import { Invalid } from '../errors.ts'
import { checkRule, parseRule, type Rule, ruleText, weekdayCodes } from './rule.ts'
import type { Successor } from './schema.ts'

/** How often, as the forms ask it. */
export const rhythms = [
  'day',
  'workdays',
  'week',
  'fortnight',
  'month',
  'month-weekday',
  'month-last',
  'year',
] as const
export type Rhythm = (typeof rhythms)[number]

/** What stands in the fields about repeating, whether or not it makes a rule. */
export const Repeat = z.object({
  /** Empty: once. */
  every: z.enum(['', ...rhythms]),
  /** `MO`, for weekly rhythms. */
  days: z.array(z.enum(weekdayCodes)),
  /** The last day, `2026-12-31`; empty for none. */
  until: z.string(),
  times: z.string(),
})
export type Repeat = z.infer<typeof Repeat>

export const once: Repeat = { every: '', days: [], until: '', times: '' }

/** Reads the fields of a form, without judging them. */
export function repeatOf(body: unknown): Repeat {
  const given = (body ?? {}) as Record<string, unknown>
  const many = (name: string) =>
    [Object.hasOwn(given, name) ? given[name] : []].flat().filter(value => typeof value === 'string')
  const one = (name: string) => (many(name).at(-1) ?? '').trim()
  return {
    every: rhythms.find(rhythm => rhythm === one('every')) ?? '',
    days: weekdayCodes.filter(code => many('days').includes(code)),
    until: one('until').slice(0, 40),
    times: one('times').slice(0, 40),
  }
}

/**
 * The rule that the fields make, for a first moment.
 * @param starts wall time, of which the day of the week and month are taken
 * @throws Invalid in the form's names
 */
export function ruleOf({ every, days, until, times }: Repeat, starts: string): string {
  const refuse = (path: string, message: string) => new Invalid(message, [{ path, message }])
  if (every === '') throw refuse('every', 'Choose how often it goes out.')
  if (until && times) throw refuse('times', 'Choose either the last day or how many times.')
  const count = times === '' ? null : Number(times)
  if (count !== null && !(Number.isInteger(count) && count >= 1 && count <= 1000))
    throw refuse('times', 'This must be a number from 1 to 1000.')
  if (until && !/^\d{4}-\d\d-\d\d$/.test(until))
    throw refuse('until', 'This must be a day such as 2026-12-31.')
  const base: Rule = { every: 'day', interval: 1, weekdays: [], monthDays: [], count, until: null }
  const rule = ruleText(checkRule({ ...base, ...daysOf(every, days, starts) }))
  return until ? ruleText(parseRule(`${rule};UNTIL=${until.replaceAll('-', '')}`, 'UTC')) : rule
}

function daysOf(every: Rhythm, days: Repeat['days'], starts: string): Partial<Rule> {
  const day = Temporal.PlainDate.from(starts.slice(0, 10))
  const code = weekdayCodes[day.dayOfWeek - 1] ?? 'MO'
  switch (every) {
    case 'day':
      return {}
    case 'workdays':
      return { every: 'week', weekdays: ['MO', 'TU', 'WE', 'TH', 'FR'] }
    case 'week':
    case 'fortnight':
      return { every: 'week', interval: every === 'week' ? 1 : 2, weekdays: days.length > 0 ? days : [code] }
    case 'month':
      return { every: 'month', monthDays: [day.day] }
    case 'month-weekday':
      // A fifth one is not in every month; who plans on it means the last.
      return { every: 'month', weekdays: [`${day.day > 28 ? -1 : Math.ceil(day.day / 7)}${code}`] }
    case 'month-last':
      return { every: 'month', monthDays: [-1] }
    case 'year':
      return { every: 'year' }
  }
}

/** The refusals of the moves, in the names of the form's fields. */
export async function inRepeatNames<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    const names: Record<string, string> = { rule: 'every', 'start.local': 'local', from: 'from' }
    throw new Invalid(
      error.message,
      error.errors.map(({ path }) => ({ path: names[path] ?? path, message: error.message })),
      error.code,
    )
  }
}

/** The form that changes a recurrence from one occurrence on. */
export const ChangeForm = z.looseObject({
  from: z.string({ error: 'Choose from when on.' }),
  time: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'This must be a time such as 09:00.' }),
})

/** @throws Invalid in the form's names */
export function successorOf(form: z.infer<typeof ChangeForm>, zone: string): Successor {
  const repeat = repeatOf(form)
  const local = `${form.from.slice(0, 10)}T${form.time}`
  if (!/^\d{4}-\d\d-\d\dT/.test(local))
    throw new Invalid('Choose from when on.', [{ path: 'from', message: 'Choose from when on.' }])
  return {
    from: form.from,
    start: { local, zone },
    ...(repeat.every === '' ? {} : { rule: ruleOf(repeat, local) }),
  }
}
