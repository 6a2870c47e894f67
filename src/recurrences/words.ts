import { dayInWords } from '../lib/dates.ts'
import { type Rule, weekdayCodes } from './rule.ts'

const names = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const list = new Intl.ListFormat('en-GB', { type: 'conjunction' })
const ordinals = new Intl.PluralRules('en-GB', { type: 'ordinal' })
const endings: Record<string, string> = { one: 'st', two: 'nd', few: 'rd', other: 'th' }

const nth = (number: number): string => `${number}${endings[ordinals.select(number)]}`
const fromEnd = (number: number): string => (number === 1 ? 'last' : `${nth(number)} last`)
const place = (number: number): string => (number < 0 ? fromEnd(-number) : nth(number))

/** A rule in words, with its time of day: `Every 2 weeks on Monday and Thursday at 09:00, 10 times`. */
export function ruleWords(rule: Rule, starts: string): string {
  const [date = '', time = ''] = starts.split('T')
  const unit = rule.interval === 1 ? rule.every : `${rule.interval} ${rule.every}s`
  const end =
    rule.count !== null
      ? `, ${rule.count === 1 ? 'once' : `${rule.count} times`}`
      : rule.until !== null
        ? `, until ${dayInWords(rule.until.slice(0, 10), { day: 'numeric', month: 'short', year: 'numeric' })}`
        : ''
  const days = daysOf(rule, date)
  return `Every ${unit}${days && ` on ${days}`} at ${time}${end}`
}

function daysOf(rule: Rule, date: string): string {
  const start = Temporal.PlainDate.from(date)
  const weekdays = [...rule.weekdays].sort((a, b) => order(a) - order(b)).map(weekdayWords)
  const monthDays = rule.monthDays.map(day => `the ${place(day)}${day < 0 ? ' day' : ''}`)
  if (weekdays.length > 0 && monthDays.length > 0)
    return `${list.format(monthDays)} where that is a ${list.format(weekdays)}`
  if (weekdays.length + monthDays.length > 0) return list.format([...weekdays, ...monthDays])
  if (rule.every === 'week') return names[start.dayOfWeek - 1] ?? ''
  if (rule.every === 'month') return `the ${nth(start.day)}`
  if (rule.every === 'year') return dayInWords(date, { day: 'numeric', month: 'long' })
  return ''
}

const order = (day: string): number => weekdayCodes.findIndex(code => day.endsWith(code))

function weekdayWords(day: string): string {
  const name = names[order(day)] ?? day
  const number = Number.parseInt(day, 10)
  return Number.isNaN(number) ? name : `the ${place(number)} ${name}`
}
