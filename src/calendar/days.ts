/** Days and months as a calendar has them, in a time zone: a day may have 23, 24 or 25 hours. */

import { dayInWords } from '../lib/dates.ts'

export interface MonthGrid {
  /** `2026-11` */
  month: string
  name: string
  year: number
  /** Whole weeks, Monday first, that cover the month: ISO dates. */
  dates: readonly string[]
  /** The first instant of the first date and the first instant after the last. */
  from: Date
  to: Date
  previous: MonthName
  next: MonthName
}

export interface MonthName {
  month: string
  name: string
}

/** The first instant of a date in a zone; where midnight is skipped, the first moment that the day has. */
export function startOfDay(date: string | Temporal.PlainDate, zone: string): Date {
  return new Date(Temporal.PlainDate.from(date).toZonedDateTime(zone).epochMilliseconds)
}

/** The date on the wall in a zone, `2026-11-21`. */
export const dateIn = (at: Date, zone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone).toPlainDate().toString()

export const addDays = (date: string, days: number): string =>
  Temporal.PlainDate.from(date).add({ days }).toString()

/** Whole days from one date to another; negative when `to` is before `from`. */
export const daysBetween = (from: string, to: string): number =>
  Temporal.PlainDate.from(from).until(Temporal.PlainDate.from(to), { largestUnit: 'day' }).days

/** Monday of the week that a date is in. */
export function weekStart(date: string): string {
  const day = Temporal.PlainDate.from(date)
  return day.subtract({ days: day.dayOfWeek - 1 }).toString()
}

/** `month` must be a real month such as `2026-11`. */
export function monthGrid(month: string, zone: string): MonthGrid {
  const own = Temporal.PlainYearMonth.from(month)
  const first = own.toPlainDate({ day: 1 })
  const start = Temporal.PlainDate.from(weekStart(first.toString()))
  const last = own.toPlainDate({ day: own.daysInMonth })
  const weeks = Math.ceil((start.until(last, { largestUnit: 'day' }).days + 1) / 7)
  const dates = Array.from({ length: weeks * 7 }, (_, index) => start.add({ days: index }).toString())
  return {
    month,
    name: nameOf(own),
    year: own.year,
    dates,
    from: startOfDay(start, zone),
    to: startOfDay(start.add({ days: dates.length }), zone),
    previous: step(own, -1),
    next: step(own, 1),
  }
}

const nameOf = (month: Temporal.PlainYearMonth): string =>
  dayInWords(`${month.toString()}-01`, { month: 'long' })

function step(month: Temporal.PlainYearMonth, months: number): MonthName {
  const other = month.add({ months })
  return { month: other.toString(), name: nameOf(other) }
}

/** `Sat 21` */
export function shortDay(date: string): string {
  return `${dayInWords(date, { weekday: 'short' })} ${Number(date.slice(8))}`
}

/** `Saturday, 21 November` */
export const longDay = (date: string): string =>
  dayInWords(date, { weekday: 'long', day: 'numeric', month: 'long' })

/**
 * The instant of a span's edge as a client gives it: an instant as it is; a date as its first moment in the zone, or for
 * the end as the first moment after it.
 */
export function edgeInstant(given: string, zone: string, edge: 'start' | 'end'): Date {
  if (given.includes('T')) return new Date(given)
  return startOfDay(edge === 'start' ? given : addDays(given, 1), zone)
}
