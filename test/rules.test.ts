import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { Invalid } from '../src/errors.ts'
import { localTime, nearestInstant } from '../src/lib/time.ts'
import {
  countBefore,
  nextOccurrences,
  occurrencesBetween,
  parseRule,
  type Rule,
  ruleText,
  weekdayCodes,
} from '../src/recurrences/rule.ts'
import { ruleWords } from '../src/recurrences/words.ts'
import { slotMoments } from '../src/slots/moments.ts'

/** Whole, half and quarter hours; a change at midnight, one of half an hour, one that skipped a whole day, and none. */
const zones = [
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'America/Havana',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Africa/Casablanca',
  'Pacific/Chatham',
  'UTC',
]
const seed = 20_261_127
const zone = fc.constantFrom(...zones)
const two = (value: number) => `${value}`.padStart(2, '0')
const timeOfDay = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 1, 15, 29, 30, 45, 59))
  .map(([hour, minute]) => `${two(hour)}:${two(minute)}`)
const firstDay = Temporal.PlainDate.from('2024-01-01')
const date = fc.integer({ min: 0, max: 2500 }).map(days => firstDay.add({ days }).toString())
const starts = fc.tuple(date, timeOfDay).map(([day, time]) => `${day}T${time}`)

const weekdays = fc.uniqueArray(fc.constantFrom(...weekdayCodes), { maxLength: 4 })
const nthDays = fc.uniqueArray(
  fc
    .tuple(fc.constantFrom('', '1', '2', '5', '-1', '-5'), fc.constantFrom(...weekdayCodes))
    .map(([nth, day]) => nth + day),
  { maxLength: 3 },
)
const monthDays = fc.uniqueArray(
  fc.oneof(fc.integer({ min: 1, max: 31 }), fc.integer({ min: -31, max: -1 })),
  { maxLength: 3 },
)
const none = fc.constant([])
const kind = fc.oneof(
  fc.record({ every: fc.constant('day' as const), weekdays, monthDays }),
  fc.record({ every: fc.constant('week' as const), weekdays, monthDays: none }),
  fc.record({ every: fc.constant('month' as const), weekdays: nthDays, monthDays }),
  fc.record({ every: fc.constant('year' as const), weekdays: none, monthDays: none }),
)
const end = fc.oneof(
  fc.constant({ count: null, until: null }),
  fc.integer({ min: 1, max: 40 }).map(count => ({ count, until: null })),
  fc.tuple(date, timeOfDay).map(([day, time]) => ({ count: null, until: `${day}T${time}` })),
)
const rule: fc.Arbitrary<Rule> = fc
  .tuple(kind, fc.integer({ min: 1, max: 5 }), end)
  .map(([days, interval, ends]) => ({ ...days, interval, ...ends }))

/** The rule as RFC 5545 puts it, asked day by day: slow, and without any cleverness. */
function* daysOf({ rule, starts }: { rule: Rule; starts: string }, to: string): Generator<string> {
  const begin = Temporal.PlainDate.from(starts.slice(0, 10))
  const time = starts.slice(11)
  let count = 0
  for (let day = begin; day.toString() <= to; day = day.add({ days: 1 })) {
    const local = `${day}T${time}`
    if (!says(rule, begin, day)) continue
    if (rule.until !== null && local > rule.until) return
    if (rule.count !== null && count >= rule.count) return
    count++
    yield local
  }
}

