import { Invalid } from '../errors.ts'

/** A planned moment as people say it: wall time and zone, and for a doubled hour which of the two. */
export interface WallTime {
  /** `2026-12-01T09:00`, without an offset. */
  local: string
  /** IANA zone name, e.g. `Europe/Berlin`. */
  zone: string
  fold?: 'first' | 'second' | undefined
}

export interface Moment {
  at: Date
  local: string
  zone: string
}

const known = new Map<string, string>()

/** @throws Invalid `unknown_zone` when the name is not an IANA zone. Returns the name as the tz database spells it. */
export function checkZone(zone: string): string {
  const found = known.get(zone)
  if (found) return found
  try {
    if (!/^[A-Za-z0-9_+/-]+$/.test(zone) || /^[+-]?\d/.test(zone)) throw new RangeError(zone)
    const name = new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone
    known.set(zone, name)
    return name
  } catch {
    throw new Invalid(
      `"${zone.slice(0, 60)}" is not a time zone. Use a name such as Europe/Berlin or America/New_York.`,
      [{ path: 'zone', message: 'is not a time zone' }],
      'unknown_zone',
    )
  }
}

export const zones = (): string[] => [...new Set([...Intl.supportedValuesOf('timeZone'), 'UTC'])].sort()

/**
 * The instant of a wall time in its zone.
 * @throws Invalid `time_does_not_exist` for an hour that the zone skips (with the next valid time),
 * `time_happens_twice` for a doubled hour when `fold` is not given.
 */
export function instantOf(wall: WallTime): Moment {
  const zone = checkZone(wall.zone)
  let plain: Temporal.PlainDateTime
  try {
    plain = Temporal.PlainDateTime.from(wall.local).round({ smallestUnit: 'second', roundingMode: 'trunc' })
  } catch {
    throw new Invalid('The time is not readable. Write it as 2026-12-01T09:00.', [
      { path: 'local', message: 'must look like 2026-12-01T09:00' },
    ])
  }
  const earlier = plain.toZonedDateTime(zone, { disambiguation: 'earlier' })
  const later = plain.toZonedDateTime(zone, { disambiguation: 'later' })
  if (earlier.epochMilliseconds === later.epochMilliseconds) return moment(earlier)
  if (!later.toPlainDateTime().equals(plain)) {
    const next = spoken(later)
    throw new Invalid(
      `${spoken(plain)} does not exist in ${zone}: the clocks go forward then. The next valid time is ${next}.`,
      [{ path: 'local', message: `does not exist on that day; the next valid time is ${next}` }],
      'time_does_not_exist',
    )
  }
  if (!wall.fold)
    throw new Invalid(
      `${spoken(plain)} happens twice in ${zone}: the clocks go back then. Say whether you mean the first or the second.`,
      [{ path: 'fold', message: 'choose "first" or "second"' }],
      'time_happens_twice',
    )
  return moment(wall.fold === 'second' ? later : earlier)
}

/**
 * The same for a time that nobody is there to ask about, such as one of a rule that repeats: a skipped time is moved by
 * what the clocks skip (02:30 becomes 03:30, a skipped day the next), of a doubled one the first is taken.
 * @param local a real date and time, `2026-12-01T09:00`; @param zone from `checkZone`
 */
export const nearestInstant = (local: string, zone: string): Moment =>
  moment(Temporal.PlainDateTime.from(local).toZonedDateTime(zone, { disambiguation: 'compatible' }))

const moment = (zoned: Temporal.ZonedDateTime): Moment => ({
  at: new Date(zoned.epochMilliseconds),
  local: zoned.toPlainDateTime().toString({ smallestUnit: 'minute' }),
  zone: zoned.timeZoneId,
})

const spoken = (time: Temporal.PlainDateTime | Temporal.ZonedDateTime): string =>
  `${time.year.toString().padStart(4, '0')}-${pad(time.month)}-${pad(time.day)} ${pad(time.hour)}:${pad(time.minute)}`

const pad = (value: number) => value.toString().padStart(2, '0')

/** The wall time of an instant in a zone. */
export const wallTime = (at: Date, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone)

/** The same as text to the minute, `2026-12-01T09:00`. */
export const localTime = (at: Date, zone: string): string =>
  wallTime(at, zone).toPlainDateTime().toString({ smallestUnit: 'minute' })

/** `2026-12-01T09:00:00+01:00`: ISO 8601 with the zone's own offset. */
export const isoIn = (at: Date, zone: string): string =>
  wallTime(at, zone).toString({ timeZoneName: 'never', fractionalSecondDigits: 0 })
