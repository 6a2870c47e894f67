import type { PlatformId } from '../../src/platforms/platform.ts'
import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Icon, type IconName } from './icon.tsx'
import { platforms } from './platform.tsx'
import { type State, states, type Tone } from './state.tsx'

/**
 * A publish job in the calendar. `time` is its wall time in the calendar's zone, `09:00`. With `job` (its id) it can be
 * dragged to another day; the plain way is the job's own page behind `href`.
 */
export function Chip({
  href,
  state,
  time,
  title,
  platform,
  job,
  late,
  mark,
}: {
  href: string
  state: State
  time: string
  title: string
  platform: PlatformId
  job?: string | undefined
  late?: string | undefined
  /** A further sign at the end of the first line, with words of its own. */
  mark?: { icon: IconName; tone: Tone; words: string } | undefined
}): Html {
  const { words, icon, tone } = states[state]
  return (
    <a
      class={`chip chip-${state} ${tone}`}
      href={href}
      draggable={job ? 'true' : 'false'}
      data-job={job}
      title={[words, platforms[platform].name, late, mark?.words].filter(Boolean).join(' · ')}
    >
      <Icon name={icon} label={words} />
      <time class="num">{time}</time>
      <abbr class="chip-net" title={platforms[platform].name}>
        {platforms[platform].short}
      </abbr>
      {mark && (
        <span class={`chip-mark ${mark.tone}`}>
          <Icon name={mark.icon} label={mark.words} />
        </span>
      )}
      <span class="chip-title" dir="auto">
        {title || 'No words'}
      </span>
    </a>
  )
}

export interface MonthDay {
  /** ISO date, `2026-11-21`. */
  date: string
  today?: boolean | undefined
  /** Belongs to the month before or after. */
  outside?: boolean | undefined
  /** A day off: Saturday, Sunday, a holiday. */
  off?: boolean | undefined
  /** The holiday's name. */
  note?: string | undefined
  /** `<Chip>`s in order of time. */
  chips?: readonly Html[] | undefined
  /** How many more there are, and where they are listed. */
  more?: { count: number; href: string } | undefined
  /** Times at which a post could still go out, each with where one begins. */
  free?: readonly { time: string; words: string; href: string }[] | undefined
  /** Where a new post for this day starts. */
  newHref?: string | undefined
}

const longDay = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  timeZone: 'UTC',
})
const monthName = new Intl.DateTimeFormat('en-GB', { month: 'short', timeZone: 'UTC' })
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'short', timeZone: 'UTC' })