function says(rule: Rule, begin: Temporal.PlainDate, day: Temporal.PlainDate): boolean {
  const monday = (one: Temporal.PlainDate) => one.subtract({ days: one.dayOfWeek - 1 })
  const periods = {
    day: begin.until(day, { largestUnit: 'day' }).days,
    week: monday(begin).until(monday(day), { largestUnit: 'day' }).days / 7,
    month: (day.year - begin.year) * 12 + day.month - begin.month,
    year: day.year - begin.year,
  }[rule.every]
  if (periods % rule.interval !== 0) return false
  const code = weekdayCodes[day.dayOfWeek - 1] ?? ''
  const onWeekday = rule.weekdays.some(wanted => {
    if (!wanted.endsWith(code)) return false
    const nth = Number.parseInt(wanted, 10)
    if (Number.isNaN(nth)) return true
    return nth > 0 ? Math.ceil(day.day / 7) === nth : Math.ceil((day.daysInMonth - day.day + 1) / 7) === -nth
  })
  const onMonthDay = rule.monthDays.some(wanted =>
    wanted > 0 ? day.day === wanted : day.day === day.daysInMonth + 1 + wanted,
  )
  if (rule.weekdays.length > 0 && !onWeekday) return false
  if (rule.monthDays.length > 0 && !onMonthDay) return false
  if (rule.weekdays.length + rule.monthDays.length > 0) return true
  return {
    day: true,
    week: day.dayOfWeek === begin.dayOfWeek,
    month: day.day === begin.day,
    year: day.day === begin.day && day.month === begin.month,
  }[rule.every]
}

const told = (text: string): string => {
  try {
    return ruleText(parseRule(text, 'Europe/Berlin'))
  } catch (error) {
    if (error instanceof Invalid) return error.message
    throw error
  }
}

