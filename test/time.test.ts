import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { Invalid } from '../src/errors.ts'
import { checkZone, instantOf, isoIn, wallTime } from '../src/lib/time.ts'

/** Whole and half hours, a change at midnight, one of half an hour, and none at all. */
const zones = [
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'UTC',
]
const minutes = fc.integer({ min: Date.UTC(2024, 0, 1) / 60_000, max: Date.UTC(2031, 0, 1) / 60_000 })
const local = (at: Date, zone: string) =>
  wallTime(at, zone).toPlainDateTime().toString({ smallestUnit: 'minute' })
const seed = 20_261_121

function told(work: () => unknown): string {
  try {
    work()
    return 'fine'
  } catch (error) {
    if (error instanceof Invalid) return error.code
    throw error
  }
}

describe('wall time', () => {
  test('of any moment leads back to that moment, by one of the two in a doubled hour', () => {
    fc.assert(
      fc.property(minutes, fc.constantFrom(...zones), (minute, zone) => {
        const at = new Date(minute * 60_000)
        const found = (['first', 'second'] as const).map(fold =>
          instantOf({ local: local(at, zone), zone, fold }).at.getTime(),
        )
        expect(found).toContain(at.getTime())
      }),
      { seed, numRuns: 2000 },
    )
  })

  test('in words is the wall time with the zone’s own offset', () => {
    fc.assert(
      fc.property(minutes, fc.constantFrom(...zones), (minute, zone) => {
        const at = new Date(minute * 60_000)
        const said = isoIn(at, zone)
        expect(new Date(said).getTime()).toBe(at.getTime())
        expect(said.slice(0, 16)).toBe(local(at, zone))
      }),
      { seed, numRuns: 1000 },
    )
  })

  test('that a zone skips or doubles is never taken silently, to the minute', () => {
    const cases: [string, string, string][] = [
      ['2027-03-28T01:59', 'Europe/Berlin', 'fine'],
      ['2027-03-28T02:00', 'Europe/Berlin', 'time_does_not_exist'],
      ['2027-03-28T02:59', 'Europe/Berlin', 'time_does_not_exist'],
      ['2027-03-28T03:00', 'Europe/Berlin', 'fine'],
      ['2027-10-31T01:59', 'Europe/Berlin', 'fine'],
      ['2027-10-31T02:00', 'Europe/Berlin', 'time_happens_twice'],
      ['2027-10-31T03:00', 'Europe/Berlin', 'fine'],
      ['2027-04-04T01:45', 'Australia/Lord_Howe', 'time_happens_twice'],
      ['2027-10-03T02:15', 'Australia/Lord_Howe', 'time_does_not_exist'],
      ['2028-02-29T09:00', 'America/New_York', 'fine'],
      ['2027-02-29T09:00', 'America/New_York', 'invalid'],
    ]
    for (const [when, zone, answer] of cases)
      expect([when, zone, told(() => instantOf({ local: when, zone }))]).toEqual([when, zone, answer])
  })

  test('needs a zone by its name: no offset, no abbreviation made up', () => {
    expect(checkZone('Europe/Berlin')).toBe('Europe/Berlin')
    fc.assert(
      fc.property(fc.string(), typed => {
        const answer = told(() => checkZone(typed))
        expect(['fine', 'unknown_zone']).toContain(answer)
        if (/^[+-]?\d|[^A-Za-z0-9_+/-]/.test(typed)) expect(answer).toBe('unknown_zone')
      }),
      { seed, numRuns: 1000 },
    )
  })
})
