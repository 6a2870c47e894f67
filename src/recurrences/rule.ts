import { RRuleTemporal } from 'rrule-temporal'
import { Invalid } from '../errors.ts'
import { localTime, type Moment, nearestInstant } from '../lib/time.ts'

/**
 * How a post repeats: the part of RFC 5545 §3.3.10 that a publishing plan needs. No more often than daily, weeks begin
 * on Monday, and the time of day is the start's.
 */
export interface Rule {
  every: 'day' | 'week' | 'month' | 'year'
  /** Every how many of them. */
  interval: number
  /** `MO`; by month also `2TU` (the second Tuesday) and `-1FR` (the last Friday). Empty: the start's own. */
  weekdays: readonly string[]
  /** 1 to 31, or from the month's end -1 to -31. Empty: the start's own. A month without that day is left out. */
  monthDays: readonly number[]
  /** How many times in all; null for no end, or where `until` is the end. */
  count: number | null
  /** The last moment that counts, in wall time to the minute. */
  until: string | null
}

export const weekdayCodes = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const
const frequencies = { DAILY: 'day', WEEKLY: 'week', MONTHLY: 'month', YEARLY: 'year' } as const
const most = { interval: 500, count: 1000, list: 31 }

/**
 * Reads `FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;COUNT=10`. `UNTIL` may be a date (that day counts), a wall time, or an
 * instant in UTC, which becomes the wall time in `zone`.
 * @throws Invalid in words, with the path `rule`
 */
export function parseRule(text: string, zone: string): Rule {
  const parts = new Map<string, string>()
  for (const part of text
    .trim()
    .replace(/^RRULE:/i, '')
    .toUpperCase()
    .split(';')) {
    const [name = '', value = ''] = part.split('=')
    if (!known.has(name) || value === '' || part.split('=').length !== 2)
      throw wrong(`"${part.slice(0, 40)}" is not understood here: use ${[...known].join(', ')}`)
    if (parts.has(name)) throw wrong(`${name} is given twice`)
    parts.set(name, value)
  }
  const freq = parts.get('FREQ')
  if (!freq || !Object.hasOwn(frequencies, freq))
    throw wrong('FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY: a post repeats once a day at most')
  if (parts.has('WKST') && parts.get('WKST') !== 'MO') throw wrong('weeks begin on Monday here (WKST=MO)')
  if (parts.has('COUNT') && parts.has('UNTIL')) throw wrong('give COUNT or UNTIL, not both')
  return checkRule({
    every: frequencies[freq as keyof typeof frequencies],
    interval: number(parts.get('INTERVAL') ?? '1', 'INTERVAL', most.interval),
    weekdays: parts.get('BYDAY')?.split(',') ?? [],
    monthDays: parts.get('BYMONTHDAY')?.split(',').map(monthDay) ?? [],
    count: parts.has('COUNT') ? number(parts.get('COUNT') ?? '', 'COUNT', most.count) : null,
    until: parts.has('UNTIL') ? untilOf(parts.get('UNTIL') ?? '', zone) : null,
  })
}

const known = new Set(['FREQ', 'INTERVAL', 'BYDAY', 'BYMONTHDAY', 'COUNT', 'UNTIL', 'WKST'])

/** @throws Invalid for parts that do not go together */
export function checkRule(rule: Rule): Rule {
  const { every, weekdays, monthDays } = rule
  if (weekdays.length > most.list || monthDays.length > most.list) throw wrong('has too many days')
  for (const day of weekdays) {
    const [, nth = '', code = ''] = /^([+-]?[1-5])?(\w\w)$/.exec(day) ?? []
    if (!weekdayCodes.some(one => one === code))
      throw wrong(`BYDAY has ${weekdayCodes.join(', ')}, and by month 2TU or -1FR; not "${day.slice(0, 20)}"`)
    if (nth !== '' && every !== 'month') throw wrong(`BYDAY=${day} goes with FREQ=MONTHLY only`)
  }
  if (every === 'week' && monthDays.length > 0) throw wrong('BYMONTHDAY does not go with FREQ=WEEKLY')
  if (every === 'year' && weekdays.length + monthDays.length > 0)
    throw wrong('FREQ=YEARLY repeats the day of the start and takes no BYDAY or BYMONTHDAY')
  return { ...rule, weekdays: [...new Set(weekdays)], monthDays: [...new Set(monthDays)] }
}

const wrong = (message: string) =>
  new Invalid(`The rule cannot be used: ${message}.`, [{ path: 'rule', message }])

function number(text: string, name: string, top: number): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > top) throw wrong(`${name} must be a whole number from 1 to ${top}`)
  return value
}

function monthDay(text: string): number {
  const day = /^[+-]?\d{1,2}$/.test(text) ? Number(text) : 0
  if (day === 0 || Math.abs(day) > 31)
    throw wrong('BYMONTHDAY has days from 1 to 31, or -1 to -31 from the end')
  return day
}