describe('a rule', () => {
  test('has the days that a plain reading of RFC 5545 has, in every zone', () => {
    fc.assert(
      fc.property(rule, starts, zone, (rule, starts, zone) => {
        const series = { rule, starts, zone }
        const from = nearestInstant(starts, zone).at
        const to = new Date(from.getTime() + 900 * 86_400_000)
        const plain = [
          ...daysOf(series, localTime(new Date(to.getTime() + 3 * 86_400_000), zone).slice(0, 10)),
        ]
          .map(local => ({ occurrence: local, ...nearestInstant(local, zone) }))
          .filter(({ at }) => at >= from && at < to)
        expect(occurrencesBetween(series, from, to)).toEqual(plain)
      }),
      { seed, numRuns: 400 },
    )
  })

  test('is the same whatever span is asked for, and however often: piece by piece nothing is lost or doubled', () => {
    fc.assert(
      fc.property(
        rule,
        starts,
        zone,
        fc.array(fc.integer({ min: 1, max: 90 * 24 }), { minLength: 1, maxLength: 8 }),
        (rule, starts, zone, hours) => {
          const series = { rule, starts, zone }
          const first = nearestInstant(starts, zone).at
          let from = new Date(first.getTime() - 86_400_000)
          const begin = from
          const pieces = hours.flatMap(length => {
            const to = new Date(from.getTime() + length * 3_600_000)
            const piece = occurrencesBetween(series, from, to)
            from = to
            return piece
          })
          expect(pieces).toEqual(occurrencesBetween(series, begin, from))
          expect(new Set(pieces.map(one => one.at.getTime())).size).toBe(pieces.length)
        },
      ),
      { seed, numRuns: 300 },
    )
  })

  test('keeps its time of day on the wall, but where the clocks skip it', () => {
    fc.assert(
      fc.property(rule, starts, zone, (rule, starts, zone) => {
        for (const one of nextOccurrences({ rule, starts, zone }, nearestInstant(starts, zone).at, 30)) {
          expect(one.occurrence.slice(11)).toBe(starts.slice(11))
          expect(localTime(one.at, zone)).toBe(one.local)
          if (one.local === one.occurrence) continue
          // Skipped: the hour just before the gap and the one after it show that no wall has this time.
          expect(one.local > one.occurrence).toBe(true)
          const back = Temporal.PlainDateTime.from(one.occurrence).toZonedDateTime(zone, {
            disambiguation: 'earlier',
          })
          expect(back.toPlainDateTime().toString({ smallestUnit: 'minute' })).not.toBe(one.occurrence)
        }
      }),
      { seed, numRuns: 300 },
    )
  })

  test('reads what it has written, and says the same', () => {
    fc.assert(
      fc.property(rule, starts, zone, (rule, starts, zone) => {
        const again = parseRule(ruleText(rule), zone)
        expect(ruleText(again)).toBe(ruleText(rule))
        expect(again).toEqual(rule)
        expect(ruleWords(rule, starts)).toMatch(/^Every .* at \d\d:\d\d/)
      }),
      { seed, numRuns: 300 },
    )
  })

  test('counts what came before an occurrence', () => {
    fc.assert(
      fc.property(rule, starts, (rule, starts) => {
        const series = { rule, starts, zone: 'UTC' }
        const all = nextOccurrences(series, nearestInstant(starts, 'UTC').at, 12)
        expect(all.map(({ occurrence }) => countBefore(series, occurrence))).toEqual(all.map((_, at) => at))
      }),
      { seed, numRuns: 200 },
    )
  })

  const next = (
    text: string,
    starts: string,
    zone: string,
    many: number,
    from = nearestInstant(starts, zone).at,
  ) => nextOccurrences({ rule: parseRule(text, zone), starts, zone }, from, many)
  const offsets = (text: string, starts: string, zone: string, many: number) =>
    next(text, starts, zone, many).map(
      ({ at, zone }) => `${localTime(at, zone)} = ${at.toISOString().slice(0, 16)}`,
    )

  test('takes the next valid time in a gap and the first of a doubled hour', () => {
    expect(offsets('FREQ=DAILY', '2027-03-27T02:30', 'Europe/Berlin', 3)).toEqual([
      '2027-03-27T02:30 = 2027-03-27T01:30',
      '2027-03-28T03:30 = 2027-03-28T01:30',
      '2027-03-29T02:30 = 2027-03-29T00:30',
    ])
    expect(offsets('FREQ=DAILY', '2027-10-30T02:30', 'Europe/Berlin', 3)).toEqual([
      '2027-10-30T02:30 = 2027-10-30T00:30',
      '2027-10-31T02:30 = 2027-10-31T00:30',
      '2027-11-01T02:30 = 2027-11-01T01:30',
    ])
    // At midnight: the day begins at 01:00.
    expect(offsets('FREQ=DAILY', '2027-03-13T00:30', 'America/Havana', 2)).toEqual([
      '2027-03-13T00:30 = 2027-03-13T05:30',
      '2027-03-14T01:30 = 2027-03-14T05:30',
    ])
    // Of half an hour.
    expect(offsets('FREQ=DAILY', '2027-10-02T02:15', 'Australia/Lord_Howe', 2)).toEqual([
      '2027-10-02T02:15 = 2027-10-01T15:45',
      '2027-10-03T02:45 = 2027-10-02T15:45',
    ])
  })

  test('that falls into a skipped day and onto the one after it comes once', () => {
    expect(next('FREQ=DAILY', '2011-12-28T09:00', 'Pacific/Apia', 4).map(one => one.local)).toEqual([
      '2011-12-28T09:00',
      '2011-12-29T09:00',
      '2011-12-31T09:00',
      '2012-01-01T09:00',
    ])
  })

  test('leaves out months and years that do not have its day; the last day is -1', () => {
    const days = (text: string, starts: string) =>
      next(text, starts, 'Europe/Berlin', 4).map(one => one.local.slice(0, 10))
    expect(days('FREQ=MONTHLY', '2026-12-31T09:00')).toEqual([
      '2026-12-31',
      '2027-01-31',
      '2027-03-31',
      '2027-05-31',
    ])
    expect(days('FREQ=MONTHLY;BYMONTHDAY=-1', '2026-12-01T09:00')).toEqual([
      '2026-12-31',
      '2027-01-31',
      '2027-02-28',
      '2027-03-31',
    ])
    expect(days('FREQ=YEARLY', '2028-02-29T09:00')).toEqual([
      '2028-02-29',
      '2032-02-29',
      '2036-02-29',
      '2040-02-29',
    ])
  })

  test('that is none of ours is refused by name', () => {
    expect(told('freq=weekly;byday=mo,th;interval=2')).toBe('FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH')
    expect(told('FREQ=DAILY;UNTIL=20261231')).toBe('FREQ=DAILY;UNTIL=20261231T235900')
    expect(told('FREQ=DAILY;UNTIL=20261231T230000Z')).toBe('FREQ=DAILY;UNTIL=20270101T000000')
    for (const [text, words] of [
      ['FREQ=HOURLY', 'once a day at most'],
      ['FREQ=DAILY;BYHOUR=3', '"BYHOUR=3" is not understood'],
      ['FREQ=DAILY;COUNT=3;UNTIL=20270101', 'COUNT or UNTIL, not both'],
      ['FREQ=DAILY;COUNT=0', 'COUNT must be a whole number from 1'],
      ['FREQ=DAILY;INTERVAL=99999', 'INTERVAL must be'],
      ['FREQ=WEEKLY;BYDAY=2TU', 'goes with FREQ=MONTHLY only'],
      ['FREQ=WEEKLY;BYMONTHDAY=3', 'does not go with FREQ=WEEKLY'],
      ['FREQ=YEARLY;BYMONTHDAY=3', 'takes no BYDAY or BYMONTHDAY'],
      ['FREQ=MONTHLY;BYMONTHDAY=32', 'days from 1 to 31'],
      ['FREQ=MONTHLY;BYDAY=6MO', 'BYDAY has MO'],
      ['FREQ=DAILY;UNTIL=20270231', 'UNTIL must look like'],
      ['FREQ=DAILY;FREQ=DAILY', 'given twice'],
      ['FREQ=WEEKLY;WKST=SU', 'begin on Monday'],
      ['', 'is not understood'],
    ])
      expect([text, told(text ?? '')]).toEqual([text, expect.stringContaining(words ?? '')])
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), text => {
        expect(typeof told(text)).toBe('string')
      }),
      { seed, numRuns: 500 },
    )
  })

  test('is said in words', () => {
    const words = (text: string, starts = '2026-12-01T09:00') => ruleWords(parseRule(text, 'UTC'), starts)
    expect(words('FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,MO;COUNT=10')).toBe(
      'Every 2 weeks on Monday and Thursday at 09:00, 10 times',
    )
    expect(words('FREQ=MONTHLY;BYDAY=2TU;UNTIL=20270401')).toBe(
      'Every month on the 2nd Tuesday at 09:00, until 1 Apr 2027',
    )
    expect(words('FREQ=MONTHLY;BYMONTHDAY=-1')).toBe('Every month on the last day at 09:00')
    expect(words('FREQ=MONTHLY;BYMONTHDAY=1,15')).toBe('Every month on the 1st and the 15th at 09:00')
    expect(words('FREQ=MONTHLY;BYDAY=-1FR')).toBe('Every month on the last Friday at 09:00')
    expect(words('FREQ=YEARLY')).toBe('Every year on 1 December at 09:00')
    expect(words('FREQ=DAILY;COUNT=1')).toBe('Every day at 09:00, once')
  })
})