function Day({ day }: { day: MonthDay }): Html {
  const at = new Date(`${day.date}T00:00:00Z`)
  const number = at.getUTCDate()
  const chips = day.chips ?? []
  const free = day.free ?? []
  const long = longDay.format(at)
  return (
    <td
      class={[
        'day',
        day.today && 'day-today',
        day.outside && 'day-outside',
        day.off && 'day-off',
        chips.length + free.length === 0 && 'day-empty',
      ]}
      data-date={day.date}
      aria-label={`${long}${day.today ? ', today' : ''}`}
      aria-current={day.today ? 'date' : undefined}
    >
      <div class="day-head">
        <span class="day-weekday">{weekday.format(at)}</span>
        <b class="num">{number}</b>
        {number === 1 && <span class="day-month">{monthName.format(at)}</span>}
        {day.note && (
          <em dir="auto" title={day.note}>
            {day.note}
          </em>
        )}
        {day.newHref && (
          <a class="day-new" href={day.newHref} aria-label={`New post on ${long}`}>
            <Icon name="plus" />
          </a>
        )}
      </div>
      {chips.length > 0 && (
        <ul class="day-chips">
          {chips.map(chip => (
            <li>{chip}</li>
          ))}
        </ul>
      )}
      {free.length > 0 && (
        <ul class="day-chips">
          {free.map(({ time, words, href }) => (
            <li>
              <a class="chip chip-free" href={href} aria-label={`${time}, ${words}: write a post for it`}>
                <Icon name="plus" />
                <time class="num">{time}</time>
                <span>{words}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
      {day.more && (
        <a class="day-more" href={day.more.href}>
          + {day.more.count} more
        </a>
      )}
    </td>
  )
}

/**
 * Weeks as a grid, a list of days on a phone. `days` holds whole weeks (a multiple of seven), so one week is a week view.
 * `moveTo` is where a dragged chip is posted (`job`, `date`); the answer is this same `<Month>`, which is morphed in place.
 */
export function Month({
  label,
  days,
  moveTo,
  id = 'month',
}: {
  label: string
  days: readonly MonthDay[]
  moveTo?: string | undefined
  id?: string | undefined
}): Html {
  const weeks: MonthDay[][] = []
  for (let start = 0; start < days.length; start += 7) weeks.push(days.slice(start, start + 7))
  return (
    <div class="month" id={id}>
      <table data-month>
        <caption class="unseen">{label}</caption>
        <thead>
          <tr>
            {(weeks[0] ?? []).map(({ date }) => (
              <th scope="col">{weekday.format(new Date(`${date}T00:00:00Z`))}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeks.map(week => (
            <tr>
              {week.map(day => (
                <Day day={day} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {moveTo && (
        <form
          hidden
          method="post"
          action={moveTo}
          data-move
          hx-post={moveTo}
          hx-trigger="move-job"
          hx-target={`#${id}`}
          hx-swap="outerMorph"
        >
          <input type="hidden" name="job" />
          <input type="hidden" name="date" />
        </form>
      )}
    </div>
  )
}

export interface StripDay {
  /** "Sat 21". */
  label: string
  href: string
  today?: boolean | undefined
  /** The state of each job of that day, in order. */
  states: readonly State[]
  note?: { tone: Tone; text: string } | undefined
}

/** The week ahead at a glance: a shape for every job of a day, in words for screen readers. */
export function Strip({ days, label }: { days: readonly StripDay[]; label: string }): Html {
  return (
    <ol class="strip" aria-label={label}>
      {days.map(day => (
        <li class={day.today ? 'strip-today' : undefined}>
          <a href={day.href}>
            <span class="caps">{day.label}</span>
            {day.states.length === 0 ? (
              <small class="faint">nothing planned</small>
            ) : (
              <span class="dots" role="img" aria-label={spoken(day.states)}>
                {day.states.map(state => (
                  <i class={`dot dot-${state} ${states[state].tone}`} />
                ))}
              </span>
            )}
            {day.note && <small class={`strip-note ${day.note.tone}`}>{day.note.text}</small>}
          </a>
        </li>
      ))}
    </ol>
  )
}

function spoken(list: readonly State[]): string {
  const counts = new Map<State, number>()
  for (const state of list) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, count]) => `${count} ${states[state].words.toLowerCase()}`).join(', ')
}

/**
 * The head of the calendar: the month's name with the way to the ones beside it. `zone` stands beside it, as beside every
 * time; `children` are the tools at the end (the tabs).
 */
export function MonthNav({
  month,
  year,
  zone,
  previous,
  next,
  today,
  children,
}: {
  month: string
  year: number
  zone: string
  previous: { href: string; label: string }
  next: { href: string; label: string }
  today?: string | undefined
  children?: Child
}): Html {
  const step = (to: { href: string; label: string }, icon: 'chevron-left' | 'chevron-right'): Child => (
    <a
      class="btn btn-quiet btn-icon"
      href={to.href}
      aria-label={to.label}
      title={to.label}
      rel={icon === 'chevron-left' ? 'prev' : 'next'}
    >
      <Icon name={icon} />
    </a>
  )
  return (
    <header class="page-head">
      <div class="month-nav">
        <h1>{month}</h1>
        <small class="num">
          {year} · {zone}
        </small>
        <span class="month-steps">
          {step(previous, 'chevron-left')}
          {today && (
            <a class="btn btn-quiet" href={today}>
              Today
            </a>
          )}
          {step(next, 'chevron-right')}
        </span>
      </div>
      {children && <div class="page-tools">{children}</div>}
    </header>
  )
}