function untilOf(text: string, zone: string): string {
  const [, date, time, utc] = /^(\d{8})(?:T(\d{4})\d\d(Z)?)?$/.exec(text) ?? []
  try {
    if (!date) throw new RangeError(text)
    const day = Temporal.PlainDate.from(date).toString()
    if (!time) return `${day}T23:59`
    const local = Temporal.PlainDateTime.from(`${day}T${time.slice(0, 2)}:${time.slice(2)}`)
    return utc
      ? localTime(new Date(local.toZonedDateTime('UTC').epochMilliseconds), zone)
      : local.toString({ smallestUnit: 'minute' })
  } catch {
    throw wrong('UNTIL must look like 20261231 or 20261231T090000')
  }
}

/** The rule as it is kept and answered. */
export function ruleText(rule: Rule): string {
  const freq = Object.entries(frequencies).find(([, every]) => every === rule.every)?.[0]
  return [
    `FREQ=${freq}`,
    rule.interval > 1 && `INTERVAL=${rule.interval}`,
    rule.weekdays.length > 0 && `BYDAY=${rule.weekdays.join(',')}`,
    rule.monthDays.length > 0 && `BYMONTHDAY=${rule.monthDays.join(',')}`,
    rule.count !== null && `COUNT=${rule.count}`,
    rule.until !== null && `UNTIL=${rule.until.replaceAll(/[-:]/g, '')}00`,
  ]
    .filter(Boolean)
    .join(';')
}

/** A moment of a rule: what the rule says, and when that is. */
export interface Occurrence extends Moment {
  /** Wall time by the rule. It names the occurrence for ever, also where `local` is another because the clocks skip it. */
  occurrence: string
}

export interface Series {
  rule: Rule
  /** From when on, and the time of day: `2026-12-01T09:00`. Counts itself only where the rule says that day. */
  starts: string
  zone: string
}

/**
 * The occurrences from `from` to before `to`, in order; `most` at most. Days are counted in wall time, without any zone; only then each
 * is given its instant. Two that fall on one instant, because the zone skips a whole day, are one: the first.
 */
export function occurrencesBetween(series: Series, from: Date, to: Date, atMost = 5_000): Occurrence[] {
  const found: Occurrence[] = []
  // A day more on either side: a wall time is at most a day away from where its instant is on the wall.
  const edge = (at: Date, days: number) =>
    Temporal.PlainDateTime.from(localTime(at, series.zone)).add({ days }).toZonedDateTime('UTC')
  const first = edge(from, -2)
  const times = rruleOf(series).between(first, edge(to, 2), true)
  let last = Number.NaN
  for (const time of times) {
    const occurrence = time.toPlainDateTime().toString({ smallestUnit: 'minute' })
    const moment = nearestInstant(occurrence, series.zone)
    const at = moment.at.getTime()
    if (at === last) continue
    last = at
    if (at >= from.getTime() && at < to.getTime()) found.push({ occurrence, ...moment })
    if (found.length >= atMost) break
  }
  return found
}

/** Spans in which the next occurrences are looked for: one after the other, so that a daily rule is not counted for a century. */
const spansInDays = [40, 400, 4_500, 15_000]

/** The next occurrences from `from` on, in order; fewer than `many` when the rule ends before. */
export function nextOccurrences(series: Series, from: Date, many: number): Occurrence[] {
  const start = nearestInstant(series.starts, series.zone).at
  const begin = from > start ? from : start
  let found: Occurrence[] = []
  for (const days of spansInDays) {
    found = occurrencesBetween(series, begin, new Date(begin.getTime() + days * 86_400_000), many)
    if (found.length >= many) break
  }
  return found
}

/** How many occurrences the rule has before a wall time. */
export function countBefore({ rule, starts }: Series, local: string): number {
  return rruleOf({ rule, starts })
    .between(utc(starts), utc(local), true)
    .filter(time => time.toPlainDateTime().toString({ smallestUnit: 'minute' }) < local).length
}

const utc = (local: string) => Temporal.PlainDateTime.from(local).toZonedDateTime('UTC')

/** The library counts days in UTC, where every day has 24 hours: what a zone does to them is decided here. */
function rruleOf({ rule, starts }: Pick<Series, 'rule' | 'starts'>): RRuleTemporal {
  const freq = (Object.entries(frequencies).find(([, every]) => every === rule.every)?.[0] ??
    'DAILY') as keyof typeof frequencies
  return new RRuleTemporal({
    freq,
    interval: rule.interval,
    ...(rule.weekdays.length > 0 ? { byDay: [...rule.weekdays] } : {}),
    ...(rule.monthDays.length > 0 ? { byMonthDay: [...rule.monthDays] } : {}),
    ...(rule.count !== null ? { count: rule.count } : {}),
    ...(rule.until !== null ? { until: utc(rule.until) } : {}),
    dtstart: utc(starts),
    tzid: 'UTC',
    wkst: 'MO',
    // Its own cap is below the days of our longest span.
    maxIterations: 100_000,
  })
}