describe('a slot', () => {
  test('comes once a week at its time on the wall, whatever span is asked for', () => {
    fc.assert(
      fc.property(
        zone,
        timeOfDay,
        fc.integer({ min: 1, max: 7 }),
        date,
        fc.integer({ min: 1, max: 60 * 24 }),
        (zone, local, weekday, day, hours) => {
          const slot = { id: 'a', accountId: 'b', weekday, local, zone }
          const from = new Date(`${day}T12:00:00Z`)
          const middle = new Date(from.getTime() + hours * 3_600_000)
          const to = new Date(middle.getTime() + 40 * 86_400_000)
          const all = slotMoments(slot, from, to)
          expect([...slotMoments(slot, from, middle), ...slotMoments(slot, middle, to)]).toEqual(all)
          const weeks = (to.getTime() - from.getTime()) / (7 * 86_400_000)
          expect(Math.abs(all.length - weeks)).toBeLessThanOrEqual(1.01)
          for (const one of all) {
            expect(Temporal.PlainDate.from(one.occurrence.slice(0, 10)).dayOfWeek).toBe(weekday)
            expect(one.occurrence.slice(11)).toBe(local)
            expect(one.at.getTime()).toBe(nearestInstant(one.occurrence, zone).at.getTime())
          }
        },
      ),
      { seed, numRuns: 500 },
    )
  })
})
